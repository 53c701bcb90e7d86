"""Models that are stored smaller, with an index of signs, or with the pictures of another model."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from pgvector import HalfVector
from PIL import Image

from catalog.db.connection import DatabaseError, connect
from catalog.importing import import_catalog
from catalog.indexing import fill, versions
from catalog.indexing.fit_reduction import TooFewToFit, with_reduction
from catalog.indexing.hnsw import defer_index, ensure_index, has_index
from catalog.indexing.switch_model import find_gaps
from catalog.indexing.worker import Worker
from catalog.model_tables import add_model, drop_model
from catalog.reduction import find_reduction
from catalog.search.pipeline import search
from catalog.search.search_spec import SearchSpec
from embedding.encoder import Encoder
from embedding.reduction import ReducedEncoder
from embedding.registry import get_spec, install_spec, smaller
from tests.catalog.test_indexing import execute, scalar, state
from tests.conftest import demo_database
from tests.fakes import WordsAndColours

WORDS = ["red", "blue", "green", "black", "shirt", "dress", "shoe", "coat", "hat", "silk"]
PRODUCTS = 60


@pytest.fixture
def catalogue(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Products of three words each; every fifth one has a picture. Returns the registry folder."""
    rng = np.random.default_rng(0)
    rows = ["sku,title,images"]
    for number in range(PRODUCTS):
        name = f"{number}.png" if number % 5 == 0 else ""
        if name:
            colour = tuple(int(it) for it in rng.integers(0, 256, 3))
            Image.new("RGB", (20, 20), colour).save(tmp_path / name)
        rows.append(f"P{number},{' '.join(rng.choice(WORDS, 3, replace=False))},{name}")
    (tmp_path / "c.csv").write_text("\n".join(rows))
    import_catalog(tmp_path / "c.csv", tmp_path)
    registry = tmp_path / "registry"
    registry.mkdir()
    monkeypatch.setenv("EMBEDDING_REGISTRY", str(registry))
    return registry


def add(name: str, dimensions: int, *, binary: bool = False) -> str:
    spec = smaller(get_spec(name), dimensions, binary=binary)
    with connect() as connection:
        assert add_model(connection, spec) == [spec.name]
    install_spec(spec, "test")
    return spec.name


def encoder(name: str) -> Encoder:
    """The encoder that a process begins with: its reduction is not fitted yet."""
    spec = get_spec(name)
    full = WordsAndColours(spec.checkpoint if spec.loader == "reduced" else "imagenet")
    if spec.loader != "reduced":
        full.spec = spec.unreduced
    with connect() as connection:
        return ReducedEncoder(spec, full, find_reduction(connection, spec))


def vectors(table: str) -> np.ndarray:
    with connect() as connection:
        rows = connection.exec_driver_sql(f"SELECT embedding FROM {table} ORDER BY product_id")
        return np.stack([row.to_numpy() for row in rows.scalars()]).astype(np.float32)


def test_a_smaller_model_is_computed_from_the_stored_vectors(catalogue: Path) -> None:
    for modality in ("text", "image"):
        fill(WordsAndColours(), modality)
    name = add("fashion", 16)
    small = encoder(name)
    assert isinstance(small, ReducedEncoder)
    assert fill(small, "text").embedded == PRODUCTS
    assert fill(small, "image").embedded == PRODUCTS / 5
    assert isinstance(small.unreduced, WordsAndColours)
    assert small.unreduced.texts == []  # nothing was encoded
    with connect() as connection:
        reduction = find_reduction(connection, get_spec(name))
    assert reduction is not None
    np.testing.assert_allclose(
        vectors(f"{name}_text"), reduction.apply(vectors("fashion_text")), atol=2e-3
    )
    assert scalar(f"SELECT vector_dims(embedding::vector) FROM {name}_image LIMIT 1") == 16
    # A change is encoded, with the same reduction, because the other model has not yet.
    execute("UPDATE product SET title = 'red shirt' WHERE sku = 'P1'")
    assert fill(encoder(name), "text").embedded == 1
    expected = encoder(name).encode_texts(["red shirt"])
    found = vectors(f"{name}_text")
    np.testing.assert_allclose((found @ expected.T).max(), 1, atol=2e-3)


