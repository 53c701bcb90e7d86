"""Every error has a page that explains it and links to the shop."""

import logging
import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.test import Client, override_settings

from catalog.db.connection import connect
from catalog.importing import import_catalog
from catalog.indexing import fill
from catalog.model_tables import add_model
from catalog.search import query
from embedding.registry import RegistryError, get_spec
from shop import query_pictures
from tests.catalog.test_search import picture
from tests.conftest import PROJECT, fresh_database, prepared_database, using_database
from tests.fakes import WordsAndColours
from tests.shop.test_pictures import PLAIN_STORAGE

pytestmark = pytest.mark.slow

CLIENT = Client(headers={"host": "localhost"})
HTMX = {"HX-Request": "true"}
ENCODER = WordsAndColours()


@pytest.fixture(scope="module")
def catalogue(template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database with a red and a blue shirt, embedded by `fashion` and not by `imagenet`."""
    folder = tmp_path_factory.mktemp("catalogue")

    def build() -> None:
        (folder / "red.png").write_bytes(picture("red"))
        rows = "A,red shirt,Red,red.png\nB,blue shirt,Blue,red.png\n"
        (folder / "c.csv").write_text("sku,title,colour,images\n" + rows)
        import_catalog(folder / "c.csv", folder)
        for modality in ENCODER.spec.modalities:
            fill(ENCODER, modality)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDIA_ROOT", str(folder / "media"))
        with prepared_database(template, build) as name:
            yield name


@pytest.fixture
def shop(catalogue: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a clone of the catalogue."""
    monkeypatch.setenv("MODELS", "fashion,imagenet")
    monkeypatch.setenv("FIND_GARMENTS", "0")  # by a real model
    with (
        fresh_database(catalogue) as url,
        override_settings(STORAGES=PLAIN_STORAGE, QUERY_PICTURE_DIR=tmp_path / "queries"),
    ):
        yield url


@pytest.fixture(params=[{}, HTMX], ids=["page", "htmx"])
def get(request: pytest.FixtureRequest) -> Any:
    """Gets an address as a browser or as htmx does; returns the status and the text."""

    def get(address: str) -> tuple[int, str]:
        response = CLIENT.get(address, headers=request.param)
        html = response.content.decode()
        assert ("<!doctype html>" in html) == (not request.param)
        assert 'id="results"' in html
        return response.status_code, " ".join(html.split())

    return get


@pytest.mark.parametrize("more", ["", "&q=red", "&colour=Red", "&model=imagenet", "&page=3"])
def test_search_similar_to_a_deleted_product(shop: None, get: Any, more: str) -> None:
    status, html = get(f"/?like=gone123{more}")
    assert status == HTTPStatus.NOT_FOUND
    assert "There is no product with the SKU &#x27;gone123&#x27;." in html
    assert "This product no longer exists" in html
    on = {"&q=red": 'href="/?q=red"', "&colour=Red": 'href="/?colour=Red"'}.get(more, 'href="/"')
    label = "(Search without the product|See all products)"
    assert re.search(f'class="button" {re.escape(on)}>{label}', html)
    assert 'name="like"' not in html  # the next search does not use it
    assert 'name="min_match"' not in html
    assert 'value="Red"' in html  # the filter panel covers the whole catalogue


def test_product_deleted_during_the_search(shop: None, monkeypatch: pytest.MonkeyPatch) -> None:
    find = query._find_product

    def found_and_deleted(connection: Any, sku: str) -> int:
        product: int = find(connection, sku)
        with connect() as other:
            other.exec_driver_sql("DELETE FROM product WHERE sku = 'A'")
        return product

    monkeypatch.setattr(query, "_find_product", found_and_deleted)
    for headers in ({}, HTMX):
        response = CLIENT.get("/?like=A", headers=headers)
        assert response.status_code == HTTPStatus.NOT_FOUND
        assert "no product with the SKU" in response.content.decode()


def test_page_of_a_deleted_product(shop: None) -> None:
    assert CLIENT.get("/product/A").status_code == HTTPStatus.OK
    with connect() as connection:
        connection.exec_driver_sql("DELETE FROM product WHERE sku = 'A'")
    response = CLIENT.get("/product/A")
    html = response.content.decode()
    assert response.status_code == HTTPStatus.NOT_FOUND
    assert "There is no product with the SKU A." in html
    assert 'id="search"' in html
    assert "Resolver404" not in CLIENT.get("/nowhere").content.decode()


def test_no_model_has_the_modalities_of_the_query(
    shop: None, get: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELS", "imagenet")
    digest = query_pictures.store_query_picture(picture("red"))
    status, html = get("/?q=red")  # full-text search only
    assert status == HTTPStatus.OK
    assert "No single model in use understands words" in html
    status, html = get(f"/?q=without+zips&picture={digest}")
    assert status == HTTPStatus.BAD_REQUEST
    assert "No single model in use understands words and pictures." in html
    assert "This search could not be run" in html


def test_chosen_model_lacks_a_modality_of_the_query(shop: None, get: Any) -> None:
    digest = query_pictures.store_query_picture(picture("red"))
    status, html = get(f"/?q=without+red&picture={digest}&model=imagenet")
    assert status == HTTPStatus.OK  # the form has chosen the default model instead
    assert "cannot be used for this kind of search" in html


def test_damaged_stored_picture(shop: None, get: Any) -> None:
    digest = query_pictures.store_query_picture(picture("red"))
    [file] = Path(query_pictures.query_path(digest)).parent.glob("*.jpg")
    file.write_bytes(file.read_bytes()[:200])
    status, html = get(f"/?picture={digest}")
    assert status == HTTPStatus.BAD_REQUEST
    assert "The picture is damaged or incomplete." in html
    assert "Remove the picture" in html


def test_model_cannot_be_loaded(
    shop: None, get: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    digest = query_pictures.store_query_picture(picture("red"))
    entry = (PROJECT / "embedding" / "registry" / "clip.toml").read_text()
    entry = entry.replace('name = "clip"', 'name = "absent"')
    entry = re.sub('checkpoint = ".*"', 'checkpoint = "./weights"', entry)
    (tmp_path / "weights").mkdir()
    (tmp_path / "absent.toml").write_text(entry)
    monkeypatch.setenv("EMBEDDING_REGISTRY", str(tmp_path))
    with connect() as connection:  # the command would notice that the folder is empty
        add_model(connection, get_spec("absent"))
    (tmp_path / "weights").rmdir()
    monkeypatch.setenv("MODELS", "absent")
    status, html = get(f"/?picture={digest}")
    assert status == HTTPStatus.SERVICE_UNAVAILABLE
    assert "This search could not be run" in html


def test_malformed_entry_of_another_model(
    shop: None, get: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "registry").mkdir()
    monkeypatch.setenv("EMBEDDING_REGISTRY", str(tmp_path / "registry"))
    monkeypatch.setenv("MODELS", "fashion,wrong")
    (tmp_path / "registry" / "wrong.toml").write_text('name = "wrong"')
    for address in ("/", "/?q=red&min_match=0"):
        status, html = get(address)
        assert status == HTTPStatus.OK
        assert 'class="card-title"><a href="/product/' in html


def test_installation_problem(
    shop: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: Any) -> None:
        raise RegistryError("/secret/wrong.toml: not a TOML file") from ValueError("cause")

    monkeypatch.setattr("shop.recent_searches.search", fail)
    for headers in ({}, HTMX):
        response = CLIENT.get("/?q=red", headers=headers)
        assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        html = response.content.decode()
        assert "The shop has a problem that its operator must fix." in html
        assert "wrong.toml" not in html
    assert "/secret/wrong.toml" in caplog.text


def test_model_without_embeddings(shop: None, get: Any) -> None:
    for address in ("/?like=A&model=imagenet", "/?like=A&model=imagenet&colour=Red"):
        status, html = get(address)
        assert status == HTTPStatus.OK
        assert "This product cannot be compared yet" in html


def test_model_without_tables_is_replaced_by_the_default_with_a_note(
    shop: None, get: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELS", "fashion,clip")
    call_command("drop_model", "clip")
    status, html = get("/?q=red&model=clip")
    assert status == HTTPStatus.OK
    assert "This model is not available; the default one was used." in html
    assert "add_model" not in html


@pytest.fixture
def without_database(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MODELS", "fashion,imagenet")
    with (
        override_settings(STORAGES=PLAIN_STORAGE),
        using_database("postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=2"),
    ):
        yield


@pytest.mark.parametrize("address", ["/", "/?q=red", "/?like=A", "/product/A", "/admin/"])
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_unreachable_database(
    without_database: None,
    address: str,
    headers: dict[str, str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = Client(headers={"host": "localhost"})
    client.cookies["sessionid"] = "a" * 32
    response = client.get(address, headers=headers)
    assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert int(response["Retry-After"]) > 0
    assert "temporarily unavailable" in response.content.decode()
    assert not [record for record in caplog.records if record.exc_info]
    assert [record for record in caplog.records if record.levelno == logging.WARNING]


def test_static_files_need_no_database(without_database: None) -> None:
    with override_settings(STORAGES=PLAIN_STORAGE):
        assert CLIENT.get("/static/shop/shop.css").status_code == HTTPStatus.OK
        assert CLIENT.get("/favicon.ico").status_code == HTTPStatus.OK


def test_database_without_free_connections(shop: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(shop)["dbname"]
    with psycopg.connect(shop, autocommit=True) as other:
        other.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 0")
        other.execute("CREATE ROLE shopper LOGIN")
        try:
            with using_database(f"{shop}&user=shopper" if "?" in shop else shop):
                response = CLIENT.get("/")
        finally:
            other.execute("DROP ROLE shopper")
    assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE


@pytest.mark.parametrize("name", ["query", "header"])
def test_request_with_a_long_head(shop: None, name: str) -> None:
    half, whole = "x" * 8000, "x" * 17_000
    if name == "query":
        responses = [CLIENT.get("/?brand=" + text) for text in (half, whole)]
    else:
        responses = [CLIENT.get("/", headers={"x-any": text}) for text in (half, whole)]
    assert responses[0].status_code == HTTPStatus.OK
    assert responses[1].status_code == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    assert "too long" in responses[1].content.decode()
