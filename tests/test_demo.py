"""The demo catalogue is complete, varied and deterministic, and interrupted runs can continue."""

from __future__ import annotations

import csv
from collections import Counter
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from demo import write_catalogue
from demo.__main__ import main
from demo.assortment import PRODUCT_TYPES
from demo.garments import DRAWINGS
from demo.patterns import NAMES
from demo.products import COLUMNS, Product, products
from demo.scene import render

pytestmark = pytest.mark.slow

COUNT = 6


def read(table: Path) -> list[dict[str, str]]:
    with table.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("catalogue")
    write_catalogue(folder, COUNT)
    return folder


@pytest.fixture(scope="module")
def shop() -> list[Product]:
    return products(640)


def test_rows_are_valid_and_their_pictures_exist(catalogue: Path) -> None:
    with (catalogue / "products.csv").open(encoding="utf-8") as file:
        assert file.readline().strip() == ",".join(COLUMNS)
    rows = read(catalogue / "products.csv")
    assert len(rows) == COUNT
    for row in rows:
        for name in row["images"].split(";"):
            with Image.open(catalogue / "images" / name) as picture:
                assert picture.size == (640, 800)
                assert picture.format == "JPEG"
                picture.load()
            assert (catalogue / "images" / name).stat().st_size <= 90_000


def test_rows_of_a_large_catalogue_are_valid(shop: list[Product]) -> None:
    rows = [product.row() for product in shop]
    assert len({row["sku"] for row in rows}) == len(rows) == 640
    for row in rows:
        assert tuple(row) == COLUMNS
        assert all(row.values()), row
        assert Decimal(row["price"]) > 0
        assert row["price"].endswith((".90", ".95", ".00"))
        assert row["currency"] == "EUR"
        assert row["in_stock"] in ("true", "false")
        assert row["gender"] in ("Men", "Women", "Boys", "Girls", "Unisex")
        assert row["category"] in ("Apparel", "Footwear", "Accessories")
        assert row["usage"] in ("Casual", "Sports", "Formal", "Party")
        assert "  " not in row["title"]
        assert 2 <= row["description"].count(".") <= 5
    in_stock = sum(product.in_stock for product in shop) / len(shop)
    assert 0.83 < in_stock < 0.93
    with_two = sum(len(product.images) == 2 for product in shop) / len(shop)
    assert 0.20 < with_two < 0.30
    assert not any(row["gender"] == "Men" and row["product_type"] == "Heels" for row in rows)


def test_products_are_varied(shop: list[Product]) -> None:
    assert len({product.design.product_type for product in shop}) >= 18
    assert {product.design.pattern_name for product in shop} == set(NAMES)
    assert len({product.design.colour_name for product in shop}) >= 14
    assert len({product.brand for product in shop}) >= 16
    assert len({product.title for product in shop}) > 450


def test_small_catalogue_is_the_beginning_of_a_large_one_and_varied(shop: list[Product]) -> None:
    few = products(24)
    assert [product.row() for product in few] == [product.row() for product in shop[:24]]
    assert len({product.design.product_type for product in few}) >= 20


def test_some_products_come_in_several_colours(shop: list[Product]) -> None:
    by_key: dict[str, list[Product]] = {}
    for product in shop:
        by_key.setdefault(product.design.key, []).append(product)
    families = [family for family in by_key.values() if len(family) > 1]
    members = sum(len(family) for family in families)
    assert 0.05 < members / len(shop) < 0.18
    for family in families:
        assert len({product.title for product in family}) == 1
        colours = Counter(product.design.colour_name for product in family)
        assert max(colours.values()) == 1


def test_every_product_type_has_a_drawing() -> None:
    assert {kind.name for kind in PRODUCT_TYPES} == set(DRAWINGS)


def test_same_count_gives_identical_files(catalogue: Path, tmp_path: Path) -> None:
    write_catalogue(tmp_path, COUNT)
    assert contents(tmp_path) == contents(catalogue)


def test_second_run_draws_nothing(catalogue: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (catalogue / "images").iterdir()}
    calls: list[tuple[int, int]] = []
    write_catalogue(catalogue, COUNT, progress=lambda done, total: calls.append((done, total)))
    after = {path: path.stat().st_mtime_ns for path in (catalogue / "images").iterdir()}
    assert after == before
    assert calls == [(len(before), len(before))]


def test_interrupted_run_is_continued(catalogue: Path, tmp_path: Path) -> None:
    complete = contents(catalogue)
    (tmp_path / "images").mkdir()
    kept = sorted(name for name in complete if name.endswith(".jpg"))[3:]
    for name in kept:
        (tmp_path / name).write_bytes(complete[name])
    (tmp_path / "images" / ".TS-0001.jpg.4711.part").write_bytes(b"half a picture")
    calls: list[tuple[int, int]] = []
    write_catalogue(tmp_path, COUNT, progress=lambda done, total: calls.append((done, total)))
    assert contents(tmp_path) == complete
    assert calls[0] == (len(kept), len(kept) + 3)
    assert [done for done, _ in calls] == list(range(len(kept), len(kept) + 4))


def test_products_contrast_with_their_background(shop: list[Product]) -> None:
    palest = [product for product in shop if product.design.colour_name == "White"][:3]
    for product in [*palest, *shop[30:33]]:
        picture = np.asarray(render(product.design, 0), dtype=np.float32)
        background = np.median(picture[:, :20].reshape(-1, 3), axis=0)
        distant = np.abs(picture - background).max(axis=2) > 24
        assert 0.05 < distant.mean() < 0.85, product.sku


def test_catalogue_needs_a_product(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one product"):
        write_catalogue(tmp_path, 0)


@pytest.mark.parametrize("count", ["0", "many"])
def test_invalid_count_is_an_error(count: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["somewhere", "--count", count])
    assert stopped.value.code == 2
    assert "--count" in capsys.readouterr().err


def test_file_instead_of_a_folder_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(SystemExit) as stopped:
        main([str(file)])
    assert stopped.value.code == 2
    assert "is a file" in capsys.readouterr().err