def test_a_search_reduces_the_query(catalogue: Path) -> None:
    fill(WordsAndColours(), "text")
    name = add("fashion", 16)
    fill(encoder(name), "text")
    with connect() as connection:
        spec = SearchSpec("silk coat", model=name, signals=("text",), min_match=0.0)
        hits = search(connection, spec, lambda _: WordsAndColours()).hits
        rows = connection.exec_driver_sql("SELECT title FROM product").scalars()
        both = sum("silk" in it and "coat" in it for it in rows)
    assert both
    assert all("silk" in hit.title and "coat" in hit.title for hit in hits[:both])


def test_too_few_products_to_fit(catalogue: Path) -> None:
    name = add("fashion", 100)
    with pytest.raises(TooFewToFit, match=r"at least 100 texts and images are needed.* has 72"):
        fill(encoder(name), "text")
    assert scalar("SELECT count(*) FROM reduction") == 0
    with pytest.raises(CommandError, match="at least 200 texts and images are needed"):
        call_command("add_model", "fashion", "--dims", "200")
    with pytest.raises(CommandError, match="fashion has 384 dimensions: reduce it to fewer"):
        call_command("add_model", "fashion", "--dims", "385")
    assert scalar("SELECT count(*) FROM model WHERE name ~ 'fashion_[23]'") == 0


def test_the_reduction_is_part_of_the_identity(
    catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "fingerprint", lambda spec, modality: "files")
    fill(WordsAndColours(), "text")
    name = add("fashion", 16)
    fill(encoder(name), "text")
    assert state("text", name).embedded == PRODUCTS
    execute("UPDATE reduction SET components = substr(components, 5) || substr(components, 1, 4)")
    from catalog import reduction

    reduction._reductions.forget()
    assert fill(encoder(name), "text", renew=True).embedded == PRODUCTS
    with connect() as connection:
        assert versions.current_version(connection, name, "text").number == 2


def test_a_model_with_a_reduction_of_its_own_encodes_a_sample(catalogue: Path) -> None:
    name = "resnet50"
    spec = get_spec(name)
    small = smaller(spec, 8)
    with connect() as connection:
        add_model(connection, spec)
        add_model(connection, small)
    install_spec(small, "test")
    fitted = with_reduction(encoder(small.name), renew=False)
    assert isinstance(fitted, ReducedEncoder)
    assert fitted.reduction is not None
    assert scalar("SELECT (dimensions, vectors)::text FROM reduction") == f"(8,{PRODUCTS // 5})"
    assert fill(encoder(small.name), "image").embedded == PRODUCTS / 5
    with pytest.raises(TooFewToFit, match="at least 512 images are needed"):
        fill(encoder(name), "image")


def test_vectors_that_are_no_numbers_are_failures(catalogue: Path) -> None:
    class Broken(WordsAndColours):
        def encode_texts(self, texts: list[str]) -> np.ndarray:
            found = super().encode_texts(texts)
            found[["hat" in text for text in texts]] = np.nan
            return found

    summary = fill(Broken(), "text")
    assert summary.failures
    assert summary.embedded == PRODUCTS - len(summary.failures)
    assert {reason for _, reason in summary.failures} == {
        "ValueError: the model returns a vector with values that are no numbers"
    }


# Indexes of signs


@pytest.fixture
def by_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """Candidates are found by the index, however few products there are."""
    monkeypatch.setattr("catalog.search.ranking_sql.EXACT_FACTOR", 0.0)
    monkeypatch.setenv("SEARCH_WINDOW", "12")


