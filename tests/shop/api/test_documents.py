"""The OpenAPI document is valid, complete, and its examples work."""

from typing import Any
from urllib.parse import urlencode

import jsonschema_rs
import pytest

from shop.api.models import ApiToken, Scope
from shop.api.openapi import DESCRIPTIONS, FORMS
from tests.shop.api.conftest import ApiClient, bearer

pytestmark = pytest.mark.slow


@pytest.fixture
def document(api: ApiClient) -> Any:
    return api.get("/api/openapi.json").json()


def operations(document: Any) -> list[tuple[str, str, Any]]:
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_document_is_valid(document: Any) -> None:
    assert document["openapi"].startswith("3.1")
    found = {operation["operationId"] for _, _, operation in operations(document)}
    assert found == {
        *(
            "search",
            "searchWithPictures",
            "similar",
            "products",
            "product",
            "models",
            "coverage",
            "suggest",
        )
    }
    for name, schema in document["components"]["schemas"].items():
        jsonschema_rs.meta.validate(schema)
        assert schema.get("description"), name
    for path, _, operation in operations(document):
        names = [(it["in"], it["name"]) for it in operation["parameters"]]
        assert len(names) == len(set(names))
        assert all(it["required"] == (it["in"] == "path") for it in operation["parameters"])
        assert all(it["description"] for it in operation["parameters"]), path
        assert {"200", "401", "429", "500", "503"} <= set(operation["responses"])


def test_every_parameter_is_described() -> None:
    for form in FORMS.values():
        assert set(form.base_fields) <= set(DESCRIPTIONS)


def test_facets_are_parameters(document: Any, api: ApiClient) -> None:
    listed = {it["name"] for it in document["paths"]["/api/v1/search"]["get"]["parameters"]}
    assert {facet["parameter"] for facet in api.read("products")["facets"]} <= listed


def test_examples_work(document: Any, api: ApiClient, token: ApiToken) -> None:
    token.scopes = list(Scope)
    token.save()
    sku = api.skus("products?limit=1")[0]
    for path, method, operation in operations(document):
        if method != "get":
            continue
        given = [
            (
                it["name"],
                str(it["example"]).lower() if it["example"] in (True, False) else it["example"],
            )
            for it in operation["parameters"]
            if "example" in it
        ]
        address = path.replace("{sku}", sku)
        response = api.get(f"{address}?{urlencode(given)}", headers=bearer(token))
        assert response.status_code == 200, response.content
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        validator = jsonschema_rs.validator_for(schema | {"components": document["components"]})
        validator.validate(response.json())


def test_examples_of_responses_fit_their_schemas(document: Any) -> None:
    for schema in document["components"]["schemas"].values():
        for name, part in schema["properties"].items():
            whole = part | {"components": document["components"]}
            for example in part.get("examples", ()):
                assert jsonschema_rs.is_valid(whole, example), (schema["title"], name)


def test_the_docs_are_files_of_this_site(api: ApiClient) -> None:
    html = api.get("/api/docs").content.decode()
    assert "//" not in html.replace('"url": "/api', "").replace("<!doctype", "")
    assert "swagger-ui-bundle" in html
