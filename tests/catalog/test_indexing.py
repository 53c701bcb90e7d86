"""Missing and stale rows are embedded, and no others."""

import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from catalog.db.connection import connect
from catalog.importing import import_catalog
from catalog.indexing import Coverage, coverage, fill, writer
from catalog.indexing.job import is_any_pending
from catalog.indexing.versions import plan
from embedding.registry import Modality, get_spec
from tests.conftest import PROJECT
from tests.fakes import WordsAndColours
from tests.processes import run_python

pytestmark = pytest.mark.slow


def scalar(query: str) -> object:
    with connect() as connection:
        return connection.exec_driver_sql(query).scalar()


def execute(statement: str) -> None:
    with connect() as connection:
        connection.exec_driver_sql(statement)


def state(modality: str, model: str = "fashion") -> Coverage:
    with connect() as connection:
        return coverage(connection, model, modality)  # type: ignore[arg-type]


def planned(modality: Modality) -> int:
    with connect() as connection:
        return plan(connection, get_spec("fashion"), modality, rebuild=False).rows


@pytest.fixture
def catalogue(database: str, tmp_path: Path) -> Path:
    """Twenty products; the first ten have a picture each. Returns the media folder."""
    images = tmp_path / "images"
    images.mkdir()
    lines = ["sku,title,colour,images"]
    for number in range(20):
        name = f"{number}.png" if number < 10 else ""
        if name:
            Image.new("RGB", (20, 20), (number * 20, 30, 30)).save(images / name)
        lines.append(f"P{number},Shirt number {number},Red,{name}")
    (tmp_path / "c.csv").write_text("\n".join(lines))
    import_catalog(tmp_path / "c.csv", images)
    return tmp_path / "media"


def test_missing_rows_are_embedded_once(catalogue: Path) -> None:
    encoder = WordsAndColours()
    seen: list[int] = []
    summary = fill(encoder, "text", batch_size=7, progress=seen.append)
    assert (summary.embedded, summary.failures, seen) == (20, [], [7, 7, 6])
    assert fill(encoder, "text").embedded == 0
    assert fill(encoder, "image", batch_size=3).embedded == 10
    assert state("text") == Coverage(20, 20, 0, 0, 0)
    assert state("image") == Coverage(10, 10, 0, 0, 0)


def test_the_encoded_vectors_are_stored(catalogue: Path) -> None:
    encoder = WordsAndColours()
    fill(encoder, "text")
    with connect() as connection:
        document, stored = connection.exec_driver_sql(
            "SELECT p.document, e.embedding FROM product p JOIN fashion_text e"
            " ON e.product_id = p.id WHERE p.sku = 'P3'"
        ).one()
    assert "Shirt number 3" in document
    np.testing.assert_allclose(stored.to_numpy(), encoder.encode_texts([document])[0], atol=1e-3)


def test_edits_of_embedded_columns_make_a_row_pending_and_prices_do_not(catalogue: Path) -> None:
    encoder = WordsAndColours()
    fill(encoder, "text")
    fill(encoder, "image")
    execute("UPDATE product SET price = 5, in_stock = false")
    assert state("text").pending == 0
    execute("UPDATE product SET colour = 'Blue' WHERE sku = 'P4'")
    execute("UPDATE product_image SET sha256 = 'other' WHERE product_id = 1")
    assert (state("text").pending, state("image").pending) == (1, 1)
    encoder.texts.clear()
    assert fill(encoder, "text").embedded == 1
    assert [text.splitlines()[0] for text in encoder.texts] == ["Shirt number 4"]


def test_the_next_run_continues_after_a_limit(catalogue: Path) -> None:
    encoder = WordsAndColours()
    assert fill(encoder, "text", batch_size=4, limit=6).embedded == 6
    assert fill(encoder, "text", batch_size=4).embedded == 14


def test_rebuild_embeds_everything_again(catalogue: Path) -> None:
    encoder = WordsAndColours()
    fill(encoder, "text")
    before = scalar("SELECT min(embedded_at) FROM fashion_text")
    assert fill(encoder, "text", batch_size=6, rebuild=True).embedded == 20
    assert scalar("SELECT min(embedded_at) FROM fashion_text") > before  # type: ignore[operator]