def test_a_binary_model_has_an_index_of_signs(catalogue: Path) -> None:
    name = add("fashion", 384, binary=True)
    assert name == "fashion_binary"
    fill(encoder(name), "text")
    definition = scalar(f"SELECT pg_get_indexdef('{name}_text_embedding_hnsw'::regclass)")
    assert "bit(384)) bit_hamming_ops" in str(definition)
    with connect() as connection:
        connection.exec_driver_sql(f"DROP INDEX {name}_text_embedding_hnsw")
        assert not has_index(connection, name, "text")
        assert not defer_index(connection, name, "text", 10)
    assert ensure_index(name, "text") > 0
    assert scalar(f"SELECT pg_get_indexdef('{name}_text_embedding_hnsw'::regclass)") == definition


def found(name: str, text: str) -> list[str]:
    with connect() as connection:
        spec = SearchSpec(text, model=name, signals=("text",), min_match=0.0, limit=10)
        return [hit.sku for hit in search(connection, spec, lambda _: WordsAndColours()).hits]


@pytest.mark.usefixtures("by_index")
def test_the_vectors_rank_what_the_signs_find(catalogue: Path) -> None:
    fill(WordsAndColours(), "text")
    exact = found("fashion", "silk coat")
    name = add("fashion", 384, binary=True)
    fill(encoder(name), "text")
    execute("ANALYZE product")
    assert found(name, "silk coat") == exact
    with connect() as connection:
        in_sql = connection.exec_driver_sql(
            "SELECT sku FROM search.nearest((SELECT embedding FROM fashion_binary_text LIMIT 1),"
            " 10, 'fashion_binary', 'text')"
        ).scalars()
        assert len(list(in_sql)) == 10


