"""The shop opens on its port, says so when it cannot, and leaves nothing behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import psycopg
import pytest
from django.test import override_settings

from demo.products import products
from shop.server import PortTaken, check_port
from tests.conftest import PROJECT
from tests.serving import serving


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_taken_port_is_said_plainly() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} is taken .* PORT={port + 1}"):
            check_port(port)
        for command in ("serve", "demo"):
            done = subprocess.run(
                [sys.executable, "manage.py", command, "--port", str(port)],
                cwd=PROJECT,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 2
            assert f"port {port} is taken" in done.stderr
            assert "Traceback" not in done.stderr


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_and_stops_when_told(database: str, stop: signal.Signals) -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--port", str(port)],
        cwd=PROJECT,
        env=os.environ.copy(),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr
        line = process.stderr.readline()
        assert f"http://127.0.0.1:{port}" in line
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as page:
            assert page.status == 200
            assert "default-src 'self'" in page.headers["Content-Security-Policy"]
        process.send_signal(stop)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()


@contextmanager
def connected() -> Iterator[HTTPConnection]:
    """A connection to a running shop."""
    with serving() as port:
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            yield connection
        finally:
            connection.close()


def log_in(connection: HTTPConnection, forwarded: str) -> int:
    """The status of a form that a browser sends by TLS to a proxy, which says so by `forwarded`."""
    headers = {"Host": "localhost", "X-Forwarded-Proto": forwarded}
    connection.request("GET", "/admin/login/", headers=headers)
    page = connection.getresponse()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.read().decode())
    assert token
    headers |= {
        "Cookie": (page.getheader("Set-Cookie") or "").split(";")[0],
        "Content-Type": "application/x-www-form-urlencoded",
        "Origin": "https://localhost",
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
def test_forms_pass_behind_a_proxy_that_ends_tls(
    database: str, proxy: str, forwarded: str, status: int
) -> None:
    with BEHIND_TLS, override_settings(TRUSTED_PROXY=proxy), connected() as connection:
        assert log_in(connection, forwarded) == status


def test_only_the_proxy_is_believed_that_it_ends_tls(database: str) -> None:
    with BEHIND_TLS, override_settings(TRUSTED_PROXY="10.1.2.3"), connected() as connection:
        assert log_in(connection, "https") == 403
    with connected() as connection:  # without HTTPS=1 nobody is
        assert log_in(connection, "https") == 403


@pytest.mark.parametrize(
    ("megabytes", "says"), [(20, "This picture is too large"), (400, "Request Entity Too Large")]
)
def test_a_body_too_large_is_refused(database: str, megabytes: int, says: str) -> None:
    """In the shop's words where that costs little; else before any of it is read."""
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


def test_a_restart_of_postgresql_costs_no_page(database: str) -> None:
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


def test_ctrl_c_while_the_demo_embeds_ends_it(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database, autocommit=True) as other:
        other.execute(
            "INSERT INTO product (sku, title)"
            " SELECT n, 'shirt ' || n FROM generate_series(1, 20000) n"
        )
        drawn = products(1)[0]  # without one, the demo would refuse these products
        other.execute(
            "INSERT INTO product (sku, title, description, brand) VALUES (%s, %s, %s, %s)",
            (drawn.sku, drawn.title, drawn.description, drawn.brand),
        )
        process = subprocess.Popen(
            [sys.executable, "manage.py", "demo", "--port", str(free_port())],
            cwd=PROJECT,
            env=os.environ | {"VAR_DIR": str(tmp_path)},
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            deadline = time.monotonic() + 120
            embedded = "SELECT EXISTS (SELECT FROM fashion_text)"
            while other.execute(embedded).fetchone() == (False,):
                assert time.monotonic() < deadline
                time.sleep(0.1)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130, errors
    assert "The shop is at" not in errors
