"""Attacks on the edges: answers of the server itself, and a database that only reads."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client, override_settings
from psycopg import errors

from catalog.db.connection import connect, create_pool, forget_engine, open_connection
from catalog.db.replica import reads_replica
from catalog.sqlapi.objects import create_objects, drop_objects
from embedding.encoder import EncoderError
from tests.serving import serving
from tests.shop.test_pictures import PLAIN_STORAGE

pytestmark = pytest.mark.slow

MALFORMED = (
    b"Host: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"Host: localhost\r\nContent-Length: -1\r\n\r\n",
    b"Host: localhost\r\n bad: folded\r\nX\x00: y\r\n\r\n",
)


@pytest.fixture
def shop(database: str, tmp_path: Path) -> Iterator[str]:
    with override_settings(STORAGES=PLAIN_STORAGE, QUERY_PICTURE_DIR=tmp_path / "pictures"):
        yield database


def exchange(port: int, sent: bytes) -> bytes:
    """All that the server answers until it closes the connection."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=60)) as client:
        client.sendall(sent)
        received = b""
        while part := client.recv(65536):
            received += part
    return received


@pytest.mark.parametrize("malformed", MALFORMED, ids=["two-lengths", "negative", "header"])
def test_refusals_of_the_server_itself(shop: str, malformed: bytes) -> None:
    with serving() as port:
        for method in (b"GET", b"HEAD"):
            answer = exchange(port, method + b" / HTTP/1.1\r\n" + malformed)
            head, _, body = answer.partition(b"\r\n\r\n")
            assert head[8:].startswith(b" 4"), head
            assert b"x-content-type-options: nosniff" in head.lower()
            assert b"frame-ancestors 'none'" in head
            assert bool(body) == (method == b"GET")


def test_database_that_only_reads(shop: str) -> None:
    """As after the shop's address was moved to a replica."""
    User.objects.create_superuser("ada", "ada@example.org", "correct horse battery")
    with connect() as connection:
        connection.exec_driver_sql("INSERT INTO product (sku, title) VALUES ('A', 'red shirt')")
    name = psycopg.conninfo.conninfo_to_dict(shop)["dbname"]
    with psycopg.connect(shop, autocommit=True) as owner:
        owner.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
    forget_engine()
    connections.close_all()
    client = Client(headers={"host": "localhost"}, raise_request_exception=False)
    for path in ("/", "/?q=red", "/product/A", "/suggest/?q=re", "/api/v1/search?q=red"):
        assert client.get(path).status_code == 200, path
    login = {"username": "ada", "password": "correct horse battery"}
    answer = client.post("/admin/login/", login)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


def test_database_of_another_version(shop: str) -> None:
    """As between a downgrade and the next `migrate`: SQL functions are missing."""
    with connect() as connection:
        drop_objects(connection)
    client = Client(headers={"host": "localhost"}, raise_request_exception=False)
    for path in ("/?q=red", "/suggest/?q=re", "/api/v1/search?q=red"):
        answer = client.get(path)
        assert answer.status_code == 503, path
        assert int(answer.headers["Retry-After"]) > 0


def test_sessions_do_not_fail_after_functions_and_types_were_replaced(shop: str) -> None:
    """As by `migrate` while the shop runs: its connections stay open, with their plans."""
    client = Client(headers={"host": "localhost"})
    paths = ("/?q=red+dress", "/suggest/?q=re", "/api/v1/search?q=red+dress+under+50")
    with connect():  # so that the pool has two connections, which it uses in turn
        client.get(paths[0])
    for _ in range(2):
        for path in (*paths, *paths):
            assert client.get(path).status_code == 200, path
        with create_pool(open_connection).begin() as other:  # not a connection of the shop
            drop_objects(other)
            create_objects(other)
    for path in paths:
        assert client.get(path).status_code == 200, path


def test_reads_are_repeated_while_functions_are_replaced() -> None:
    """`migrate` replaces functions that other sessions are calling."""
    failures = [errors.InternalError_("cache lookup failed for function 17557")]

    @reads_replica
    def read() -> str:
        if failures:
            raise failures.pop()
        return "found"

    assert read() == "found"
    failures = [errors.InternalError_("cache lookup failed for function 1")] * 2
    with pytest.raises(errors.InternalError_):
        read()
    failures = [errors.InternalError_("unexpected data")]
    with pytest.raises(errors.InternalError_):
        read()


def test_every_503_says_when_to_ask_again(shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise EncoderError("the model is away")

    monkeypatch.setattr("shop.recent_searches.search", fail)
    answer = Client(headers={"host": "localhost"}).get("/?q=red")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
