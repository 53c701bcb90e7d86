"""Requests that others could read in another way, or that nothing should read, on the socket."""

import logging
import socket
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client, override_settings

from catalog.db.connection import connect
from catalog.indexing.worker import Worker
from shop.attributes_field import MAX_DEPTH
from shop.logs import MAX_LINE, PlainFormatter
from shop.models import Product
from tests.fakes import WordsAndColours
from tests.serving import serving
from tests.shop.test_pictures import PLAIN_STORAGE

CLIENT = Client(headers={"host": "localhost"})
SMUGGLED = b"GET /suggest/?q=smuggled HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving() as number:
        yield number


@pytest.fixture
def shop(database: str) -> Iterator[None]:
    with override_settings(STORAGES=PLAIN_STORAGE):
        yield


def send(port: int, head: bytes, body: bytes = b"") -> bytes:
    """All that the server answers until it closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(head.replace(b"\n", b"\r\n") + b"\r\n" + body)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.process
@pytest.mark.parametrize(
    "head",
    [
        b"POST / HTTP/1.1\nHost: localhost\nContent-Length: 5\nTransfer-Encoding: chunked\n",
        b"POST / HTTP/1.1\nHost: localhost\nTransfer-Encoding: chunked\nContent-Length: 5\n",
        b"POST /picture/ HTTP/1.0\nHost: localhost\nConnection: keep-alive\n"
        b"Transfer-Encoding: chunked\n",
        b"POST /picture/ HTTP/1.1\nHost: localhost\nContent-Length: 5\nContent-Length: 6\n",
        b"POST /picture/ HTTP/1.1\nHost: localhost\nContent-Length: +5\n",
        b"POST /picture/ HTTP/1.1\nHost: localhost\nTransfer-Encoding : chunked\n",
    ],
)
def test_length_must_be_certain(shop: None, port: int, head: bytes) -> None:
    answer = send(port, head, b"0\r\n\r\n" + SMUGGLED)
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
    assert answer.count(b"HTTP/1.") == 1


@pytest.mark.process
@pytest.mark.parametrize(
    "charset",
    [
        b"*=utf-8''%00a",
        b"*=nonsense''%ff",
        b"=rot13",
        b"=base64",
        b"=idna",
        b"=utf-16",
        b"=unicode_escape",
        b"=nonsense",
    ],
)
@pytest.mark.parametrize("kind", [b"text/plain", b"multipart/form-data; boundary=x"])
def test_texts_must_be_utf8(
    shop: None, port: int, charset: bytes, kind: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    head = b"POST /?q=red HTTP/1.1\nHost: localhost\nConnection: close\nContent-Length: 3\n"
    answer = send(port, head + b"Content-Type: " + kind + b"; charset" + charset + b"\n", b"\xffa=")
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"nosniff" in answer
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [("/nowhere", "localhost", 404), ("/", "evil.example", 400), ("/picture/", "localhost", 400)],
)
def test_body_that_cannot_be_read_changes_no_error_page(
    shop: None, path: str, host: str, status: int
) -> None:
    part = b'Content-Disposition: form-data; name="a"; filename="a"\r\n'
    body = b"--x\r\n" + part + b"Content-Transfer-Encoding: base64\r\n\r\n!!a\r\n--x--\r\n"
    client = Client(True, raise_request_exception=False, headers={"host": host})
    client.cookies["csrftoken"] = "a" * 32
    answer = client.post(path, body, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == status
    assert "<h1>" in answer.content.decode()


@pytest.mark.process
@pytest.mark.parametrize("charset", [b"", b"; charset=utf-8", b'; charset="UTF-8"', b"; charset="])
def test_usual_charsets_are_read(shop: None, port: int, charset: bytes) -> None:
    head = b"GET /robots.txt HTTP/1.1\nHost: localhost\nConnection: close\nContent-Type: text/plain"
    assert send(port, head + charset + b"\n").startswith(b"HTTP/1.1 200")


@pytest.mark.process
@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET / HTTP/1.1\nHost: " + b"a" * 250_000 + b"\nConnection: close\n", b"431"),
        (b"GET / HTTP/1.1\nHost: " + b"a" * 12_000 + b"\nConnection: close\n", b"400"),
        (b"GET /" + b"a" * 60_000 + b" HTTP/1.1\nHost: localhost\nConnection: close\n", b"431"),
        (b"POST /picture/ HTTP/1.1\nHost: localhost\nConnection: close\nContent-Length: 1\n"
         b"Content-Type: multipart/form-data\n", b"40"),
    ],
    ids=["host of 250 kB", "host of 12 kB", "address", "boundary"],
)  # fmt: skip
def test_rejected_requests_write_little_to_the_log(
    shop: None, port: int, head: bytes, status: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        answer = send(port, head, b"x")
    except ConnectionResetError:  # the server does not read all of it
        answer = b"HTTP/1.0 431"
    assert answer[9:].startswith(status)
    assert len(capsys.readouterr().err) < 2 * MAX_LINE


def test_lines_about_errors_of_the_shop_are_whole() -> None:
    def line(status: int) -> str:
        record = logging.LogRecord("django.request", 40, "x.py", 1, "a" * 2000, (), None)
        record.status_code = status
        record.exc_text = "Traceback"
        return PlainFormatter().format(record)

    assert len(line(500)) > 2000
    assert "Traceback" in line(500)
    assert line(404) == "a" * MAX_LINE


@pytest.mark.parametrize("shape", ["objects", "lists", "too deep for Python"])
def test_attributes_of_any_depth_are_shown(shop: None, shape: str) -> None:
    if shape == "too deep for Python":
        value = "[" * 5000 + "]" * 5000
    else:
        left, right = ('{"a":', "}") if shape == "objects" else ("[", "]")
        value = left * 600 + '"x"' + right * 600
    insert = "INSERT INTO product (sku, title, attributes) VALUES ('A', 'deep', %(it)s::jsonb)"
    with connect() as connection:
        connection.exec_driver_sql(insert, {"it": f'{{"size": "XL", "deep": {value}}}'})
    staff = Client(headers={"host": "localhost"})
    staff.force_login(User.objects.create_superuser("ada"))
    key = Product.objects.get().pk
    for path in ("/product/A", "/api/v1/products/A", "/?q=deep", "/api/v1/search?q=deep",
                 f"/admin/shop/product/{key}/change/"):  # fmt: skip
        assert staff.get(path).status_code == 200, path


def test_flat_attributes_are_unchanged(shop: None) -> None:
    value: object = "x"
    for _ in range(MAX_DEPTH - 1):
        value = [value]
    attributes = {"deep": value, "size": "XL"}
    Product.objects.create(sku="A", title="a", attributes=attributes)
    assert Product.objects.get().attributes == attributes


def test_any_referer_gives_a_page(shop: None) -> None:
    many = "http://localhost/?" + "&".join(f"a{number}=1" for number in range(1500))
    for referer in (many, "http://[", "\x00", "http://localhost/?q=%ff", "a" * 9000):
        assert CLIENT.get("/?q=red", headers={"referer": referer}).status_code == 200


def test_claim_of_a_wrong_clock_is_no_claim(shop: None) -> None:
    with connect() as connection:
        connection.exec_driver_sql("SELECT search.request('red shirt')")
        connection.exec_driver_sql("UPDATE query_embedding SET claimed_at = now() + interval '9 y'")
    assert Worker(lambda name: WordsAndColours()).answer_requests() == 1
