"""Every error under /api/ is problem details (RFC 9457) and names what is wrong."""

from typing import Any

import psycopg
import pytest
from django.test import Client
from sqlalchemy.exc import OperationalError

from shop.api import finding
from tests.shop.api.conftest import ApiClient

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("query", "parameter", "says"),
    [
        ("min_match=101", "min_match", "a whole number from 0 to 100"),
        ("min_match=", "min_match", "Must not be empty"),
        ("blend=nan", "blend", "a number from 0 to 1"),
        ("sort=cheap", "sort", "one of price, -price, newest"),
        ("limit=97", "limit", "a whole number from 1 to 96"),
        ("limit=5&limit=6", "limit", "only once"),
        ("model=nope", "model", "one of fashion, imagenet, fashion+imagenet"),
        ("in_stock=yes", "in_stock", "true or false"),
        ("explain=2", "explain", "true or false"),
        ("min_price=1.234", "min_price", "a price such as"),
        ("colur=red", "colur", "no such parameter, and no such facet"),
        ("page=2", "page", "no such parameter"),
        ("picture=../../x", "picture", "at most 4 values"),
        ("colour=" + "x" * 10_000, "colour", "Invalid value"),
        ("&".join(["colour=x"] * 21), "colour", "at most 20"),
        ("q=" + "x" * 501, "q", "at most 500 characters"),
        ("like=a%00b", "like", "none of them a NUL"),
    ],
)
def test_invalid_parameter_is_named(api: ApiClient, query: str, parameter: str, says: str) -> None:
    problem = api.read(f"search?{query}", status=422)
    assert problem["code"] == "invalid_parameter"
    (error,) = problem["errors"]
    assert error["parameter"] == parameter
    assert says in error["detail"]


def test_all_invalid_parameters_are_named(api: ApiClient) -> None:
    problem = api.read("search?limit=0&blend=2&nope=1", status=422)
    assert {it["parameter"] for it in problem["errors"]} == {"limit", "blend", "nope"}


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("search?min_price=50&max_price=20", ["min_price", "max_price"]),
        ("search?q=red dress&model=imagenet", ["model", "q"]),
    ],
)
def test_contradictions(api: ApiClient, path: str, parameters: list[str]) -> None:
    problem = api.read(path, status=400)
    assert problem["code"] == "contradiction"
    assert [it["parameter"] for it in problem["errors"]] == parameters


@pytest.mark.parametrize("path", ["similar/x?q=red", "products?min_match=3", "products?like=x"])
def test_operations_refuse_what_they_do_not_have(api: ApiClient, path: str) -> None:
    assert api.read(path, status=422)["code"] == "invalid_parameter"


def test_unknown_addresses_and_methods(api: ApiClient) -> None:
    assert api.read("nothing", status=404)["title"] == "Not Found"
    response = api.delete("/api/v1/products")
    assert (response.status_code, response.headers["Allow"]) == (405, "GET")
    assert response.json()["code"] == "method_not_allowed"
    foreign = Client(headers={"host": "evil.example"}).get("/api/v1/products")
    assert (foreign.status_code, foreign.json()["status"]) == (400, 400)
    long = api.get("/api/v1/products?colour=" + "x" * 20_000)
    assert (long.status_code, long.json()["status"]) == (431, 431)
    assert api.get("/nothing").headers["Content-Type"].startswith("text/html")


def test_errors_of_the_server_tell_nothing(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr(finding, "run_page_search", fail)
    api.raise_request_exception = False
    response = api.get("/api/v1/products")
    assert response.status_code == 500
    assert response.json()["code"] == "internal_server_error"
    assert "hunter2" not in response.content.decode()


def test_a_database_that_does_not_answer(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        cause = psycopg.OperationalError("no route to 10.1.2.3")
        raise OperationalError("SELECT", {}, cause) from cause

    monkeypatch.setattr(finding, "run_page_search", fail)
    response = api.get("/api/v1/products")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert response.json()["code"] == "service_unavailable"
    assert "10.1.2.3" not in response.content.decode()
