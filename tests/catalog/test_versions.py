"""Embeddings of an earlier version of a model are stale; a rebuild is a state that is resumed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from catalog.db.connection import connect
from catalog.indexing import Coverage, fill, versions
from catalog.indexing.calibrate import calibrate, is_due
from catalog.indexing.pending import EVERYTHING, Selection
from catalog.indexing.versions import ChangedModel, plan
from catalog.indexing.worker import Worker
from catalog.query_log import remember
from embedding import fingerprint as fingerprints
from embedding.fingerprint import fingerprint
from embedding.registry import ModelSpec, get_spec
from shop.checks import check_schema
from tests.catalog.test_indexing import execute, scalar, state
from tests.embedding.tiny_clip import write_entry
from tests.fakes import WordsAndColours

ENCODER = WordsAndColours()
ALL = Coverage(20, 20, 0, 0, 0)


@pytest.fixture
def products(database: str) -> None:
    execute(
        "INSERT INTO product (sku, title, product_type)"
        " SELECT n, 'Shirt number ' || n, 'type ' || n %% 3 FROM generate_series(1, 20) AS n"
    )


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets the fingerprint of all models."""

    def become(found: str) -> None:
        monkeypatch.setattr(versions, "fingerprint", lambda spec, modality: found)

    become("old")
    return become


def rebuild(limit: int | None = None, selection: Selection = EVERYTHING) -> int:
    return fill(
        ENCODER, "text", batch_size=4, rebuild=True, limit=limit, selection=selection
    ).embedded


def due() -> bool:
    with connect() as connection:
        return is_due(connection, "fashion")


def planned(*, rebuild: bool = False) -> tuple[int, str]:
    with connect() as connection:
        found = plan(connection, get_spec("fashion"), "text", rebuild=rebuild)
    return found.rows, found.reason


def test_an_interrupted_rebuild_is_shown_and_continued(products: None) -> None:
    fill(ENCODER, "text")
    assert planned(rebuild=True) == (20, "")
    assert rebuild(limit=8) == 8
    assert state("text") == Coverage(20, 8, 12, 0, 0)
    seen = (
        "SELECT embedded, stale FROM search.coverage WHERE (model, modality) = ('fashion', 'text')"
    )
    with connect() as connection:
        assert connection.exec_driver_sql(seen).one() == (8, 12)
    rows, reason = planned(rebuild=True)
    assert rows == 12
    assert "continues the rebuild that was begun at" in reason
    assert rebuild() == 12
    assert state("text") == ALL
    assert rebuild() == 20  # the next one is a new one


def test_any_run_continues_a_rebuild(products: None) -> None:
    fill(ENCODER, "text")
    rebuild(limit=8)
    assert planned() == (12, "")
    assert fill(ENCODER, "text").embedded == 12
    assert state("text") == ALL


class Picky(WordsAndColours):
    def encode_texts(self, texts: list[str]) -> np.ndarray:
        if any("number 7" in text for text in texts):
            raise ValueError("cannot tokenise this")
        return super().encode_texts(texts)


def test_a_row_that_fails_does_not_keep_a_rebuild_unfinished(products: None) -> None:
    fill(ENCODER, "text")
    summary = fill(Picky(), "text", rebuild=True)
    assert (summary.embedded, len(summary.failures)) == (19, 1)
    assert state("text") == Coverage(20, 19, 0, 0, 1)
    assert planned(rebuild=True) == (20, "")
    assert rebuild() == 20


def test_a_rebuild_of_some_products_is_continued_too(products: None) -> None:
    fill(ENCODER, "text")
    chosen = Selection(skus=("2", "3", "5", "7", "11"))
    assert rebuild(limit=2, selection=chosen) == 2
    assert state("text") == Coverage(20, 17, 3, 0, 0)
    assert rebuild(selection=chosen) == 3
    assert rebuild(selection=chosen) == 5
    assert state("text") == ALL


def test_changed_files_make_everything_stale(products: None, files: Callable[[str], None]) -> None:
    fill(ENCODER, "text")
    remember("red shirt", [("fashion", ENCODER.encode_texts(["red shirt"])[0])], 1, False)
    files("new")
    with pytest.raises(
        ChangedModel, match="files of the model fashion have changed since its texts"
    ):
        fill(ENCODER, "text")
    assert state("text") == ALL
    rows, reason = planned()
    assert (rows, "files of the model fashion have changed" in reason) == (20, True)
    assert fill(ENCODER, "text", limit=5, renew=True).embedded == 5
    assert state("text") == Coverage(20, 5, 15, 0, 0)
    assert scalar("SELECT count(embedding) FROM query_embedding") == 0
    assert fill(ENCODER, "text").embedded == 15
    files("")  # not downloaded on another machine
    assert fill(ENCODER, "text").embedded == 0
    assert state("image").total == 0


