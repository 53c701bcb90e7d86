"""prune_pictures removes unused pictures, and no files that the shop did not write."""

import os
import time
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from catalog.importing import import_catalog
from catalog.media.prune import AGE
from catalog.media.store import check_and_store
from shop.models import Product, ProductImage
from shop.thumbnails import thumbnail
from tests.catalog.test_importing import picture


@pytest.fixture
def shop(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three products with one picture each, and old thumbnails; returns the media folder."""
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    for colour in ("red", "green", "blue"):
        (tmp_path / f"{colour}.jpg").write_bytes(picture(colour, (400, 500)))
    load(tmp_path, "A,A,red.jpg\nB,B,green.jpg\nC,C,blue.jpg\n")
    for path in paths():
        for width in (320, 640):
            assert thumbnail(path, width)
    grow_old(tmp_path)
    return tmp_path / "media"


def load(folder: Path, rows: str) -> None:
    (folder / "c.csv").write_text("sku,title,images\n" + rows)
    assert not import_catalog(folder / "c.csv", folder).errors


def grow_old(folder: Path) -> None:
    then = time.time() - AGE - 60
    for file in folder.rglob("*"):
        os.utime(file, (then, then))


def files(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def paths() -> set[str]:
    return set(ProductImage.objects.values_list("path", flat=True))


def prune(**options: object) -> str:
    """The summary, which is one line in a log."""
    said = StringIO()
    call_command("prune_pictures", stdout=said, verbosity=0, **options)
    (line,) = said.getvalue().splitlines()
    return line


def test_unused_pictures_are_removed(shop: Path) -> None:
    gone = ProductImage.objects.get(product__sku="B").path
    size = (shop / gone).stat().st_size
    Product.objects.get(sku="B").delete()
    before = files(shop.parent)
    dry = prune(dry_run=True)
    assert files(shop.parent) == before
    said = prune()
    assert before - files(shop.parent) == {
        f"media/{gone}",
        f"thumbnails/v2/320/{gone}.webp",
        f"thumbnails/v2/640/{gone}.webp",
    }
    assert said == (
        f"product pictures: 1 files ({size / 1e6:.1f} MB) removed, 2 in use,"
        " 0 younger than an hour, 0 failed;"
        " thumbnails: 2 files (0.0 MB) removed, 4 in use, 0 younger than an hour, 0 failed"
    )
    assert dry == said.replace("removed", "to remove")
    assert prune().startswith("product pictures: 0 files (0.0 MB) removed, 2 in use")


def test_other_files_are_kept(shop: Path) -> None:
    """The media folder can contain other people's photos."""
    name = "ab" * 32
    theirs = [
        *("holiday.jpg", "products/holiday.jpg", "products/ab/holiday.jpg"),
        *(f"{name}.jpg", f"ab/{name}.jpg", f"photos/products/ab/{name}.jpg"),
        *(f"products/ab/{name}", f"products/ab/{name}.jpg.bak.old", f"products/ab/x/{name}.jpg"),
    ]
    for path in theirs:
        (shop / path).parent.mkdir(parents=True, exist_ok=True)
        (shop / path).write_bytes(picture())
    (shop / "products" / "ab" / f"{name}.png").symlink_to(shop / "holiday.jpg")
    grow_old(shop)
    before = files(shop)
    prune()
    assert files(shop) == before
    assert set(theirs) <= before


def test_files_of_killed_imports_and_old_versions_are_removed(shop: Path) -> None:
    leftovers = [
        shop / "products" / "ab" / ".new-a1b2c3_4",
        shop.parent / "thumbnails" / "v2" / "320" / "products" / "ab" / ".new-a1b2c3_4",
        shop.parent / "thumbnails" / "320" / Path(min(paths())).with_suffix(".webp"),
    ]
    for file in leftovers:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    grow_old(shop.parent)
    before = files(shop.parent)
    prune()
    assert before - files(shop.parent) == {str(file.relative_to(shop.parent)) for file in leftovers}


def test_recent_files_are_kept(shop: Path) -> None:
    new = check_and_store(picture("yellow"), {}, store=True)
    again = check_and_store((shop / min(paths())).read_bytes(), {}, store=True)
    ProductImage.objects.filter(path=again.path).delete()
    assert "0 files (0.0 MB) removed, 2 in use, 2 younger" in prune()
    assert (shop / new.path).exists()
    assert (shop / again.path).exists()


def test_catalogue_without_pictures_is_refused(shop: Path) -> None:
    Product.objects.all().delete()
    before = files(shop.parent)
    with pytest.raises(CommandError, match="is DATABASE_URL right") as caught:
        prune()
    assert caught.value.returncode == 2
    assert files(shop.parent) == before
