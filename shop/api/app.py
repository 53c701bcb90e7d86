"""The API itself: its operations, its documents, and how errors become responses."""

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI, Swagger
from ninja.openapi.schema import OpenAPISchema

from catalog.db.connection import connect
from catalog.search.facets import Facet, enabled_facets
from shop.api import catalogue, search, suggest
from shop.api.models import Scope
from shop.api.openapi import complete
from shop.api.problems import Problem, too_many_requests
from shop.api.tokens import requires
from shop.forms import model_choices
from shop.rates import TooManyRequests

VERSION = "1"
DESCRIPTION = """\
The shop's search for other programs: the same products in the same order as on its pages.

All parameters are checked. Errors are problem details (RFC 9457) with a fixed `code`. Requests with
a token (`Authorization: Bearer …`) and anonymous ones have limits; see the header `Retry-After` of
status 429. Responses have an `ETag`; send it as `If-None-Match` to get status 304 while nothing has
changed. Lists have pages: `next` is the address of the next one, and null on the last.
"""


class Api(NinjaAPI):
    """The API, with a document that lists the facets of the catalogue."""

    def get_openapi_schema(
        self,
        *,
        path_prefix: str | None = None,
        path_params: dict[str, Any] | None = None,
    ) -> OpenAPISchema:
        prefix = self.get_root_path(path_params or {}) if path_prefix is None else path_prefix
        with connect() as connection:
            facets = enabled_facets(connection)
        models = tuple(value for value, _ in model_choices())
        return _document(prefix, facets, models, settings.API_ANONYMOUS)


class Docs(Swagger):
    """Swagger UI from files of this site."""

    template = "api/docs.html"


api = Api(
    title=f"{settings.SHOP_NAME}: search",
    version=VERSION,
    description=DESCRIPTION,
    urls_namespace="api",
    auth=requires(Scope.SEARCH),
    # With "deepLinking", buttons contain links, which screen readers do not announce.
    docs=Docs({"layout": "BaseLayout", "deepLinking": False, "tryItOutEnabled": True}),
)
api.add_router("/v1", search.router, tags=["Search"])
api.add_router("/v1", suggest.router, tags=["Search"])
api.add_router("/v1", catalogue.router, tags=["Catalogue"])


@lru_cache(maxsize=8)
def _document(
    prefix: str, facets: tuple[Facet, ...], _models: tuple[str, ...], anonymous: bool
) -> OpenAPISchema:
    document = OpenAPISchema(api, prefix)
    complete(document, facets, anonymous=anonymous)
    return document


@api.exception_handler(Problem)
def _respond(request: HttpRequest, error: Problem) -> HttpResponse:
    return error.response()


@api.exception_handler(TooManyRequests)
def _slow_down(request: HttpRequest, error: TooManyRequests) -> HttpResponse:
    return too_many_requests(error).response()


@api.exception_handler(Exception)
def _raise(request: HttpRequest, error: Exception) -> HttpResponse:
    raise error  # for `shop.middleware`, as on a page
