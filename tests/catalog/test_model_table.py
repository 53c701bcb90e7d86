"""The table of all models that `benchmarks.models` prints."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import models
from benchmarks.models import Stored, qualities, similarities, table
from catalog import config
from catalog.db.connection import connect
from catalog.importing import import_catalog
from catalog.indexing import fill
from catalog.training_products import read_training_products
from embedding.finetuning.products import Product
from embedding.registry import get_spec
from tests.fakes import WordsAndColours


def test_figures_match_hand_counts() -> None:
    """Two red shirts, a blue one and a red bag: the first shirt finds them in this order."""
    kinds = [("red", "shirt"), ("blue", "shirt"), ("red", "shirt"), ("red", "bag")]
    products = [
        Product(str(number), "", {"colour": colour, "type": kind}, ())
        for number, (colour, kind) in enumerate(kinds)
    ]
    angles = np.radians([0, 10, 30, 70])
    vectors = np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)
    spec = get_spec("imagenet")
    figures = qualities(Stored(spec, WordsAndColours("clip"), vectors, products))
    # Shirt 0 finds 1, 2, 3; 1 finds 0, 2, 3; 2 finds 1, 0, 3; the bag has no other of its type.
    assert figures["mAP type"] == pytest.approx(1)
    # Red: 0 finds 2 and 3 at ranks 2 and 3; 2 finds 0 and 3 likewise; 3 finds 2, then 1, then 0.
    second = (1 / 2 + 2 / 3) / 2
    assert figures["mAP colour"] == pytest.approx((2 * second + (1 + 2 / 3) / 2) / 3)
    assert figures["MRR"] == pytest.approx(1 / 2)  # of both red shirts
    assert figures["R@5"] == 1
    assert "title R@10" not in figures
    assert table({"imagenet": figures}).splitlines()[-1].startswith("| `imagenet` | 1.000 |")


def test_signs_come_before_vectors_with_an_index_of_signs() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(200, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    spec = get_spec("fashion")
    queries = vectors[:5]
    assert np.array_equal(similarities(spec, queries, vectors), queries @ vectors.T)
    scores = similarities(replace(spec, binary=True), queries, vectors)
    signs = (queries > 0)[:, None] == (vectors > 0)
    for score, agreeing, cosines in zip(scores, signs.sum(2), queries @ vectors.T, strict=True):
        first = np.argsort(-score, kind="stable")[:40]
        assert agreeing[first].min() >= np.sort(agreeing)[::-1][39]
        assert np.array_equal(np.argsort(-cosines[first], kind="stable"), np.arange(40))


def test_stored_models_are_measured(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = WordsAndColours()
    monkeypatch.setattr(models, "stored_encoder", lambda name: encoder)
    rows = ["sku,title,product_type,colour,images"]
    for number in range(6):
        colour = ("red", "blue")[number % 2]
        Image.new("RGB", (8 + number, 8), colour).save(tmp_path / f"{number}.png")
        rows.append(f"S{number},{colour} shirt,Shirts,{colour},{number}.png")
    (tmp_path / "c.csv").write_text("\n".join(rows))
    import_catalog(tmp_path / "c.csv", tmp_path)
    fill(encoder, "image")
    with connect() as connection:
        products = read_training_products(connection, config.settings().media_root)
        assert models.read(connection, "imagenet", products[:1]) is None
        stored = models.read(connection, "fashion", products)
        assert stored is not None
        figures = models.qualities(stored)
        assert figures["mAP colour"] == figures["R@5"] == figures["title R@10"] == 1
        assert models.index_bytes(connection, stored.spec) > 0
        models.measure_times(connection, [stored], rounds=2)
    for name in ("text", "picture", "pictures/s", "queries/s"):
        assert stored.figures[name] > 0
