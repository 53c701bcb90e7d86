"""What a response of the API contains, and how its pages continue."""

from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client, override_settings
from django.urls import reverse

from catalog.db.connection import connect
from catalog.search.facets import enabled_facets
from shop.api.addresses import Addresses
from shop.search_params import parameter
from tests.conftest import DRAWN
from tests.shop.api.conftest import ApiClient

pytestmark = pytest.mark.slow


def test_hits_have_addresses_that_work(api: ApiClient) -> None:
    hit = api.read("search?q=red dress")["hits"][0]
    for address in (hit["url"], *(hit["picture"][size] for size in ("small", "medium", "large"))):
        assert address.startswith("http://localhost/")
        assert api.get(urlsplit(address).path).status_code == 200


@pytest.mark.parametrize("sku", ["A1", "a/b", "..", "50% off", "ä ü?#&=", "a+b;c\\d", "x:y@z"])
def test_addresses_are_those_of_the_pages(sku: str) -> None:
    path = Addresses("http://localhost").product(sku)
    assert path == f"http://localhost{reverse('product', args=[sku])}"


def test_the_response_says_what_was_understood(api: ApiClient) -> None:
    found = api.read("search?q=red sneakers for women under 200")
    parts = {part["kind"]: part for part in found["understood"]}
    assert set(parts) == {"colour", "type", "person", "price"}
    assert parts["colour"] | {"value": "Red", "start": 0, "stop": 3} == parts["colour"]
    assert (parts["price"]["low"], parts["price"]["high"]) == (None, 200)
    assert found["given_up"]["kinds"] == ["person"]
    assert found["given_up"]["missing"].startswith("No red sneakers for women under €200")
    assert all(hit["price"] <= 200 for hit in found["hits"])


def test_unwanted_words_and_corrections(api: ApiClient) -> None:
    found = api.read("search?q=drses -blue")
    assert found["query"]["corrected"] == "dress -blue"
    assert [part["value"] for part in found["understood"] if not part["wanted"]] == ["Blue"]
    assert "Blue" not in {hit["colour"] for hit in found["hits"]}
    assert api.read("search?q=drses&verbatim=true")["query"]["corrected"] is None


def test_explanations_are_optional(api: ApiClient) -> None:
    plain, explained = api.read("search?q=red dress"), api.read("search?q=red dress&explain=true")
    assert plain["hits"][0]["signals"] is None
    signals = {it["name"]: it for it in explained["hits"][0]["signals"]}
    assert set(signals) == {"text", "image", "lexical", "structure"}
    assert signals["text"]["model"] == "fashion"
    assert explained["hits"][0]["fulfilled"]["type"] == 1
    assert set(explained["hits"][0]["fulfilled"]) == {"type", "colour"}
    assert [hit["sku"] for hit in plain["hits"]] == [hit["sku"] for hit in explained["hits"]]


def test_facets_count_and_filter(api: ApiClient) -> None:
    found = api.read("products")
    assert found["total"] == DRAWN
    with connect() as connection:
        names = {facet.name for facet in enabled_facets(connection)}
    assert {facet["name"] for facet in found["facets"]} <= names
    for facet in found["facets"][:6]:
        value = facet["values"][0]
        narrowed = api.read(f"products?{facet['parameter']}={value['value']}")
        assert narrowed["total"] == value["count"]
        chosen = next(it for it in narrowed["facets"] if it["name"] == facet["name"])
        assert [it["value"] for it in chosen["values"] if it["chosen"]] == [value["value"]]


def test_a_text_without_words_is_said(api: ApiClient) -> None:
    found = api.read("search?q=show me the best")
    note = "“show me the best” has no words to search for, so all products are shown."
    assert (found["total"], found["notes"]) == (DRAWN, [note])
    assert api.read("search?q=under 40")["notes"] == []


def test_a_value_that_no_product_has_is_said(api: ApiClient) -> None:
    found = api.read("products?colour=Rde")
    assert found["notes"] == ["No product has “Rde”, so this filter was ignored."]


@pytest.mark.parametrize(
    "path",
    [
        "products?limit=10&sort=price",
        "search?q=shoes&limit=7&min_match=0",
        "search?q=drses&limit=7&verbatim=true&min_match=0&explain=true",
    ],
)
def test_pages_follow_each_other_to_the_end(api: ApiClient, path: str) -> None:
    first = page = api.read(path)
    seen = [hit["sku"] for hit in page["hits"]]
    while page["next"]:
        assert page["next_cursor"] in page["next"]
        address = urlsplit(page["next"])
        response = api.get(f"{address.path}?{address.query}")
        assert response.status_code == 200, response.content
        page = response.json()
        assert page["hits"]
        assert page["hits"][0]["signals"] is None or "explain=true" in path
        seen += [hit["sku"] for hit in page["hits"]]
    assert page["next_cursor"] is None
    assert len(seen) == len(set(seen)) == first["total"] > 10


def test_pages_of_similar_products(api: ApiClient) -> None:
    sku = api.skus("products?limit=1")[0]
    found = api.read(f"similar/{sku}?limit=5&min_match=0")
    assert sku not in [hit["sku"] for hit in found["hits"]]
    assert [hit["sku"] for hit in found["hits"]] == api.skus(
        f"search?like={sku}&limit=5&min_match=0"
    )
    following = api.get(found["next"].removeprefix("http://localhost")).json()
    assert following["hits"][0]["sku"] not in [hit["sku"] for hit in found["hits"]]


