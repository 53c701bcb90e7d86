"""The production server: start, stop, errors, proxies, and responses on kept-alive connections."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import psycopg
import pytest
from axes.models import AccessAttempt
from django.test import override_settings
from django.urls import reverse
from PIL import Image

from demo.products import products
from shop.rates import forget_counts
from shop.server import PortTaken, check_port
from tests.conftest import PROJECT
from tests.ports import free_port
from tests.processes import run_python
from tests.serving import serving, wait_for_page
from tests.shop.test_pictures import add_product

pytestmark = pytest.mark.process

SHOPPER = "203.0.113.5"


def test_used_port_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAKELEVEL", raising=False)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} is used .* such as --port {port + 1}"):
            check_port(port)
        with monkeypatch.context() as by_make:
            by_make.setenv("MAKELEVEL", "1")
            with pytest.raises(PortTaken, match=f"such as PORT={port + 1}"):
                check_port(port)
        for command in ("serve", "demo"):
            done = run_python("manage.py", command, "--port", str(port))
            assert done.returncode == 2
            assert f"port {port} is used" in done.stderr
            assert "Traceback" not in done.stderr


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_server_stops_on_signals(database: str, stop: signal.Signals) -> None:
    """Several processes do too: see test_processes.py."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--port", str(port), "--processes", "1"],
        cwd=PROJECT,
        env=os.environ | {"ENCODER_URL": "unix:/nonexistent/encoder"},  # needs no model
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr
        line = process.stderr.readline()
        assert f"http://127.0.0.1:{port}" in line
        headers = wait_for_page(f"http://127.0.0.1:{port}/")
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        process.send_signal(stop)
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()


@contextmanager
def connected() -> Iterator[HTTPConnection]:
    """Yield a connection to a running shop."""
    with serving() as port:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            yield connection
        finally:
            connection.close()


def log_in(connection: HTTPConnection, forwarded: str, origin: str = "https://localhost") -> int:
    """The status of a form that a browser sends over TLS to a proxy that sends `forwarded`."""
    headers = {"Host": "localhost", "X-Forwarded-Proto": forwarded, "X-Forwarded-For": SHOPPER}
    connection.request("GET", "/admin/login/", headers=headers)
    page = connection.getresponse()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.read().decode())
    assert token
    headers |= {
        "Cookie": (page.getheader("Set-Cookie") or "").split(";")[0],
        "Content-Type": "application/x-www-form-urlencoded",
        "Origin": origin,
    }
    form = f"csrfmiddlewaretoken={token[1]}&username=a&password=b"
    connection.request("POST", "/admin/login/", form, headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status


BEHIND_TLS = override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"))


@pytest.mark.parametrize(
    ("proxy", "forwarded", "status"),
    [("127.0.0.1", "https", 200), ("*", "https", 200), ("127.0.0.1", "http", 403)],
)
def test_forms_work_behind_a_tls_proxy(
    database: str, proxy: str, forwarded: str, status: int
) -> None:
    with BEHIND_TLS, override_settings(TRUSTED_PROXY=proxy), connected() as connection:
        assert log_in(connection, forwarded) == status


@pytest.mark.parametrize(
    ("proxy", "address", "scheme"),
    [("127.0.0.1", SHOPPER, "https"), ("10.1.2.3", "127.0.0.1", "http")],
)
def test_only_the_trusted_proxy_can_name_the_client(
    database: str, proxy: str, address: str, scheme: str
) -> None:
    """Failed logins are counted by address."""
    with BEHIND_TLS, override_settings(TRUSTED_PROXY=proxy), connected() as connection:
        assert log_in(connection, "https", f"{scheme}://localhost") == 200
    assert list(AccessAttempt.objects.values_list("ip_address", flat=True)) == [address]


def test_only_the_trusted_proxy_can_claim_tls(database: str) -> None:
    with BEHIND_TLS, override_settings(TRUSTED_PROXY="10.1.2.3"), connected() as connection:
        assert log_in(connection, "https") == 403
    with connected() as connection:  # without HTTPS=1, no proxy is trusted
        assert log_in(connection, "https") == 403


@pytest.mark.parametrize(("proxy", "others"), [("127.0.0.1", 200), ("10.1.2.3", 429)])
def test_the_api_knows_the_clients_of_the_trusted_proxy_alone(
    database: str, proxy: str, others: int
) -> None:
    forget_counts()
    limited = override_settings(TRUSTED_PROXY=proxy, API_ANONYMOUS_RATE=1)
    with BEHIND_TLS, limited, connected() as connection:
        statuses = []
        for client in ("203.0.113.1", "203.0.113.1", "203.0.113.2"):
            headers = {"Host": "localhost", "X-Forwarded-For": client}
            connection.request("GET", "/api/v1/models", headers=headers)
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
    assert statuses == [200, 429, others]
    forget_counts()


@pytest.mark.parametrize(
    ("megabytes", "says"), [(20, "This picture is too large"), (400, "Request Entity Too Large")]
)
def test_too_large_body_is_rejected(database: str, megabytes: int, says: str) -> None:
    """With a page for a small excess, otherwise before the body is read."""
    with connected() as connection:
        connection.putrequest("POST", "/picture/")
        connection.putheader("Content-Type", "multipart/form-data; boundary=x")
        connection.putheader("Content-Length", str(megabytes * 2**20))
        connection.endheaders()
        if megabytes < 100:
            for _ in range(megabytes):
                connection.send(bytes(2**20))
        answer = connection.getresponse()
        assert answer.status == 413
        assert says in answer.read().decode()


@contextmanager
def raw_connection() -> Iterator[socket.socket]:
    with serving() as port, socket.create_connection(("127.0.0.1", port), timeout=60) as raw:
        yield raw


def send(raw: socket.socket, method: str, path: str, *headers: str) -> None:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""]
    raw.sendall("\r\n".join(lines).encode())


