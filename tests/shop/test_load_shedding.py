"""Requests that wait too long are turned away; light ones do not wait."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from threading import Event, Thread

import pytest
from django.http import HttpRequest

from shop import load_shedding, views
from shop.load_shedding import Dispatcher
from shop.recent_searches import may_be_recent
from shop.server import listen


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def busy_shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, Clock, Event]]:
    """A shop whose only page thread is busy: its port, its clock, and what frees the thread."""
    clock, began, end = Clock(), Event(), Event()

    def slow(request: HttpRequest) -> bool:
        began.set()
        end.wait(60)
        return may_be_recent(request)

    monkeypatch.setattr(views, "may_be_recent", slow)
    monkeypatch.setattr(
        load_shedding.Dispatcher, "__init__", with_clock(load_shedding.Dispatcher.__init__, clock)
    )
    server = listen(socket.create_server(("127.0.0.1", 0)), 1)
    runner = Thread(target=server.run, daemon=True)
    runner.start()
    first = HTTPConnection("127.0.0.1", server.effective_port, timeout=60)
    first.request("GET", "/")
    assert began.wait(60)
    monkeypatch.undo()
    try:
        yield server.effective_port, clock, end
    finally:
        end.set()
        first.getresponse().read()
        server.task_dispatcher.shutdown()
        server.close()
        runner.join(10)


def with_clock(init: object, clock: Clock) -> object:
    assert callable(init)

    def wrapped(self: Dispatcher, threads: int) -> None:
        init(self, threads, clock)

    return wrapped


def send(port: int, path: str) -> HTTPConnection:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    return connection


def answer(connection: HTTPConnection) -> tuple[HTTPResponse, str]:
    response = connection.getresponse()
    return response, response.read().decode(errors="replace")


def test_a_busy_shop_turns_away_what_waits_too_long(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with busy_shop(monkeypatch) as (port, clock, end):
        pages = [send(port, path) for path in ("/", "/api/v1/models")]
        picture = send(port, f"/media/v2/320/products/00/{'0' * 64}.jpg")
        assert answer(send(port, "/static/shop/shop.css"))[0].status == 200  # although a page waits
        assert answer(send(port, "/favicon.ico"))[0].status == 200
        clock.now += 1.5
        page, text = answer(pages[0])
        assert page.status == 503
        assert page.getheader("Retry-After")
        assert page.getheader("Cache-Control") == "no-store"
        assert "Too many people are in the shop" in text
        problem, text = answer(pages[1])
        assert problem.status == 503
        assert problem.getheader("Content-Type") == "application/problem+json"
        assert problem.getheader("Retry-After")
        end.set()
        assert answer(picture)[0].status == 404  # pictures wait longer
        pages[0].request("GET", "/robots.txt")  # the connection is still open
        assert answer(pages[0])[0].status == 200
