"""No job keeps a transaction open while it decodes or encodes: servers end those that are idle."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from PIL import Image

from catalog.db.connection import connect, forget_engine
from catalog.importing import import_catalog, job
from catalog.importing.sources.picture_folder import import_picture
from catalog.indexing import fill
from catalog.indexing.calibrate import calibrate
from catalog.media.store import Picture
from catalog.synonyms.suggestions import suggest
from catalog.synonyms.unknown_words import UnknownWord
from tests.data import CASES, needs_cases
from tests.fakes import WordsAndColours

pytestmark = pytest.mark.slow

TIMEOUT, PAUSE = 1.0, 2.0
"""The server's time-out, and how long decoding or encoding takes, in seconds."""

PRODUCTS = 30


class Slow(WordsAndColours):
    """An encoder that takes longer than a transaction may be idle."""

    def encode_texts(self, texts: Any) -> np.ndarray:
        time.sleep(PAUSE)
        return super().encode_texts(texts)


@pytest.fixture
def impatient(database: str) -> str:
    """A database that ends idle transactions after `TIMEOUT`."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET"
            f" idle_in_transaction_session_timeout = {TIMEOUT * 1000:.0f}', current_database());"
            " END $$".encode()
        )
    forget_engine()
    return database


@pytest.fixture
def catalogue(impatient: str, tmp_path: Path) -> Path:
    Image.new("RGB", (40, 40), "red").save(tmp_path / "red.png")
    rows = [f"S{number},shirt {number},shirt,red.png" for number in range(PRODUCTS)]
    (tmp_path / "p.csv").write_text("\n".join(["sku,title,product_type,images", *rows]))
    return tmp_path / "p.csv"


def test_the_time_out_ends_an_idle_transaction(impatient: str) -> None:
    connection = psycopg.connect(impatient)
    connection.execute("SELECT 1")
    time.sleep(PAUSE)
    with pytest.raises(psycopg.Error):
        connection.execute("SELECT 1")


def test_pictures_are_decoded_outside_of_transactions(
    catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(folder: Path, name: str, known: dict[str, Picture], *, store: bool) -> Picture:
        if not known:
            time.sleep(PAUSE)
        return import_picture(folder, name, known, store=store)

    monkeypatch.setattr(job, "import_picture", slow)
    assert import_catalog(catalogue, catalogue.parent).added == PRODUCTS
    with connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM product_image").scalar() == PRODUCTS


def test_texts_are_encoded_outside_of_transactions(catalogue: Path) -> None:
    import_catalog(catalogue, catalogue.parent)
    for modality in Slow().spec.modalities:
        assert fill(Slow(), modality).embedded == PRODUCTS
    assert calibrate(Slow()) == PRODUCTS
    found = suggest([UnknownWord("chemise", 1, 1)], lambda name: Slow())
    assert [word.word for word in found.words] == ["chemise"]


@needs_cases
def test_large_pictures_take_longer_than_the_time_out(impatient: str, tmp_path: Path) -> None:
    """Decoding a few of the case's 24-megapixel pictures takes longer than `TIMEOUT`."""
    noise = np.random.default_rng(1).integers(0, 255, (500, 750, 3), np.uint8)
    Image.fromarray(noise).resize((6000, 4000)).save(tmp_path / "big.png", compress_level=1)
    header, *rows = (CASES / "idle_txn" / "p.csv").read_text().splitlines()
    (tmp_path / "p.csv").write_text("\n".join([header, *rows[:6]]))
    assert import_catalog(tmp_path / "p.csv", tmp_path).added == 6
