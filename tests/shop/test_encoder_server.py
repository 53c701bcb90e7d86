"""A shop whose vectors come from an encoder server."""

from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command
from django.test import Client

from catalog.db.connection import connect
from catalog.importing import import_catalog
from embedding.serving import client as serving_client
from tests.catalog.test_search import picture
from tests.embedding.serving.conftest import running
from tests.embedding.serving.conftest import without_models as without_models
from tests.fakes import WordsAndColours
from tests.processes import run_python
from tests.shop.test_unavailable_model import page

NO_TORCH = """
import sys
from embedding.encoder import available_encoder, encode_picture, get_encoder
from embedding.regions.garments import garments_in
from embedding.image_decoding import open_image
encoder = available_encoder("fashion")
encoder.encode_texts(["red"]), encoder.unread_share("red")
content = open(sys.argv[1], "rb").read()
encode_picture(encoder, content)
try:
    garments_in(content, open_image(content))
except Exception as error:
    print(error)
get_encoder("fashion").tune("image")
from catalog.indexing import default_workers
default_workers()
from shop import picture_regions
print("torch" in sys.modules)
"""


@pytest.fixture
def products(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two products with a picture each; returns the folder of their files."""
    monkeypatch.setenv("MODELS", "fashion")
    monkeypatch.setattr(serving_client, "DOWN_SECONDS", 0.0)
    for colour in ("red", "blue"):
        (tmp_path / f"{colour}.png").write_bytes(picture(colour))
    (tmp_path / "c.csv").write_text(
        "sku,title,images\nA,red shirt,red.png\nB,blue trousers,blue.png\n"
    )
    import_catalog(tmp_path / "c.csv", tmp_path)
    return tmp_path


@pytest.mark.usefixtures("products")
def test_commands_and_pages_use_the_server_and_words_alone_without_it(
    monkeypatch: pytest.MonkeyPatch, without_models: dict[str, WordsAndColours]
) -> None:
    shop = Client(headers={"host": "localhost", "referer": "http://localhost/"})
    with running() as server:
        monkeypatch.setenv("ENCODER_URL", server.url)
        call_command("embed_catalog", verbosity=0)
        asked = without_models["fashion"].texts
        assert any("red shirt" in text.casefold() for text in asked)
        shown = page(shop, q="red")
        assert "not available" not in shown
        assert "/product/A" in shown
    with connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT p.document, t.embedding FROM fashion_text AS t"
            " JOIN product AS p ON p.id = t.product_id ORDER BY sku"
        ).all()
    expected = without_models["fashion"].encode_texts([row.document for row in rows])
    stored = np.stack([row.embedding.to_numpy() for row in rows])
    np.testing.assert_allclose(stored, expected, atol=1e-3)
    shown = page(shop, q="blue shirt")
    assert "Search by meaning is not available at the moment; only products with these" in shown


@pytest.mark.process
def test_a_client_imports_no_torch(products: Path) -> None:
    with running() as server:
        ended = run_python("-c", NO_TORCH, str(products / "red.png"), ENCODER_URL=server.url)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "False"
