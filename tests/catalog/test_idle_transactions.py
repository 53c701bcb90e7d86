"""No job keeps a transaction open while it decodes or encodes: servers end those that are idle."""

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from PIL import Image

from catalog.db.connection import connect
from catalog.importing import import_catalog, job
from catalog.importing.sources.picture_folder import import_picture
from catalog.indexing import fill
from catalog.indexing.calibrate import calibrate
from catalog.media.store import Picture
from catalog.synonyms.suggestions import suggest
from catalog.synonyms.unknown_words import UnknownWord
from tests.data import CASES, needs_cases
from tests.fakes import WordsAndColours

PRODUCTS = 30
SECONDS = 60
"""How long other threads may take to end their transactions."""

IDLE = """
SELECT pid FROM pg_stat_activity
 WHERE datname = current_database() AND state LIKE 'idle in transaction%'
"""


def idle_transactions() -> list[int]:
    """The processes of the database whose transactions wait for their client."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as observer:
        return [pid for (pid,) in observer.execute(IDLE)]


def check_transactions() -> None:
    """Fails if a transaction stays idle until the caller returns."""
    deadline = time.monotonic() + SECONDS
    while idle_transactions():
        assert time.monotonic() < deadline, "a transaction is idle"
        time.sleep(0.01)


class Checking(WordsAndColours):
    """An encoder during whose work no transaction may be idle."""

    def __init__(self) -> None:
        super().__init__()
        self.checks = 0

    def encode_texts(self, texts: Any) -> np.ndarray:
        check_transactions()
        self.checks += 1
        return super().encode_texts(texts)

    def encode_images(self, images: Any) -> np.ndarray:
        check_transactions()
        self.checks += 1
        return super().encode_images(images)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The pictures that were decoded; meanwhile no transaction may be idle."""
    names: set[str] = set()

    def checking(folder: Path, name: str, known: dict[str, Picture], *, store: bool) -> Picture:
        if name not in names:
            check_transactions()
            names.add(name)
        return import_picture(folder, name, known, store=store)

    monkeypatch.setattr(job, "import_picture", checking)
    return names


@pytest.fixture
def catalogue(database: str, tmp_path: Path) -> Path:
    Image.new("RGB", (40, 40), "red").save(tmp_path / "red.png")
    rows = [f"S{number},shirt {number},shirt,red.png" for number in range(PRODUCTS)]
    (tmp_path / "p.csv").write_text("\n".join(["sku,title,product_type,images", *rows]))
    return tmp_path / "p.csv"


def test_an_idle_transaction_is_noticed(database: str) -> None:
    assert idle_transactions() == []
    with psycopg.connect(database) as connection:
        connection.execute("SELECT 1")
        assert idle_transactions() == [connection.info.backend_pid]


def test_pictures_are_decoded_outside_of_transactions(catalogue: Path, decoded: set[str]) -> None:
    assert import_catalog(catalogue, catalogue.parent).added == PRODUCTS
    assert decoded == {"red.png"}
    with connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM product_image").scalar() == PRODUCTS


def test_vectors_are_encoded_outside_of_transactions(catalogue: Path) -> None:
    import_catalog(catalogue, catalogue.parent)
    encoder = Checking()
    for modality in encoder.spec.modalities:
        assert fill(encoder, modality).embedded == PRODUCTS
    assert calibrate(encoder) == PRODUCTS
    before = encoder.checks
    found = suggest([UnknownWord("chemise", 1, 1)], lambda name: encoder)
    assert [word.word for word in found.words] == ["chemise"]
    assert encoder.checks > before >= len(encoder.spec.modalities)


@needs_cases
def test_catalogue_of_the_case_is_decoded_outside_of_transactions(
    database: str, tmp_path: Path, decoded: set[str]
) -> None:
    Image.new("RGB", (60, 40), "red").save(tmp_path / "big.png")
    header, *rows = (CASES / "idle_txn" / "p.csv").read_text().splitlines()
    (tmp_path / "p.csv").write_text("\n".join([header, *rows[:6]]))
    assert import_catalog(tmp_path / "p.csv", tmp_path).added == 6
    assert decoded
