"""The same reader, encoder and writer on a Ray cluster: two nodes of one core on this machine."""

import sys
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image
from psycopg.errors import CheckViolation

from catalog.db.connection import connect
from catalog.importing import import_catalog
from catalog.indexing import Coverage, FillingError, coverage, fill
from catalog.indexing.ray_engine import Job, RayEngineError, fill_on_ray, ranges
from embedding.encoder import EncoderError, get_encoder
from embedding.registry import Modality
from tests.catalog.test_cut_pictures import find_scene, import_pictures

pytestmark = pytest.mark.ray

PRODUCTS = 60
BATCH = 8
FLOAT16 = {"rtol": 2**-10, "atol": 2**-15}
"""One unit in the last place of half precision, for actors with other numbers of threads. With two
threads each on two cores, all vectors were identical bit by bit."""


@pytest.fixture
def catalogue(database: str, tmp_path: Path) -> Path:
    """`PRODUCTS` products with a picture each. Returns the media folder."""
    images = tmp_path / "images"
    images.mkdir()
    rng = np.random.default_rng(7)
    lines = ["sku,title,colour,images"]
    for number in range(PRODUCTS):
        pixels = rng.integers(0, 256, (6, 5 + number % 3, 3), np.uint8)
        Image.fromarray(pixels).resize((200 + 3 * number, 260)).save(images / f"{number}.jpg")
        lines.append(f"P{number},Shirt{' of wool' * (number * 7 % 12)},Red,{number}.jpg")
    (tmp_path / "c.csv").write_text("\n".join(lines))
    import_catalog(tmp_path / "c.csv", images)
    return tmp_path / "media"


def stored(modality: Modality) -> dict[int, np.ndarray]:
    """The stored vectors by product id, float32 (d,)."""
    with connect() as connection:
        rows = connection.exec_driver_sql(
            f"SELECT product_id, embedding FROM fashion_{modality} ORDER BY product_id"
        )
        return {product: vector.to_numpy().astype(np.float32) for product, vector in rows}


def state(modality: Modality) -> Coverage:
    with connect() as connection:
        return coverage(connection, "fashion", modality)