def read_head(reader: BinaryIO) -> tuple[int, dict[str, str]]:
    """The status and headers of a response; header names are in lower case."""
    status = int(reader.readline().split()[1])
    lines = iter(lambda: reader.readline().decode().strip(), "")
    pairs = (line.split(": ", 1) for line in lines)
    return status, {name.lower(): value for name, value in pairs}


PATHS = {
    "/": 200,
    "/?q=red": 200,
    "/?like=gone": 404,
    "/product/A": 200,
    "/product/GONE": 404,
    "/nowhere": 404,
    "/picture/": 302,
    "/picture/" + "a" * 64: 404,
    "/admin/login/": 200,
    "/static/shop/shop.css": 200,
    "/favicon.ico": 200,
    "/media/v2/320/x": 404,
    "/?brand=" + "x" * 17_000: 431,
}


def test_head_has_no_body(database: str) -> None:
    """After HEAD and GET on one connection, the second response follows the head of the first. The
    Content-Length of the first is the length of the page."""
    with psycopg.connect(database, autocommit=True) as other:
        other.execute("INSERT INTO product (sku, title) VALUES ('A', 'red shirt')")
    buffer = BytesIO()
    Image.new("RGB", (400, 400), "teal").save(buffer, "PNG")
    picture = reverse("image", args=[320, add_product("B", buffer.getvalue())])
    with serving() as port:
        for path, expected in {**PATHS, picture: 200}.items():
            with (
                socket.create_connection(("127.0.0.1", port), timeout=60) as raw,
                raw.makefile("rb") as reader,
            ):
                send(raw, "HEAD", path)
                send(raw, "GET", path)
                status, head = read_head(reader)
                assert status == expected, path
                assert "transfer-encoding" not in head, path
                status, page = read_head(reader)
                assert status == expected, path
                body = reader.read(int(page["content-length"]))
                assert head["content-length"] == str(len(body)), path
                send(raw, "HEAD", path, "Connection: close")
                read_head(reader)
                assert reader.read() == b"", path


def test_head_of_a_missing_page(database: str) -> None:
    with raw_connection() as raw, raw.makefile("rb") as reader:
        raw.sendall(b"HEAD / HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        status, head = read_head(reader)
        assert status == 400
        assert int(head["content-length"]) > 0
        send(raw, "HEAD", "/favicon.ico", "Connection: close")
        assert read_head(reader)[0] == 200
        assert reader.read() == b""


def test_unchanged_file_has_no_body(database: str) -> None:
    with raw_connection() as raw, raw.makefile("rb") as reader:
        send(raw, "HEAD", "/favicon.ico")
        _, head = read_head(reader)
        for method in ("HEAD", "GET"):
            send(raw, method, "/favicon.ico", f"If-Modified-Since: {head['last-modified']}")
            status, answer = read_head(reader)
            assert status == 304
            assert "content-length" not in answer
            if answer.get("connection") == "close":
                break
        assert reader.read() == b""


def test_connection_is_usable_after_head_of_the_upload_page(database: str) -> None:
    with raw_connection() as raw, raw.makefile("rb") as reader:
        send(raw, "HEAD", "/picture/", "Content-Length: 10", "Content-Type: text/plain")
        raw.sendall(b"0123456789")
        send(raw, "GET", "/favicon.ico", "Connection: close")
        assert read_head(reader)[0] == 302
        status, head = read_head(reader)
        assert status == 200
        assert len(reader.read()) == int(head["content-length"])


def test_long_head_gets_a_page(database: str) -> None:
    for size in (17_000, 60_000):
        with raw_connection() as raw, raw.makefile("rb") as reader:
            send(raw, "GET", "/?brand=" + "x" * size)
            status, head = read_head(reader)
            assert status == 431
            assert b"This address is too long" in reader.read(int(head["content-length"]))
            send(raw, "HEAD", "/favicon.ico", "Connection: close")
            assert read_head(reader)[0] == 200


def test_pages_survive_a_restart_of_postgresql(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as other, connected() as connection:
        other.execute("INSERT INTO product (sku, title) VALUES ('A', 'red shirt')")
        for _ in range(2):
            for address in ("/product/A", "/"):
                connection.request("GET", address)
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 200, address
            ended = other.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND datname = current_database()"
            ).fetchone()
            assert ended
            assert ended[0] > 0


def test_ctrl_c_stops_the_demo_while_it_embeds(database: str, tmp_path: Path) -> None:
    model = "fashion"
    with psycopg.connect(database, autocommit=True) as other:
        other.execute(
            "INSERT INTO product (sku, title)"
            " SELECT n, 'shirt ' || n FROM generate_series(1, 2000) n"
        )
        drawn = products(1)[0]  # the demo refuses catalogues without its products
        other.execute(
            "INSERT INTO product (sku, title, description, brand) VALUES (%s, %s, %s, %s)",
            (drawn.sku, drawn.title, drawn.description, drawn.brand),
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.fake_manage", "demo", "--port", str(free_port())],
            cwd=PROJECT,
            env=os.environ | {"VAR_DIR": str(tmp_path), "MODELS": model, "BATCH_SECONDS": "1"},
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            deadline = time.monotonic() + 300
            embedded = f"SELECT EXISTS (SELECT FROM {model}_text)"
            while other.execute(embedded).fetchone() == (False,):
                assert time.monotonic() < deadline
                time.sleep(0.1)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130, errors
    assert "The shop is at" not in errors
