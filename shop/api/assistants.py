"""The API as tools for assistants, by the Model Context Protocol. Needs the extra `mcp`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from django.conf import settings
from django.db import close_old_connections
from django.http import QueryDict
from django.urls import reverse
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import BaseModel, Field

from shop.api import schemas
from shop.api.addresses import Addresses
from shop.api.catalogue import read_product
from shop.api.finding import read_and_find
from shop.api.parameters import ApiForm, SimilarForm
from shop.api.problems import Problem

INSTRUCTIONS = (
    "Finds products of a shop. Ask for what the shopper wants in the shopper's own words; say in"
    " the answer what `missing` and `notes` say, and link the products by their url."
)
READ_ONLY = ToolAnnotations(read_only_hint=True, open_world_hint=False)
MAX_VALUES = 12
"""The number of values that a response lists for each filter."""

Limit = Annotated[int, Field(ge=1, le=48, description="The number of products.")]
Cursor = Annotated[str, Field(description="`next_cursor` of the page before.")]
Sku = Annotated[str, Field(description="The SKU of a product.")]


class Found(BaseModel):
    """Products that were found, the best first."""

    total: int = Field(description="The number of products on all pages.")
    products: list[schemas.Hit]
    close: list[schemas.Hit] = Field(description="Products that lack a part of the query.")
    missing: str = Field(description="What no product is; empty if nothing lacks.")
    notes: list[str] = Field(description="What could not be done as asked.")
    filters: dict[str, list[str]] = Field(description="Filters, with frequent values.")
    next_cursor: str | None = Field(description="The cursor of the next page.")


def make_server(site: str) -> MCPServer[Any]:
    """The server; `site` is the address of the shop, such as "https://shop.example"."""
    server: MCPServer[Any] = MCPServer(settings.SHOP_NAME, instructions=INSTRUCTIONS)
    addresses = Addresses(site.rstrip("/"))

    @server.tool(annotations=READ_ONLY)
    def search_catalog(
        query: Annotated[
            str, Field(description='Words, such as "red sneakers for boys under 60, not canvas".')
        ],
        filters: Annotated[
            dict[str, list[str]] | None,
            Field(description="Values by filter; `filters` of a response lists them."),
        ] = None,
        min_price: float | None = None,
        max_price: float | None = None,
        in_stock: bool = False,
        sort: Literal["best", "price", "-price", "newest"] = "best",
        limit: Limit = 12,
        cursor: Cursor = "",
    ) -> Found:
        """Search the shop's products, in any of its languages. An empty query lists them."""
        parameters = _parameters(
            {
                "q": query,
                "min_price": min_price,
                "max_price": max_price,
                "in_stock": "true" if in_stock else None,
                "sort": None if sort == "best" else sort,
                "limit": limit,
                "cursor": cursor or None,
            },
            filters or {},
        )
        with _as_tool():
            response, _ = read_and_find(ApiForm, parameters, addresses, reverse("api:search"))
            return _found(response)

    @server.tool(annotations=READ_ONLY)
    def similar(sku: Sku, limit: Limit = 12, cursor: Cursor = "") -> Found:
        """Find products that look like one, or are described alike."""
        with _as_tool():
            parameters = _parameters({"limit": limit, "cursor": cursor or None}, {})
            path = reverse("api:similar", args=[sku])
            response, _ = read_and_find(SimilarForm, parameters, addresses, path, like=sku)
            return _found(response)

    @server.tool(annotations=READ_ONLY)
    def product(sku: Sku) -> schemas.Product:
        """Read all about one product: description, attributes, pictures, price, stock."""
        with _as_tool():
            return read_product(sku, addresses)

    return server


@contextmanager
def _as_tool() -> Iterator[None]:
    """Tell the assistant what is wrong with its call. Tools run in threads, so connections that
    were closed in between are dropped, as for a request."""
    close_old_connections()
    try:
        yield
    except Problem as error:
        details = [f"{parameter}: {detail}" for parameter, detail in error.errors]
        raise ToolError(" ".join([error.detail, *details])) from error
    finally:
        close_old_connections()


def _parameters(given: Mapping[str, object], filters: Mapping[str, list[str]]) -> QueryDict:
    """The parameters of an address; what is None is left out."""
    parameters = QueryDict(mutable=True)
    for name, values in filters.items():
        parameters.setlist(name, values)
    for name, value in given.items():
        if isinstance(value, float):
            parameters[name] = f"{value:.2f}"
        elif value is not None:
            parameters[name] = str(value)
    return parameters


def _found(response: schemas.SearchResponse) -> Found:
    lack = response.given_up
    return Found(
        total=response.total,
        products=response.hits,
        close=response.close,
        missing=f"{lack.missing} {lack.instead}".strip() if lack else "",
        notes=response.notes,
        filters={
            facet.parameter: [it.value for it in facet.values[:MAX_VALUES]]
            for facet in response.facets
        },
        next_cursor=response.next_cursor,
    )
