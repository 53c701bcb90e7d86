"""Pictures in an S3-like store: two hosts without a common disk."""

import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.core.management import call_command
from django.test import Client, override_settings
from PIL import Image

from catalog import config
from catalog.db.connection import connect
from catalog.indexing.job import fill
from catalog.media import prune
from catalog.media.folders import media
from catalog.media.objects import StoreError, object_store
from embedding.config import ConfigError
from embedding.regions import finder
from embedding.regions.garments import Garment, Garments
from embedding.regions.region import Region
from shop import picture_regions, query_pictures
from tests.fakes import WordsAndColours
from tests.shop.test_pictures import PLAIN_STORAGE

pytestmark = pytest.mark.slow

CLIENT = Client(headers={"host": "localhost"})


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of an S3-like server."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class Hosts:
    """Hosts with a database and a store in common, and each with a disk of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, client: Any) -> None:
        self._folder, self._monkeypatch, self._client = folder, monkeypatch, client
        self._settings: Any = None

    def use(self, name: str) -> None:
        """Continue on a host."""
        folder = self._folder / name
        self._monkeypatch.setenv("VAR_DIR", str(folder))
        self._monkeypatch.setenv("MEDIA_ROOT", str(folder / "media"))
        self.leave()
        self._settings = override_settings(
            QUERY_PICTURE_DIR=folder / "query", JUDGED_PICTURE_DIR=folder / "judged"
        )
        self._settings.enable()

    def leave(self) -> None:
        """Leave the host."""
        if self._settings is not None:
            self._settings.disable()
        self._settings = None

    def objects(self, start: str = "") -> set[str]:
        """The keys in the bucket."""
        found = self._client.list_objects_v2(Bucket="shop", Prefix=f"pictures/{start}")
        return {it["Key"] for it in found.get("Contents", ())}


@pytest.fixture
def hosts(
    database: str, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Hosts]:
    for name, value in {
        "AWS_ENDPOINT_URL_S3": address,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "MEDIA_STORE": "s3://shop/pictures",
    }.items():
        monkeypatch.setenv(name, value)
    where = {"LocationConstraint": "eu-central-1"}
    client = boto3.client("s3")
    client.create_bucket(Bucket="shop", CreateBucketConfiguration=where)
    made = Hosts(tmp_path, monkeypatch, client)
    with override_settings(STORAGES=PLAIN_STORAGE):
        made.use("first")
        yield made
        made.leave()
        for key in made.objects():
            client.delete_object(Bucket="shop", Key=key)
        client.delete_bucket(Bucket="shop")


def picture(colour: str) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (600, 800), colour).save(buffer, "JPEG")
    return buffer.getvalue()


def import_products(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for colour in ("red", "blue"):
        (folder / f"{colour}.jpg").write_bytes(picture(colour))
    (folder / "c.csv").write_text("sku,title,images\nR,red shirt,red.jpg\nB,blue shirt,blue.jpg\n")
    call_command("import_catalog", str(folder / "c.csv"), images=folder, verbosity=0)


def paths() -> list[str]:
    with connect() as connection:
        rows = connection.exec_driver_sql("SELECT path FROM product_image ORDER BY path")
        return list(rows.scalars())


def test_another_host_embeds_and_shows_what_was_imported(hosts: Hosts, tmp_path: Path) -> None:
    import_products(tmp_path / "feed")
    originals = {f"pictures/media/{path}" for path in paths()}
    assert hosts.objects() == originals
    hosts.use("second")
    (path, other) = paths()
    # A thumbnail is made by one host, and read by the next one.
    address = f"/media/v2/320/{path}"
    shown = CLIENT.get(address)
    assert shown.status_code == 200
    assert hosts.objects() == {*originals, f"pictures/thumbnails/v2/320/{path}.webp"}
    assert not (config.settings().media_root / other).exists()
    assert fill(WordsAndColours("imagenet"), "image").embedded == 2
    assert (config.settings().media_root / other).exists()
    hosts.use("third")
    assert CLIENT.get(address).content == shown.content
    assert not config.settings().media_root.exists()  # the original was not needed
    # The same import from there writes nothing new.
    before = hosts.objects()
    import_products(tmp_path / "feed")
    assert hosts.objects() == before


def test_uploaded_pictures_are_known_to_all_hosts(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = query_pictures.store_query_picture(picture("red"))
    content = query_pictures.load_query_picture(digest)
    assert content
    hosts.use("second")
    assert query_pictures.load_query_picture(digest) == content
    assert query_pictures.load_query_picture("0" * 64) is None
    assert query_pictures.keep_query_picture(digest)
    hosts.use("third")
    assert query_pictures.judged_picture(digest).read_bytes() == content
    # After a day without a use it has expired, in the store too.
    later = time.time() + 25 * 60 * 60
    monkeypatch.setattr("shop.query_pictures.time.time", lambda: later)
    assert query_pictures.load_query_picture(digest) is None


def test_garments_are_found_once_for_all_hosts(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    garment = Garment(Region(0, 0, 500, 1000), 0.9)
    monkeypatch.setattr(finder, "find_garments", lambda image: Garments((garment,), garment))
    digest = query_pictures.store_query_picture(picture("red"))
    found = picture_regions.picture_regions(digest)
    assert found is not None
    assert found.best == garment.region
    monkeypatch.setattr(finder, "find_garments", lambda image: pytest.fail("found once"))
    hosts.use("second")
    assert picture_regions.picture_regions(digest) == found
    assert (hosts.objects("query_pictures")) == {
        f"pictures/query_pictures/{digest}{suffix}" for suffix in (".jpg", ".json")
    }
    # The copies expire as the picture does, wherever they are.
    hosts.use("third")
    later = time.time() + 25 * 60 * 60
    monkeypatch.setattr("shop.query_pictures.time.time", lambda: later)
    assert picture_regions.picture_regions(digest) is None


def test_pruning_deletes_objects_that_no_product_uses(
    hosts: Hosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_products(tmp_path / "feed")
    for path in paths():
        assert CLIENT.get(f"/media/v2/320/{path}").status_code == 200
    with connect() as connection:
        connection.exec_driver_sql("DELETE FROM product WHERE sku = 'R'")
    hosts.use("second")
    call_command("prune_pictures", verbosity=0)
    assert len(hosts.objects("media/")) == 2  # they are younger than an hour
    monkeypatch.setattr(prune, "AGE", -60)
    call_command("prune_pictures", verbosity=0)
    (path,) = paths()
    assert hosts.objects() == {
        f"pictures/media/{path}",
        f"pictures/thumbnails/v2/320/{path}.webp",
    }


def test_store_that_does_not_answer(
    hosts: Hosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_products(tmp_path / "feed")
    hosts.use("second")
    monkeypatch.setenv("MEDIA_STORE", "s3://missing/pictures")
    with pytest.raises(StoreError, match="the store s3://missing/pictures cannot be used") as error:
        media.write("x.jpg", b"content")
    assert "NoSuchBucket" in str(error.value.strerror)
    # No picture counts as failed because of it, and a page says that it is not available.
    with pytest.raises(StoreError):
        fill(WordsAndColours("imagenet"), "image")
    with connect() as connection:
        failed = connection.exec_driver_sql("SELECT count(*) FROM embedding_failure").scalar()
    assert failed == 0


def test_without_a_store_there_are_files_alone(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert object_store() is None
    media.write("a/b.jpg", b"content")
    assert media.local("a/b.jpg").read_bytes() == b"content"
    assert media.read("a/c.jpg") is None
    assert (media.size("a/b.jpg"), media.size("a/c.jpg")) == (7, None)
    assert media.sizes(["a/b.jpg", "a/c.jpg"]) == [7, 0]
    monkeypatch.setenv("MEDIA_STORE", "https://bucket")
    with pytest.raises(ConfigError, match="MEDIA_STORE must be s3://BUCKET"):
        object_store()
