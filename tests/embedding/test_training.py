"""The data of the training, its metrics, and the quality of the shipped weights."""

import csv
from hashlib import sha256
from pathlib import Path
from runpy import run_path

import numpy as np
import pytest
from PIL import Image

from embedding.encoder import get_encoder
from embedding.training import __main__ as command
from embedding.training.__main__ import encode_pictures
from embedding.training.data import CatalogueError, Picture, read_catalogue
from embedding.training.evaluate import ATTRIBUTE_QUERIES, by_picture, by_title, by_words
from embedding.training.metrics import (
    mean_average_precision,
    mean_reciprocal_rank,
    precision_at,
    recall_at,
)
from tests.conftest import digest, kept_array, repetitions
from tests.data import ECOMMERCE, needs_ecommerce

COLOURS = {"Red": (200, 30, 30), "Green": (40, 150, 60), "Blue": (40, 60, 200)}
COLUMNS = ("sku", "title", "product_type", "colour", "gender", "pattern", "images")


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """Thirty rectangles in three colours, called shirts, dresses and boots."""
    folder = tmp_path / "squares"
    (folder / "images").mkdir(parents=True)
    with (folder / "products.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        for number in range(30):
            colour = list(COLOURS)[number % 3]
            kind = ("Shirts", "Dresses", "Boots")[number % 3]
            name = f"{number}.png"
            Image.new("RGB", (40, 40 + number), COLOURS[colour]).save(folder / "images" / name)
            title = f"{colour} {kind} number {number}"
            row = (f"S{number}", title, kind, colour, "Women", "plain", name)
            table.writerow(dict(zip(COLUMNS, row, strict=True)))
    return folder


def test_folder_without_a_catalogue_gives_an_error_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["embedding.training", "evaluate", str(tmp_path)])
    with pytest.raises(SystemExit) as stop:
        run_path(command.__file__, run_name="__main__")  # as `python -m` does
    assert stop.value.code == 1
    printed = capsys.readouterr().err
    assert "contains neither products.csv nor images.csv" in printed
    assert "Traceback" not in printed


def test_missing_columns_and_pictures_are_reported(catalogue: Path) -> None:
    (catalogue / "images" / "7.png").unlink()
    with pytest.raises(CatalogueError, match=r"1 missing pictures, e\.g\. .*7\.png"):
        read_catalogue(catalogue)
    (catalogue / "products.csv").write_text("sku,title\nA,B\n")
    with pytest.raises(CatalogueError, match="has no column"):
        read_catalogue(catalogue)


def test_split_is_stable_and_about_a_fifth(catalogue: Path) -> None:
    parts = [picture.part for picture in read_catalogue(catalogue)]
    assert parts == [picture.part for picture in read_catalogue(catalogue)]
    assert 0.05 < parts.count("test") / len(parts) < 0.4


def test_metrics_match_hand_counts() -> None:
    scores = np.array([[0.9, 0.8, 0.7, 0.6]], dtype=np.float32)
    relevant = np.array([[False, True, False, True]])
    assert recall_at(1, scores, relevant) == 0
    assert recall_at(2, scores, relevant) == 1
    assert mean_average_precision(scores, relevant) == pytest.approx((1 / 2 + 2 / 4) / 2)
    assert precision_at(1, scores, relevant) == 0
    assert precision_at(4, scores, relevant) == 0.5
    assert mean_reciprocal_rank(scores, relevant) == 1 / 2
    tied = np.array([[0.9, 0.8, 0.8, 0.6]], dtype=np.float32)
    assert mean_reciprocal_rank(tied, relevant) == pytest.approx(1 / 3)
    among = np.array([[False, True, True, True]])
    assert mean_average_precision(scores, relevant, among) == pytest.approx((1 + 2 / 3) / 2)


def encode(model: str, pictures: list[Picture]) -> np.ndarray:
    """The vectors of the pictures, kept until the code or the weights change."""
    files = sha256("".join(str(picture.path) for picture in pictures).encode()).hexdigest()[:12]
    return kept_array(
        f"vectors_{model}",
        f"{digest('embedding')}_{files}",
        lambda: encode_pictures(pictures, get_encoder(model, "cpu")),
    )


@pytest.mark.slow
@needs_ecommerce
def test_shipped_weights_reach_their_figures_on_held_out_photographs() -> None:
    """On every second one, unless `THOROUGH`; fewer are easier."""
    step, own, every_type, two_right = repetitions((2, 0.9, 0.68, 0.75), (1, 0.84, 0.63, 0.69))
    pictures = [it for it in read_catalogue(ECOMMERCE) if it.part == "test"][::step]
    encoder = get_encoder("fashion", "cpu")
    vectors = encode("fashion", pictures)
    title = {figure.name: figure.value for figure in by_title(pictures, vectors, encoder)}
    assert title["title -> own picture, R@10, strict"] >= own
    name = "colour+type+gender"
    every, several, _ = by_words(name, ATTRIBUTE_QUERIES[name], pictures, vectors, encoder)
    assert "2 or more right" in several.name
    assert several.value >= two_right
    assert every.value >= every_type
    half = slice(None, None, 2)  # enough to compare with the baseline
    baseline = encode("imagenet", pictures[half])
    (imagenet,) = by_picture("imagenet", pictures[half], baseline)
    (fashion,) = by_picture("fashion", pictures[half], vectors[half])
    assert fashion.value > imagenet.value + 0.1, "fashion must beat the imagenet baseline"
