"""Request ids in responses, in log lines and in problem details; logs as text and as JSON."""

import json
import logging
from collections.abc import Iterator
from typing import NoReturn

import pytest
from django.http import HttpRequest
from django.test import Client, override_settings

from shop import views
from shop.logs import JsonFormatter, PlainFormatter, request_id_of
from shop.request_ids import current_request_id
from tests.processes import run_python
from tests.shop.test_pictures import PLAIN_STORAGE

CLIENT = Client(headers={"host": "localhost"}, raise_request_exception=False)


@pytest.fixture
def failing(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A shop whose search page logs a line and fails."""

    def fail(request: HttpRequest, *_: object, **__: object) -> NoReturn:
        logging.getLogger("shop.test").warning("a line with \x1b and\nmore")
        raise RuntimeError("a mistake")

    monkeypatch.setattr(views, "_respond", fail)
    with override_settings(STORAGES=PLAIN_STORAGE):
        yield


def test_given_id_is_used(failing: None, caplog: pytest.LogCaptureFixture) -> None:
    ids: list[str] = []

    def note(record: logging.LogRecord) -> bool:
        ids.append(request_id_of(record))
        return True

    caplog.handler.addFilter(note)
    response = CLIENT.get("/", headers={"x-request-id": "proxy-1.2_3"})
    assert response.status_code == 500
    assert response.headers["X-Request-ID"] == "proxy-1.2_3"
    assert ids == ["proxy-1.2_3"] * 2  # the line of the page, and Django's about the error
    assert current_request_id() == ""


@pytest.mark.parametrize("given", ["", "two words", "a\tb", "é", "x" * 65, '"}'])
def test_other_ids_are_replaced(given: str) -> None:
    headers = {"x-request-id": given}
    first, second = (CLIENT.get("/healthz", headers=headers) for _ in range(2))
    made = first.headers["X-Request-ID"]
    assert len(made) == 32
    assert made != second.headers["X-Request-ID"]


def test_problems_have_the_id(database: str) -> None:
    response = CLIENT.get("/api/v1/products/nothing", headers={"x-request-id": "abc"})
    assert response.status_code == 404
    assert response.json()["request_id"] == "abc"


def record(message: str, **more: object) -> logging.LogRecord:
    made = logging.LogRecord("shop.test", logging.WARNING, "", 1, message, None, None)
    vars(made).update(more)
    return made


def test_lines() -> None:
    request = HttpRequest()
    request.request_id = "abc"  # type: ignore[attr-defined]
    try:
        raise RuntimeError("a mistake\x1b")
    except RuntimeError as error:
        info = type(error), error, error.__traceback__
    about = record("a line with \x1b\nand more", request=request, status_code=503, exc_info=info)
    line = JsonFormatter().format(about)
    assert "\n" not in line
    assert "\x1b" not in line
    found = json.loads(line)
    assert found.pop("time").endswith("+00:00")
    assert "RuntimeError: a mistake" in found.pop("exception")
    assert found == {
        "level": "warning",
        "logger": "shop.test",
        "message": "a line with \x1b\nand more",
        "request_id": "abc",
        "status": 503,
    }
    assert "request_id" not in json.loads(JsonFormatter().format(record("no request")))
    assert PlainFormatter().format(record("x", request=request)) == "x [abc]"
    assert PlainFormatter().format(record("x")) == "x"


def test_format_is_a_setting() -> None:
    code = "import django, logging; django.setup(); logging.getLogger('shop').warning('hello')"
    assert json.loads(run_python("-c", code, LOG_FORMAT="json").stderr)["message"] == "hello"
    assert run_python("-c", code).stderr == "hello\n"
    wrong = run_python("-c", code, LOG_FORMAT="xml").stderr
    assert "LOG_FORMAT must be text or json, not 'xml'" in wrong
