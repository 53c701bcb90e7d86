"""The demo fills an empty catalogue, refuses any other one, and can be removed."""

from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command

from demo.products import find_products, products
from shop.models import Product, ProductImage
from shop.thumbnails import thumbnail
from tests.catalog.test_importing import picture
from tests.conftest import DRAWN

pytestmark = pytest.mark.slow


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A file with two products that are not the demo's; one has a SKU of the demo."""
    (tmp_path / "own.jpg").write_bytes(picture("red", (40, 50)))
    rows = "sku,title,images\nOWN,Unicorn,own.jpg\nBA-0001,Another bag,own.jpg\n"
    (tmp_path / "own.csv").write_text(rows)
    return tmp_path / "own.csv"


@pytest.fixture
def demo(database: str, demo_folder: Path) -> str:
    """A catalogue with the demo's products, without embeddings."""
    call_command(
        "import_catalog",
        str(demo_folder / "products.csv"),
        images=demo_folder / "images",
        verbosity=0,
    )
    return database


def paths(**which: object) -> list[str]:
    return list(ProductImage.objects.filter(**which).values_list("path", flat=True))


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def load(file: Path) -> None:
    call_command("import_catalog", str(file), images=file.parent, verbosity=0)


def test_products_are_found_by_sku() -> None:
    drawn = {product.sku: product for product in products(300)}
    wanted = {*list(drawn)[::7], "BA-0000", "XX-0001", "own", "BA-0001x"}
    found = find_products(wanted)
    assert {product.sku for product in found} == wanted & drawn.keys()
    assert all(product == drawn[product.sku] for product in found)
    assert find_products([]) == []


@pytest.mark.usefixtures("few_synonyms")
def test_empty_catalogue_is_filled_once(
    database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    monkeypatch.setenv("MODELS", "imagenet")
    call_command("demo", products=3, no_serve=True)
    assert Product.objects.count() == 3
    with psycopg.connect(database) as connection:
        connection.execute("DELETE FROM product WHERE id = (SELECT min(id) FROM product)")
    call_command("demo", products=3, no_serve=True)
    assert Product.objects.count() == 2


def test_other_catalogue_is_refused(database: str, own: Path) -> None:
    load(own)
    with pytest.raises(CommandError, match=r"products that are not the demo's \(2\)") as refused:
        call_command("demo", no_serve=True)
    assert refused.value.returncode == 2
    assert Product.objects.count() == 2


def test_removal_keeps_other_products_and_their_pictures(
    demo: str,
    own: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    with psycopg.connect(demo) as connection:
        query = "SELECT count(*) FROM search.vocabulary WHERE word = 'dress'"
        assert connection.execute(query).fetchone() == (1,)
    replaced = set(paths(product__sku="BA-0001"))
    load(own)  # replaces BA-0001 and its picture
    assert f"still has products of the demo ({DRAWN - 1})" in capsys.readouterr().err
    # Another product that has a picture of the demo.
    with psycopg.connect(demo) as connection:
        connection.execute(
            "INSERT INTO product_image (product_id, position, path, sha256, width, height)"
            " SELECT (SELECT id FROM product WHERE sku = 'OWN'), 7, path, sha256, width, height"
            " FROM product_image WHERE width = 640 LIMIT 1"
        )
    assert all(thumbnail(path, 320) for path in paths())

    call_command("demo", remove=True)

    output = capsys.readouterr()
    assert f"Removed {DRAWN - 1} products of the demo" in output.out
    assert "Kept 2 other products" in output.out
    assert output.err == "Kept because the text was edited, with a SKU of the demo: BA-0001\n"
    assert set(Product.objects.values_list("sku", flat=True)) == {"OWN", "BA-0001"}
    kept = set(paths())
    assert len(kept) == 2
    media = {str(file.relative_to(tmp_path / "media")) for file in files(tmp_path / "media")}
    assert media == kept | replaced  # prune_pictures removes what an import replaces
    assert {file.stem.split(".")[0] for file in files(tmp_path / "thumbnails")} == {
        Path(path).stem for path in kept
    }
    with psycopg.connect(demo) as connection:
        words = {word for (word,) in connection.execute("SELECT word FROM search.vocabulary")}
    assert "unicorn" in words
    assert "dress" not in words


def test_no_warning_without_the_demo_or_without_other_products(
    demo: str, own: Path, demo_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "demo" not in capsys.readouterr().err
    call_command("demo", remove=True)
    capsys.readouterr()
    load(own)
    assert "demo" not in capsys.readouterr().err


def test_edited_product_is_kept(demo: str, capsys: pytest.CaptureFixture[str]) -> None:
    with psycopg.connect(demo) as connection:
        connection.execute("UPDATE product SET title = 'Mine' WHERE sku = 'BA-0001'")
        connection.execute("UPDATE product SET price = 1 WHERE sku <> 'BA-0001'")
    call_command("demo", remove=True)
    assert list(Product.objects.values_list("sku", "title")) == [("BA-0001", "Mine")]
