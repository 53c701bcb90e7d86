"""The parts run in parallel, with the same result as one after another."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Barrier, local
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from PIL import Image

from catalog.db.connection import connect
from catalog.importing import import_catalog
from catalog.indexing import fill
from catalog.indexing import profile as profile_module
from catalog.indexing.pipeline import AHEAD, run_pipeline
from catalog.indexing.profile import Profile
from catalog.model_tables import add_model
from embedding.encoder import get_encoder
from embedding.image_decoding import open_image
from embedding.registry import get_spec
from tests.fakes import WordsAndColours

pytestmark = pytest.mark.slow


class Rows(list[int]):
    """A batch."""


def rows(count: int) -> Iterator[Rows]:
    return (Rows([number] * 3) for number in range(count))


def same(batch: Rows) -> Rows:
    return batch


def test_parts_overlap() -> None:
    """A batch is encoded while the next one is read and the last one is written."""
    together = Barrier(3)

    def batches() -> Iterator[Rows]:
        for number, batch in enumerate(rows(9)):
            if number >= 2:
                together.wait(60)
            yield batch

    def encode(batch: Rows) -> Rows:
        if 1 <= batch[0] <= 7:
            together.wait(60)
        return batch

    def write(batch: Rows) -> None:
        if batch[0] <= 6:
            together.wait(60)

    profile = Profile()
    run_pipeline(batches(), encode, write, profile)
    assert all(0 < part.busy <= profile.seconds for part in profile.parts.values())
    assert {part.rows for part in profile.parts.values()} == {27}


class Clock:
    """The time of one thread, which passes only in `pause`."""

    def __init__(self) -> None:
        self.times = local()

    def perf_counter(self) -> float:
        return float(getattr(self.times, "now", 0.0))

    def pause(self, seconds: float) -> Callable[[Rows], Any]:
        def work(batch: Rows) -> Rows:
            self.times.now = self.perf_counter() + seconds
            return batch

        return work


@pytest.mark.parametrize("limit", ["reader", "encoder", "writer"])
def test_the_slowest_part_is_reported_as_the_limit(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(profile_module, "time", clock)
    seconds = {"reader": 0.25, "encoder": 0.25, "writer": 0.25, limit: 1.0}
    reading, encoding, writing = map(clock.pause, seconds.values())
    profile = Profile()
    run_pipeline(map(reading, rows(15)), encoding, writing, profile)
    assert profile.limit == limit
    assert {name: part.busy for name, part in profile.parts.items()} == {
        name: 15 * each for name, each in seconds.items()
    }
    profile.seconds = 20.0
    report = profile.as_json()
    assert report["limit"] == limit
    figures = {"rows": 45, "busy": 15.0, "waiting": 5.0, "rate": 3.0}
    assert report["parts"][limit] == figures


def test_batches_are_written_in_order() -> None:
    written: list[int] = []
    run_pipeline(rows(20), same, lambda batch: written.append(batch[0]), Profile())
    assert written == list(range(20))


def test_the_reader_waits_for_a_slow_writer() -> None:
    """The number of batches in memory is limited, however large the catalogue."""
    produced = written = max_in_memory = 0

    def batches() -> Iterator[Rows]:
        nonlocal produced
        for number in range(30):
            produced += 1
            yield Rows([number])

    def write(batch: Rows) -> None:
        nonlocal written, max_in_memory
        max_in_memory = max(max_in_memory, produced - written)
        time.sleep(0.005)
        written += 1

    run_pipeline(batches(), same, write, Profile())
    assert written == 30
    assert max_in_memory <= 2 * AHEAD + 3


def test_encoded_batches_are_written_before_an_encoder_error_is_raised() -> None:
    written: list[int] = []

    def encode(batch: Rows) -> Rows:
        if batch[0] == 5:
            raise RuntimeError("broken")
        return batch

    def write(batch: Rows) -> None:
        time.sleep(0.01)
        written.append(batch[0])

    with pytest.raises(RuntimeError, match="broken"):
        run_pipeline(rows(10), encode, write, Profile())
    assert written == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("part", ["read", "write"])
def test_a_reader_or_writer_error_ends_the_run(part: str) -> None:
    def fail(batch: object) -> Any:
        raise OSError("gone")

    batches = map(fail, range(3)) if part == "read" else rows(50)
    with pytest.raises(OSError, match="gone"):
        run_pipeline(batches, same, fail, Profile())
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if name.startswith(("reader", "writer"))]


@pytest.fixture
def catalogue(database: str, tmp_path: Path) -> Path:
    """Twelve products with a picture each, of different sizes. Returns the media folder."""
    images = tmp_path / "images"
    images.mkdir()
    rng = np.random.default_rng(1)
    lines = ["sku,title,images"]
    for number in range(12):
        pixels = rng.integers(0, 256, (5 + number, 7, 3), np.uint8)
        name = f"{number}.png"
        Image.fromarray(pixels).resize((90 + 9 * number, 120)).save(images / name)
        lines.append(f"P{number},Shirt{'s' * (number * 7 % 12)},{name}")
    (tmp_path / "c.csv").write_text("\n".join(lines))
    import_catalog(tmp_path / "c.csv", images)
    return tmp_path / "media"


def stored(table: str) -> list[tuple[str, np.ndarray]]:
    with connect() as connection:
        found = connection.exec_driver_sql(
            f"SELECT i.path, e.embedding FROM {table} e JOIN product_image i ON i.id = e.image_id"
        )
        return [(path, vector.to_numpy()) for path, vector in found]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("model", ["fashion", "tiny"])
def test_the_vectors_equal_those_of_pictures_encoded_one_by_one(
    catalogue: Path, with_tiny: None, model: str, workers: int
) -> None:
    if model == "tiny":
        with connect() as connection:
            add_model(connection, get_spec(model))
    damaged = next(catalogue.rglob("*.png"))
    damaged.write_bytes(damaged.read_bytes()[:100])
    encoder = get_encoder(model, "cpu")
    summary = fill(encoder, "image", batch_size=5, workers=workers)
    assert summary.embedded == 11
    assert [Path(row.content).name for row, _ in summary.failures] == [damaged.name]
    rows = stored(f"{model}_image")
    assert len(rows) == 11
    for path, vector in rows:
        expected = encoder.encode_images([open_image(catalogue / path)])[0]
        np.testing.assert_allclose(vector, expected, atol=1e-3)


def test_texts_are_sorted_by_length_within_a_page(catalogue: Path) -> None:
    encoder = WordsAndColours()
    assert fill(encoder, "text", batch_size=4).embedded == 12
    lengths = [len(text) for text in encoder.texts]
    assert lengths == sorted(lengths)
    assert len(set(lengths)) > 3


def test_the_limit_may_be_smaller_than_a_batch(catalogue: Path) -> None:
    assert fill(get_encoder("fashion", "cpu"), "image", batch_size=8, limit=3).embedded == 3


def test_embed_catalog_writes_a_profile(
    catalogue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "profile.json"
    call_command(
        "embed_catalog", model=["fashion"], verbosity=0, batch_size=5, device="cpu", profile=file
    )
    output = capsys.readouterr().out
    runs = json.loads(file.read_text())
    assert [(run["model"], run["modality"]) for run in runs] == [
        ("fashion", "text"),
        ("fashion", "image"),
    ]
    for run in runs:
        assert f"limited by the {run['limit']}" in output
        assert run["embedded"] == 12
        assert all(part["rows"] == 12 for part in run["parts"].values())