def test_the_signs_of_real_vectors_find_the_nearest(
    template_with_synonyms: str, demo_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the drawn catalogue and the embeddings of the real `fashion` model."""
    monkeypatch.setenv("EMBEDDING_REGISTRY", str(tmp_path))
    monkeypatch.setattr("catalog.sqlapi.rendered.EXACT_FACTOR", 0.0)
    with demo_database(template_with_synonyms, demo_folder, tmp_path / "media"):
        name = add("fashion", 384, binary=True)
        fill(encoder(name), "image")
        execute("ANALYZE product")
        pictures = vectors("fashion_image")
        with connect() as connection:
            ids = np.array(
                connection.exec_driver_sql(
                    "SELECT product_id FROM fashion_image ORDER BY product_id"
                )
                .scalars()
                .all()
            )
            by_signs = [
                connection.exec_driver_sql(
                    "SELECT product_id FROM search.nearest(%(vector)s, 5, %(name)s, 'image')",
                    {"vector": HalfVector(vector), "name": name},
                )
                .scalars()
                .all()
                for vector in pictures
            ]
    recalls = []
    for vector, hits in zip(pictures, by_signs, strict=True):
        similarities = pictures @ vector
        best = {int(it): similarities[ids == it].max() for it in set(ids)}
        fifth = sorted(best.values())[-5]
        recalls.append(np.mean([best[hit] >= fifth - 1e-3 for hit in hits]))
    assert len(recalls) >= 72
    assert np.mean(recalls) > 0.95


# Pictures of another model


@pytest.fixture
def two(catalogue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`clip_multilingual`, which uses the pictures of `clip`."""
    monkeypatch.setenv("MODELS", "fashion,clip-multilingual,clip")
    with connect() as connection:
        assert add_model(connection, get_spec("clip_multilingual")) == ["clip_multilingual"]


@pytest.mark.usefixtures("two")
def test_pictures_are_stored_and_embedded_once() -> None:
    with connect() as connection:
        assert [gap.modality for gap in find_gaps(connection, "clip_multilingual")] == [
            "text",
            "image",
        ]
    worker = Worker(WordsAndColours)
    fill(WordsAndColours("clip"), "image")
    fill(WordsAndColours("fashion"), "text")
    fill(WordsAndColours("fashion"), "image")
    while worker.embed_products():
        pass
    with connect() as connection:
        assert find_gaps(connection, "clip_multilingual") == []
        rows = connection.exec_driver_sql(
            "SELECT model, embedded FROM search.coverage WHERE modality = 'image'"
        )
        seen = {row.model: row.embedded for row in rows}
    assert seen["clip_multilingual"] == seen["clip"] == PRODUCTS / 5
    assert scalar("SELECT relkind FROM pg_class WHERE relname = 'clip_multilingual_image'") == "v"
    picture = Image.new("RGB", (20, 20), "red")
    with connect() as connection:
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        hits = search(
            connection,
            SearchSpec(images=(buffer.getvalue(),), model="clip-multilingual", min_match=0.0),
            WordsAndColours,
        ).hits
    assert len(hits) > 5


@pytest.mark.usefixtures("two")
def test_the_index_of_the_shared_pictures_is_used() -> None:
    with connect() as connection:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = connection.exec_driver_sql(
            "EXPLAIN SELECT product_id FROM clip_multilingual_image"
            " ORDER BY embedding <=> array_fill(0.1, ARRAY[512])::halfvec LIMIT 3"
        ).scalars()
        assert "clip_image_embedding_hnsw" in "\n".join(plan)


@pytest.mark.usefixtures("two")
def test_a_model_whose_pictures_are_used_is_not_dropped() -> None:
    used = pytest.raises(DatabaseError, match="clip_multilingual uses the pictures of clip")
    with used, connect() as connection:
        drop_model(connection, "clip")
    with connect() as connection:
        drop_model(connection, "clip_multilingual")
        drop_model(connection, "clip")
    assert scalar("SELECT to_regclass('clip_multilingual_image')") is None


# The commands


def test_a_failed_download_creates_nothing(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDDING_CHECKPOINTS", str(tmp_path))
    monkeypatch.setenv("SENTENCE_TRANSFORMERS_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(CommandError, match="run `hf download google/siglip2-base") as caught:
        call_command("add_model", "siglip2")
    assert "\n" not in str(caught.value)
    assert scalar("SELECT to_regclass('siglip2_text')") is None
    assert scalar("SELECT count(*) FROM model WHERE name = 'siglip2'") == 0


def test_sizes_are_measured_and_a_smaller_model_is_added(
    catalogue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("embed_catalog", model=["imagenet"], verbosity=0)
    judged = tmp_path / "j.jsonl"
    judged.write_text(json.dumps({"id": "1", "like": "P0", "relevant": ["P5", "P10"]}))
    capsys.readouterr()
    options = ["--model", "imagenet", "--dims", "12,4", "--binary", "--verbosity", "0"]
    figures = tmp_path / "f.json"
    call_command("evaluate_search", str(judged), *options, "--json", str(figures))
    table = capsys.readouterr().out
    rows = [line.split("|")[1].strip() for line in table.splitlines() if "images" in line]
    assert rows == ["1280, exact scan", "12", "4", "12, binary index", "4, binary index"]
    sizes = json.loads(figures.read_text())["sizes"]
    assert sizes[0]["recall"] == 1
    assert sizes[1]["recall"] >= sizes[2]["recall"] > 0
    assert all(it["bytes_per_product"] > 0 for it in sizes)
    with pytest.raises(CommandError, match=r"imagenet has 12 embeddings: .* needs at least 13"):
        call_command("evaluate_search", str(judged), "--model", "imagenet", "--dims", "13")
    with pytest.raises(CommandError, match="imagenet has 1280 dimensions: 1281 is more"):
        call_command("evaluate_search", str(judged), "--model", "imagenet", "--dims", "1281")
    call_command("add_model", "imagenet", "--dims", "8", "--binary")
    assert "Created the tables of imagenet_8_binary" in capsys.readouterr().out
    call_command("embed_catalog", model=["imagenet-8-binary"], verbosity=0)
    assert "imagenet_8_binary image: 12 embedded" in capsys.readouterr().out
    with connect() as connection:
        results = search(connection, SearchSpec(like="P0", model="imagenet_8_binary"))
    assert results.hits
