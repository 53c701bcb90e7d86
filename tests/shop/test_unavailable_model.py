"""The pages of a shop whose first model cannot be loaded."""

from http import HTTPStatus
from pathlib import Path
from threading import Event

import pytest
from django.test import Client, override_settings

from catalog.db.connection import connect
from catalog.importing import import_catalog
from catalog.indexing import fill
from embedding import encoder
from embedding.encoder import Encoder, EncoderError, get_encoder
from embedding.registry import ModelSpec
from shop import query_pictures
from tests.catalog.test_search import picture
from tests.fakes import WordsAndColours
from tests.shop.test_pictures import PLAIN_STORAGE

LIBRARY = "OSError: We couldn't connect to https://huggingface.co"


@pytest.fixture
def shop(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A shop with a product that `fashion` has embedded, and `clip` as its default model."""
    monkeypatch.setenv("MODELS", "clip,fashion")
    monkeypatch.setenv("FIND_GARMENTS", "0")  # by a real model
    monkeypatch.setattr(encoder, "_loads", {})
    monkeypatch.setattr(
        "embedding.loaders.fashion.load", lambda spec, device: WordsAndColours(spec.name)
    )
    (tmp_path / "red.png").write_bytes(picture("red"))
    (tmp_path / "c.csv").write_text("sku,title,images\nA,red shirt,red.png\n")
    import_catalog(tmp_path / "c.csv", tmp_path)
    for modality in ("text", "image"):
        fill(WordsAndColours("fashion"), modality)
    return Client(headers={"host": "localhost", "referer": "http://localhost/"})


def page(shop: Client, status: HTTPStatus = HTTPStatus.OK, **parameters: str) -> str:
    with override_settings(STORAGES=PLAIN_STORAGE):
        response = shop.get("/", {"min_match": "0", **parameters})
    assert response.status_code == status
    content = response.content.decode()
    assert "OSError" not in content
    assert "huggingface" not in content
    return content


def fail(spec: ModelSpec, device: str) -> Encoder:
    raise EncoderError(LIBRARY)


def test_the_next_model_answers_and_the_failure_is_logged_once(
    shop: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("embedding.loaders.checkpoint.load", fail)
    for words in ("red", "shirt", "red"):
        shown = page(shop, q=words)
        assert "/product/A" in shown
        assert "not available" not in shown
    assert caplog.text.count(LIBRARY) == 1
    with connect() as connection:
        asked = connection.exec_driver_sql("SELECT DISTINCT model FROM query_embedding").scalars()
        assert asked.all() == ["fashion"]
    chosen = page(shop, q="red", model="clip")
    assert "A chosen model is not available at the moment, so Fashion was used." in chosen
    assert "/product/A" in chosen
    with pytest.raises(EncoderError, match="couldn't connect"):
        get_encoder("clip")


def test_a_model_that_hangs_stops_no_page(shop: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    end = Event()
    monkeypatch.setattr(encoder, "PATIENCE", 0.1)
    monkeypatch.setattr(
        "embedding.loaders.checkpoint.load", lambda spec, device: end.wait(60) and fail(spec, "")
    )
    try:
        for words in ("red", "shirt"):
            assert "/product/A" in page(shop, q=words)
    finally:
        end.set()


def test_without_any_model_words_are_searched_and_pictures_are_not(
    shop: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embedding.loaders.checkpoint.load", fail)
    monkeypatch.setattr("embedding.loaders.fashion.load", fail)
    shown = page(shop, q="shirt")
    assert "Search by meaning is not available at the moment; only products with these" in shown
    assert "/product/A" in shown
    digest = query_pictures.store_query_picture(picture("red"))
    refused = page(shop, HTTPStatus.SERVICE_UNAVAILABLE, picture=digest)
    assert "The model CLIP ViT-B/32 is not available at the moment: try again later." in refused
