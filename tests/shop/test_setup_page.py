"""A shop without tables shows how to create them, and works after that."""

from collections.abc import Iterator
from http import HTTPStatus

import psycopg
import pytest
from django.test import Client

from tests.conftest import fresh_database
from tests.processes import run_python

CLIENT = Client(headers={"host": "localhost"}, raise_request_exception=False)


@pytest.fixture(scope="module")
def without_tables() -> Iterator[None]:
    with fresh_database("template1"):
        yield


@pytest.mark.parametrize(
    "address",
    [
        *("/", "/?q=red+dress&model=imagenet", "/?like=A", "/product/A"),
        *("/admin/shop/product/", "/admin/login/"),
    ],
)
def test_page_shows_how_to_create_tables(without_tables: None, address: str) -> None:
    form = {"username": "a", "password": "b"}
    CLIENT.cookies["sessionid"] = "a" * 32
    response = CLIENT.post(address, form) if "login" in address else CLIENT.get(address)
    assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert "./manage.py migrate" in response.content.decode()


def test_upload_without_tables(without_tables: None) -> None:
    assert CLIENT.post("/picture/").status_code == HTTPStatus.SERVICE_UNAVAILABLE


@pytest.mark.process
def test_running_shop_works_after_tables_are_created() -> None:
    with fresh_database("template1") as url:
        assert CLIENT.get("/").status_code == HTTPStatus.SERVICE_UNAVAILABLE
        run_python("-m", "tests.fake_manage", "migrate", "-v0").check_returncode()
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("INSERT INTO product (sku, title) VALUES ('A', 'red shirt')")
            other.execute(
                "INSERT INTO fashion_text (product_id, embedding, source_md5)"
                " SELECT id, array_fill(0.05, ARRAY[384])::halfvec, document_md5 FROM product"
            )
        for address in ("/", "/product/A", "/?q=red+shirt", "/?q=red+shirt&like=A"):
            assert CLIENT.get(address).status_code == HTTPStatus.OK, address