@pytest.mark.parametrize("modality", ["text", "image"])
def test_the_vectors_equal_those_of_fill(
    catalogue: Path, ray_nodes: str, modality: Modality
) -> None:
    seen: list[int] = []
    summary = fill_on_ray(
        "fashion", modality, address=ray_nodes, batch_size=BATCH, progress=seen.append
    )
    assert (summary.embedded, summary.failures) == (PRODUCTS, [])
    assert sorted(seen) == [PRODUCTS % BATCH] + [BATCH] * (PRODUCTS // BATCH)
    assert {part.rows for part in summary.profile.parts.values()} == {PRODUCTS}
    on_ray = stored(modality)
    fill(get_encoder("fashion", "cpu"), modality, batch_size=BATCH, rebuild=True)
    plain = stored(modality)
    assert len(plain) == PRODUCTS
    assert list(on_ray) == list(plain)
    same = sum(np.array_equal(on_ray[product], plain[product]) for product in plain)
    print(f"{modality}: {same} of {PRODUCTS} vectors are identical bit by bit")
    for product, vector in plain.items():
        np.testing.assert_allclose(on_ray[product], vector, **FLOAT16)  # type: ignore[call-overload]


def test_pictures_are_cut_on_all_nodes(
    database: str,
    ray_nodes: str,
    tmp_path: Path,
    demo_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import_pictures(tmp_path, {"SCENE": find_scene(demo_folder)[0]})
    fill_on_ray("fashion", "image", address=ray_nodes, batch_size=BATCH)
    (whole,) = stored("image").values()
    monkeypatch.setenv("EMBED_REGIONS", "best")
    assert fill_on_ray("fashion", "image", address=ray_nodes, batch_size=BATCH).embedded == 1
    (cut,) = stored("image").values()
    assert not np.allclose(cut, whole, atol=0.01)
    fill(get_encoder("fashion", "cpu"), "image", batch_size=BATCH, rebuild=True)
    (plain,) = stored("image").values()
    np.testing.assert_allclose(cut, plain, rtol=2**-8, atol=2**-10)


def test_failures_limits_and_later_runs_behave_as_with_fill(
    catalogue: Path, ray_nodes: str
) -> None:
    broken, missing = sorted(catalogue.rglob("*.jpg"))[:2]
    broken.write_bytes(broken.read_bytes()[:200])
    missing.unlink()
    first = fill_on_ray("fashion", "image", address=ray_nodes, batch_size=BATCH, limit=20)
    second = fill_on_ray("fashion", "image", address=ray_nodes, batch_size=BATCH)
    assert first.embedded + len(first.failures) == 20
    assert first.embedded + second.embedded == PRODUCTS - 2
    reasons = {Path(row.content).name: reason for row, reason in first.failures + second.failures}
    assert reasons.keys() == {broken.name, missing.name}
    assert "cannot be read" in reasons[missing.name]
    assert state("image") == Coverage(PRODUCTS, PRODUCTS - 2, 0, 0, 2)
    third = fill_on_ray("fashion", "image", address=ray_nodes, batch_size=BATCH)
    assert (third.embedded, third.failures) == (0, [])
    plain = fill(get_encoder("fashion", "cpu"), "image", batch_size=BATCH, rebuild=True)
    assert {Path(row.content).name: reason for row, reason in plain.failures} == reasons


def test_original_errors_are_raised(
    catalogue: Path, ray_nodes: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EncoderError, match="cuda"):
        fill_on_ray("fashion", "image", address=ray_nodes, device="cuda:7", batch_size=BATCH)
    monkeypatch.setenv("MEDIA_ROOT", str(tmp_path / "not mounted"))
    with pytest.raises(FillingError, match="MEDIA_ROOT"):
        fill_on_ray("fashion", "image", address=ray_nodes, batch_size=BATCH)
    assert state("image") == Coverage(PRODUCTS, 0, 0, PRODUCTS, 0)
    with connect() as connection:
        connection.exec_driver_sql("ALTER TABLE fashion_text ADD CHECK (product_id < 0)")
    with pytest.raises(CheckViolation, match="violates check constraint"):
        fill_on_ray("fashion", "text", address=ray_nodes, batch_size=BATCH)


def test_a_stopped_run_keeps_its_committed_batches(catalogue: Path, ray_nodes: str) -> None:
    stop = Event()
    seen: list[int] = []

    def progress(rows: int) -> None:
        seen.append(rows)
        stop.set()

    fill_on_ray("fashion", "text", address=ray_nodes, batch_size=2, progress=progress, stop=stop)
    assert seen == [2]
    assert 2 <= state("text").embedded < PRODUCTS


def test_embed_catalog_starts_and_stops_ray(
    catalogue: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ray = pytest.importorskip("ray", reason="Ray is an extra: python -m pip install -e '.[ray]'")
    next(catalogue.rglob("*.jpg")).write_bytes(b"nothing")
    options = {"model": ["fashion"], "engine": "ray", "device": "cpu", "verbosity": 0}
    with pytest.raises(SystemExit) as status:
        call_command("embed_catalog", batch_size=16, **options)
    assert status.value.code == 1
    output = capsys.readouterr()
    assert f"fashion text: {PRODUCTS} embedded" in output.out
    assert f"fashion image: {PRODUCTS - 1} embedded" in output.out
    assert len(output.err.splitlines()) == 1
    assert not ray.is_initialized()


def test_ranges_cover_the_pending_rows_up_to_the_limit(
    catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job("fashion", "text", "cpu", None)
    with connect() as connection:
        query = "SELECT id FROM product ORDER BY id"
        ids = [row[0] for row in connection.exec_driver_sql(query)]
    assert [it["until"] for it in ranges(job, 25, None)] == [ids[24], ids[49], ids[59]]
    assert [it["after"] for it in ranges(job, 25, None)] == [0, ids[24], ids[49]]
    assert [it["until"] for it in ranges(job, 25, 30)] == [ids[24], ids[29]]
    monkeypatch.setattr("catalog.indexing.ray_engine.MAX_TASKS", 3)
    assert [it["until"] for it in ranges(job, 7, None)] == [ids[20], ids[41], ids[59]]
    fill(get_encoder("fashion", "cpu"), "text", limit=50)
    assert [it["until"] for it in ranges(job, 25, None)] == [ids[59]]
    fill(get_encoder("fashion", "cpu"), "text")
    assert ranges(job, 25, None) == []


def test_without_ray_embed_catalog_says_how_to_install_it(
    catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(CommandError, match=r"pip install .*\[ray\]") as error:
        call_command("embed_catalog", model=["fashion"], engine="ray", verbosity=0)
    assert error.value.returncode == 2
    assert "\n" not in str(error.value)
    assert state("text").embedded == 0


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("192.0.2.1:6379", "DATABASE_URL"),  # reserved for documentation
        ("ray://192.0.2.1:10001", "on a machine of the cluster"),
        ("127.0.0.1:1", "cannot connect to Ray at 127.0.0.1:1"),
    ],
)
def test_unusable_addresses_are_rejected(
    monkeypatch: pytest.MonkeyPatch, address: str, message: str
) -> None:
    pytest.importorskip("ray", reason="Ray is an extra: python -m pip install -e '.[ray]'")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(RayEngineError, match=message):
        fill_on_ray("fashion", "text", address=address)
