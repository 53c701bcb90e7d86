"""Completes the OpenAPI document: parameters from the forms, the facets of this catalogue, errors,
and tokens."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings

from catalog.search.facets import Facet
from shop.api import schemas
from shop.api.field_schemas import JsonSchema, json_schema
from shop.api.models import Scope
from shop.api.parameters import ApiForm, BrowseForm, PictureForm, SimilarForm, SuggestForm
from shop.api.problems import MEDIA_TYPE
from shop.forms import ValuesField
from shop.search_params import DEFAULT_LIMIT, MAX_PICTURES, parameter

Document = dict[str, Any]

FORMS: Mapping[str, type[ApiForm]] = {
    "search": ApiForm,
    "searchWithPictures": PictureForm,
    "similar": SimilarForm,
    "products": BrowseForm,
    "suggest": SuggestForm,
}
"""The form that parses the parameters of each operation."""

DESCRIPTIONS: Mapping[str, str] = {
    "q": "The text to search for; a word after `-` must not occur.",
    "picture": f"Stored pictures to search with, at most {MAX_PICTURES}: see `POST /search`.",
    "like": "The SKU of a product to find similar ones for, with or without a text.",
    "blend": "The weight of the pictures and the product against the text; 0.5 unless given.",
    "model": "The model that compares; the default one unless given.",
    "sort": "The order; the best match first unless given.",
    "min_match": "The minimum match of a hit, in percent.",
    "verbatim": "Search for the words as typed, without correcting their spelling.",
    "group_variants": "Show the variants of a product as one hit; true unless given.",
    "diversity": "0 orders by relevance alone, 1 by difference from the hits before.",
    "limit": f"The number of hits on a page; {DEFAULT_LIMIT} unless given.",
    "min_price": "The lowest price, such as 25 or 49.90.",
    "max_price": "The highest price.",
    "in_stock": "Only products in stock.",
    "cursor": "Where the page starts: `next_cursor` of the page before, with the same parameters.",
    "explain": "Say why each product was found.",
    "picture_url": "Addresses of pictures to fetch and search with.",
}
"""What each parameter means."""

EXAMPLES: Mapping[str, Any] = {"q": "red dress -blue", "limit": 12}
"""Examples that make sense together: Swagger UI fills them in."""

FILE = {
    "type": "array",
    "items": {"type": "string", "format": "binary"},
    "maxItems": MAX_PICTURES,
    "description": f"Pictures to search with, at most {MAX_PICTURES}, each of at most"
    f" {settings.QUERY_PICTURE_MAX_BYTES // 2**20} MB.",
}

ERRORS: Mapping[str, str] = {
    "400": "The search contradicts itself, or a cursor or picture cannot be used",
    "401": "A token is needed, or the given one is not valid",
    "403": "The token does not have the scope",
    "404": "There is no such product, or a picture has expired",
    "405": "The method is not supported",
    "413": "The pictures are too large",
    "415": "The body is not multipart/form-data",
    "422": "A parameter is not valid; `errors` says which",
    "429": "Too many requests; see the header Retry-After",
    "431": "The address and the headers are too long",
    "500": "An error of the server",
    "503": "Not available at the moment; see the header Retry-After",
}

NEVER: Mapping[str, tuple[str, ...]] = {
    "404": ("products", "models", "coverage", "suggest"),
    "413": ("search", "similar", "products", "product", "models", "coverage", "suggest"),
    "415": ("search", "similar", "products", "product", "models", "coverage", "suggest"),
    "422": ("product", "models", "coverage"),
    "400": ("product", "models", "coverage", "suggest"),
}
"""Operations that do not respond with an error."""


def complete(document: Document, facets: Iterable[Facet], *, anonymous: bool) -> Document:
    """Add to ninja's document what the operations do not declare. Changes `document`."""
    schemas_ = document["components"]["schemas"]
    schemas_.update(_problem_schemas())
    document["components"]["securitySchemes"] = {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "A token that an admin of the shop made.",
        }
    }
    for path in document["paths"].values():
        for operation in path.values():
            _complete_operation(operation, tuple(facets), anonymous)
    del document["servers"]
    return document


def _complete_operation(operation: Document, facets: tuple[Facet, ...], anonymous: bool) -> None:
    name = operation["operationId"]
    if form := FORMS.get(name):
        described = _parameters(form, facets)
        if form is PictureForm:
            operation["requestBody"] = _body(described)
        else:
            operation["parameters"] += [
                {"in": "query", "required": False, **it} for it in described
            ]
    for parameter_ in operation["parameters"]:
        if parameter_["in"] == "path":
            parameter_["description"] = "The SKU of a product."
    operation["responses"] = {
        **{str(status): it for status, it in operation["responses"].items()},
        **{
            status: {
                "description": description,
                "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }
            for status, description in ERRORS.items()
            if name not in NEVER.get(status, ())
        },
    }
    if form is not PictureForm:
        operation["responses"]["304"] = {"description": "The client has it already"}
    needs_token = name == Scope.COVERAGE.value
    operation["security"] = [{"token": []}]
    if anonymous and not needs_token:
        operation["security"].insert(0, {})


def _parameters(form: type[ApiForm], facets: tuple[Facet, ...]) -> list[Document]:
    """The parameters of a form, then those of the facets."""
    found = []
    for name, field in form.base_fields.items():
        described = _described(name, json_schema(field), DESCRIPTIONS[name])
        found.append(described | ({"example": EXAMPLES[name]} if name in EXAMPLES else {}))
    values = json_schema(ValuesField())
    for facet in facets if form.has_facets else ():
        description = f"Only products with one of these values of “{facet.label}”."
        found.append(_described(parameter(facet.name), values, description))
    return found


def _described(name: str, schema: JsonSchema, description: str) -> Document:
    return {"name": name, "schema": schema, "description": description}


def _body(described: Iterable[Document]) -> Document:
    properties = {
        it["name"]: it["schema"]
        | {"description": it["description"]}
        | ({"examples": [it["example"]]} if "example" in it else {})
        for it in described
    }
    properties["picture_url"] = properties["picture_url"] | {"maxItems": MAX_PICTURES}
    needed = [{"required": [name]} for name in ("file", "picture_url", "picture")]
    schema = {
        "type": "object",
        "properties": properties | {"file": FILE},
        "additionalProperties": False,
        "anyOf": needed,
    }
    return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}


def _problem_schemas() -> JsonSchema:
    template = "#/components/schemas/{model}"
    found = schemas.Problem.model_json_schema(ref_template=template, mode="serialization")
    return {**found.pop("$defs"), "Problem": found}