def test_an_undecodable_picture_is_recorded_and_skipped_until_a_rebuild(
    catalogue: Path,
) -> None:
    encoder = WordsAndColours()
    broken = next(catalogue.rglob("*.png"))
    content = broken.read_bytes()
    broken.write_bytes(content[:-30])
    summary = fill(encoder, "image", batch_size=4)
    assert summary.embedded == 9
    ((row, reason),) = summary.failures
    assert broken.name == Path(row.content).name
    assert "damaged" in reason
    assert state("image") == Coverage(10, 9, 0, 0, 1)
    again = fill(encoder, "image")
    assert (again.embedded, again.failures) == (0, [])
    assert not is_any_pending("fashion", "image")
    assert fill(encoder, "image", rebuild=True).embedded == 9
    assert state("image").failed == 1


def test_a_missing_file_is_recorded_and_embedded_once_it_is_there_again(catalogue: Path) -> None:
    lost = next(catalogue.rglob("*.png"))
    content = lost.read_bytes()
    lost.unlink()
    summary = fill(WordsAndColours(), "image")
    assert summary.embedded == 9
    assert "cannot be read" in summary.failures[0][1]
    assert planned("image") == 0
    assert not is_any_pending("fashion", "image")
    lost.write_bytes(content)
    assert planned("image") == 1
    assert fill(WordsAndColours(), "image").embedded == 1
    assert state("image") == Coverage(10, 10, 0, 0, 0)