def test_the_command_says_what_it_does(
    products: None, files: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"model": ["fashion"], "modality": "text", "verbosity": 0}
    call_command("embed_catalog", **options)
    files("new")
    fill(ENCODER, "text", limit=5, renew=True)
    with pytest.raises(CommandError, match="not embedded everything"):
        call_command("set_default_model", "fashion")
    capsys.readouterr()
    call_command("embed_catalog", rebuild=True, **options)
    output = capsys.readouterr().out
    assert "fashion text: continues the rebuild that was begun at 20" in output
    assert "fashion text: 15 embedded" in output
    files("newer")
    call_command("embed_catalog", **options)
    output = capsys.readouterr().out
    assert (
        "fashion text: the files of the model fashion have changed, so everything is stale"
        in output
    )
    assert "fashion text: 20 embedded" in output
    assert len(output.splitlines()) == 1  # of a log


@pytest.mark.usefixtures("few_synonyms")
def test_migrate_makes_embeddings_of_changed_files_stale_and_check_warns(
    products: None, files: Callable[[str], None], capfd: pytest.CaptureFixture[str]
) -> None:
    fill(ENCODER, "text")

    def warnings() -> str:
        with connect() as connection:
            return "\n".join(str(warning) for warning in check_schema(connection))

    assert "have changed" not in warnings()
    files("new")
    assert "files of the model fashion have changed since its texts were embedded" in warnings()
    call_command("migrate", verbosity=0)
    assert "files of the model fashion have changed: its texts are embedded again" in (
        capfd.readouterr().err
    )
    assert "have changed" not in warnings()
    assert state("text") == Coverage(20, 0, 20, 0, 0)
    call_command("migrate", verbosity=0)
    assert fill(ENCODER, "text").embedded == 20


def test_a_worker_with_other_files_embeds_nothing_and_says_so_once(
    products: None, files: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    fill(ENCODER, "text")
    execute("UPDATE product SET title = 'Blouse' WHERE sku = '3'")
    files("new")
    worker = Worker(lambda name: WordsAndColours(name))
    for _ in range(3):
        assert worker.embed_products() == 0
    assert caplog.text.count("files of the model fashion have changed") == 1
    assert state("text") == Coverage(20, 19, 1, 0, 0)


def test_a_finished_rebuild_is_calibrated(products: None) -> None:
    fill(ENCODER, "text")
    calibrate(ENCODER)
    assert not due()
    rebuild(limit=8)
    assert not due()
    rebuild()
    assert due()
    calibrate(ENCODER)
    assert not due()


# The files of a model


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelSpec:
    """A model with a checkpoint in a folder."""
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "README.md").write_text("about")
    monkeypatch.setenv("EMBEDDING_REGISTRY", str(tmp_path))
    write_entry(tmp_path, checkpoint="./checkpoint")
    return get_spec("tiny")


def test_the_fingerprint_depends_on_contents_only(spec: ModelSpec) -> None:
    folder = Path(spec.checkpoint)
    before = fingerprint(spec, "text")
    (folder / "README.md").write_text("more")
    (folder / "model.safetensors").touch()
    assert fingerprint(spec, "text") == before
    (folder / "model.safetensors").write_bytes(b"others!")
    assert fingerprint(spec, "text") != before
    copied = fingerprint(spec, "text")
    folder.rename(folder.with_name("elsewhere"))
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"others!")
    assert fingerprint(spec, "text") == copied


def test_a_model_of_the_hub_has_its_downloaded_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENTENCE_TRANSFORMERS_HOME", str(tmp_path))
    assert fingerprint(get_spec("clip"), "text") == ""
    revision = get_spec("clip").revision
    repository = tmp_path / "models--sentence-transformers--clip-ViT-B-32"
    (repository / "snapshots" / revision).mkdir(parents=True)
    assert fingerprint(get_spec("clip"), "image") == revision[:16]


@pytest.mark.parametrize("name", ["fashion", "imagenet"])
def test_packaged_models_have_a_fingerprint_for_each_modality(name: str) -> None:
    found = [fingerprint(get_spec(name), modality) for modality in get_spec(name).modalities]
    assert all(len(it) == fingerprints.LENGTH for it in found)
    assert len(set(found)) == len(found)