def test_a_cursor_belongs_to_its_search(api: ApiClient) -> None:
    cursor = api.read("products?limit=10")["next_cursor"]
    assert cursor == api.read("products?limit=10")["next_cursor"]
    for path in (f"products?limit=11&cursor={cursor}", f"search?q=red&cursor={cursor}"):
        problem = api.read(path, status=400)
        assert problem["code"] == "invalid_cursor"
        assert problem["errors"][0]["parameter"] == "cursor"
    for forged in ("x", cursor[:-1], cursor + "x", "a:b"):
        assert api.read(f"products?limit=10&cursor={forged}", status=400)


def test_what_a_client_has_is_not_sent_again(api: ApiClient) -> None:
    first = api.get("/api/v1/search?q=red dress")
    etag = first.headers["ETag"]
    again = api.get("/api/v1/search?q=red dress", headers={"if-none-match": etag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    other = api.get("/api/v1/search?q=blue dress", headers={"if-none-match": etag})
    assert other.status_code == 200
    assert other.headers["ETag"] != etag
    assert "sql;dur=" in first.headers["Server-Timing"]


def test_head_is_as_get(api: ApiClient) -> None:
    response = api.head("/api/v1/products?limit=3")
    assert response.status_code == 200
    assert response.headers["ETag"] == api.get("/api/v1/products?limit=3").headers["ETag"]


def test_search_is_logged_as_on_the_page(api: ApiClient) -> None:
    def times() -> int:
        with connect() as connection:
            found = connection.exec_driver_sql("SELECT sum(searches) FROM search.popular_queries")
            return int(found.scalar_one() or 0)

    before = times()
    api.read("search?q=linen trousers")
    api.read("search?q=linen trousers&in_stock=true")  # the same shopper filters
    assert times() == before + 1


def test_one_product(api: ApiClient) -> None:
    hit = api.read("products?limit=1")["hits"][0]
    product = api.read(f"products/{hit['sku']}")
    assert {name: product[name] for name in ("sku", "title", "price", "url")} == {
        name: hit[name] for name in ("sku", "title", "price", "url")
    }
    assert product["pictures"][0]["width"] > 0
    for path in ("products/nothing", "similar/nothing", "search?like=nothing"):
        problem = api.read(path, status=404)
        assert (problem["code"], problem["status"]) == ("unknown_product", 404)


def test_models(api: ApiClient) -> None:
    found = api.read("models")["models"]
    assert [(it["name"], it["default"]) for it in found] == [("fashion", True), ("imagenet", False)]
    assert api.read("search?q=dress&model=fashion")["hits"]


def test_facets_with_names_of_parameters_have_a_prefix() -> None:
    for name in ("cursor", "explain", "picture_url", "file", "limit"):
        assert parameter(name) == f"facet_{name}"


def picture_of(folder: Path) -> bytes:
    return sorted((folder / "images").iterdir())[0].read_bytes()


def test_upload_with_words_and_filters(api: ApiClient, demo_folder: Path) -> None:
    def send(**fields: Any) -> Any:
        content = {"file": BytesIO(picture_of(demo_folder)), **fields}
        response = api.post("/api/v1/search", content)
        assert response.status_code == 200, response.content
        return response.json()

    found = send(limit="5", min_match="0")
    assert found["hits"][0]["match"] > 90
    following = api.get(found["next"].removeprefix("http://localhost")).json()
    assert following["query"]["pictures"] == found["query"]["pictures"]
    narrowed = send(q="red", blend="0.7", in_stock="true", colour=["Red", "Blue"])
    assert {hit["colour"] for hit in narrowed["hits"]} <= {"Red", "Blue"}


def test_uploads_that_cannot_be_used(api: ApiClient, demo_folder: Path) -> None:
    def refused(status: int, code: str, **fields: Any) -> Any:
        response = api.post("/api/v1/search", fields)
        assert response.status_code == status, response.content
        assert response.json()["code"] == code
        return response.json()

    junk = refused(400, "unusable_picture", file=BytesIO(b"no picture"))
    assert junk["errors"][0]["parameter"] == "file"
    refused(400, "no_picture", q="red")
    refused(422, "invalid_parameter", q="red", other=BytesIO(b"x"))
    refused(404, "picture_expired", picture="0a" * 32)
    refused(400, "too_many_pictures", file=[BytesIO(picture_of(demo_folder)) for _ in range(5)])
    with override_settings(QUERY_PICTURE_MAX_BYTES=1000):
        refused(413, "too_large", file=BytesIO(b"x" * 1001))
        refused(413, "too_large", file=BytesIO(b"x" * 100_000))
    plain = api.post("/api/v1/search", {"q": "x"}, content_type="application/json")
    assert (plain.status_code, plain.json()["code"]) == (415, "unsupported_media_type")
    broken = Client(headers={"host": "localhost"}).post(
        "/api/v1/search", b"x", content_type="multipart/form-data"
    )
    assert (broken.status_code, broken.json()["code"]) == (400, "bad_request")