def test_polls_take_turns_to_look_for_missing_files(
    catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.indexing.job.LOOKED_AT", 2)
    lost = sorted(catalogue.rglob("*.png"))[:5]
    contents = [file.read_bytes() for file in lost]
    for file in lost:
        file.unlink()
    assert fill(WordsAndColours(), "image").embedded == 5
    looked_at: list[str] = []
    real = writer._is_restored

    def look(reason: str, failed_at: datetime, path: str) -> bool:
        looked_at.append(path)
        return real(reason, failed_at, path)

    monkeypatch.setattr("catalog.indexing.writer._is_restored", look)
    assert not any(is_any_pending("fashion", "image") for _ in range(3))
    assert (len(looked_at), len(set(looked_at))) == (6, 5)
    for file, content in zip(lost, contents, strict=True):
        file.write_bytes(content)
    assert is_any_pending("fashion", "image")
    assert len(looked_at) == 8
    assert planned("image") == 5
    assert fill(WordsAndColours(), "image").embedded == 5


def test_a_damaged_file_is_tried_again_once_it_was_replaced(catalogue: Path) -> None:
    damaged = next(catalogue.rglob("*.png"))
    content = damaged.read_bytes()
    damaged.write_bytes(content[:-30])
    assert fill(WordsAndColours(), "image").embedded == 9
    damaged.write_bytes(content)
    assert is_any_pending("fashion", "image")
    assert fill(WordsAndColours(), "image").embedded == 1


class Picky(WordsAndColours):
    """Fails for the text of one product, like a model with a bug."""

    def encode_texts(self, texts: list[str]) -> np.ndarray:
        if any("number 7" in text for text in texts):
            raise ValueError("cannot tokenise this")
        return super().encode_texts(texts)


def test_a_row_that_breaks_the_model_fails_alone(catalogue: Path) -> None:
    summary = fill(Picky(), "text", batch_size=8)
    assert summary.embedded == 19
    assert [reason for _, reason in summary.failures] == ["ValueError: cannot tokenise this"]
    assert fill(Picky(), "text").failures == []
    execute("UPDATE product SET title = 'Fixed' WHERE sku = 'P7'")
    assert fill(Picky(), "text").embedded == 1
    assert state("text") == Coverage(20, 20, 0, 0, 0)


class Broken(WordsAndColours):
    def encode_texts(self, texts: list[str]) -> np.ndarray:
        raise RuntimeError("the model is broken")


def test_a_broken_model_raises_and_records_no_failures(catalogue: Path) -> None:
    with pytest.raises(RuntimeError, match="the model is broken"):
        fill(Broken(), "text", batch_size=5)
    assert state("text") == Coverage(20, 0, 0, 20, 0)


class Deleting(WordsAndColours):
    """Deletes products while they are being encoded."""

    def encode_texts(self, texts: list[str]) -> np.ndarray:
        execute("DELETE FROM product WHERE sku IN ('P1', 'P12')")
        return super().encode_texts(texts)


def test_products_deleted_while_being_encoded_are_skipped(catalogue: Path) -> None:
    fill(Deleting(), "text", batch_size=5)
    assert state("text") == Coverage(18, 18, 0, 0, 0)
    assert scalar("SELECT count(*) FROM fashion_text") == 18


def start_command(model: str, batch_size: int) -> subprocess.Popen[str]:
    arguments = ["--model", model, "--modality", "text", "--batch-size", str(batch_size)]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.fake_manage", "embed_catalog", *arguments],
        cwd=PROJECT,
        env=os.environ | {"BATCH_SECONDS": "0.05"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.process
def test_a_killed_run_keeps_whole_batches_and_the_next_run_continues(
    database: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.reduction.get_encoder", lambda name, _: WordsAndColours(name))
    model, products, rest = "fashion", 3000, 100
    numbers = f"generate_series(1, {products}) AS n"
    execute(f"INSERT INTO product (sku, title) SELECT n, 'Shirt ' || n FROM {numbers}")
    counted = f"SELECT count(*) FROM {model}_text"
    process = start_command(model, batch_size=5)
    deadline = time.monotonic() + 300
    while (done := scalar(counted)) == 0:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    survived = scalar(counted)
    assert isinstance(survived, int)
    assert isinstance(done, int)
    assert done <= survived < products - rest
    assert survived % 5 == 0
    execute(
        "DELETE FROM product WHERE id IN (SELECT id FROM product"
        f" WHERE id NOT IN (SELECT product_id FROM {model}_text) OFFSET {rest})"
    )
    oldest = scalar(f"SELECT max(embedded_at) FROM {model}_text")
    call_command("embed_catalog", model=[model], modality="text", batch_size=100, verbosity=0)
    assert f"{model} text: {rest} embedded" in capsys.readouterr().out
    total = survived + rest
    assert state("text", model) == Coverage(total, total, 0, 0, 0)
    assert scalar(f"{counted} WHERE embedded_at <= '{oldest}'") == survived


@pytest.mark.slow
def test_the_exit_status_of_embed_catalog(
    catalogue: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"model": ["fashion"], "verbosity": 0}
    call_command("embed_catalog", dry_run=True, **options)
    assert "fashion text: 20 to embed" in capsys.readouterr().out
    assert state("text").pending == 20
    next(catalogue.rglob("*.png")).unlink()
    with pytest.raises(SystemExit) as status:
        call_command("embed_catalog", **options)
    assert status.value.code == 1
    output = capsys.readouterr()
    assert "fashion text: 20 embedded" in output.out
    assert "9 embedded" in output.out
    assert "cannot be read" in output.err
    call_command("embed_catalog", **options)
    assert "fashion image: 0 to embed" in capsys.readouterr().out


@pytest.mark.process
@pytest.mark.parametrize(
    "arguments",
    [
        ["--model", "nope"],
        ["--model", "imagenet", "--modality", "text"],
        ["--batch-size", "0"],
        ["--modality", "sound"],
    ],
)
def test_invalid_arguments_exit_with_status_2(database: str, arguments: list[str]) -> None:
    done = run_python("manage.py", "embed_catalog", *arguments)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()


def test_invalid_arguments_raise_a_command_error(database: str) -> None:
    with pytest.raises(CommandError, match="models: "):
        call_command("embed_catalog", model=["nope"])


@pytest.mark.parametrize("empty", [False, True])
def test_without_the_media_folder_no_picture_is_recorded_as_failed(
    catalogue: Path, empty: bool
) -> None:
    elsewhere = catalogue.rename(catalogue.with_name("elsewhere"))
    if empty:  # as if a network share were not mounted
        catalogue.mkdir()
    with pytest.raises(CommandError, match="MEDIA_ROOT") as caught:
        call_command("embed_catalog", model=["fashion"], modality="image", verbosity=0)
    assert caught.value.returncode == 2
    assert state("image") == Coverage(10, 0, 0, 10, 0)
    shutil.rmtree(catalogue, ignore_errors=True)
    elsewhere.rename(catalogue)
    assert fill(WordsAndColours(), "image").embedded == 10


def test_statistics_are_updated_after_many_new_rows_only(catalogue: Path) -> None:
    counted = "SELECT reltuples FROM pg_class WHERE relname = 'fashion_text'"
    encoder = WordsAndColours()
    fill(encoder, "text")
    assert scalar(counted) == 20
    execute("UPDATE pg_class SET reltuples = 21 WHERE relname = 'fashion_text'")  # a marker
    execute("UPDATE product SET title = 'Another' WHERE sku = 'P3'")
    assert fill(encoder, "text").embedded == 1
    assert scalar(counted) == 21
    execute("UPDATE product SET colour = 'Blue'")
    assert fill(encoder, "text").embedded == 20
    assert scalar(counted) == 20
