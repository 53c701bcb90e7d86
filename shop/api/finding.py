"""Finds the products of one page, for the API's operations and for the tools of assistants."""

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TypeVar

from django.http import QueryDict
from sqlalchemy import Connection

from catalog.active_models import models_in_use
from catalog.db.replica import connect_to_read, reads_replica
from catalog.search.facets import enabled_facets
from catalog.search.results import Results
from shop.api.addresses import Addresses
from shop.api.answers import search_response
from shop.api.paging import cursor_of, page_of
from shop.api.parameters import ApiForm, SimilarForm
from shop.api.pictures import load_pictures
from shop.api.problems import Problem
from shop.api.schemas import SearchResponse
from shop.given_up import GivenUp, given_up
from shop.page_search import PageSearch, currency_of, run_page_search
from shop.search_params import SearchParams

Form = TypeVar("Form", bound=ApiForm)


@reads_replica
def read(form: type[Form], parameters: QueryDict) -> Form:
    """Parse parameters with the facets of the catalogue.

    Raises:
        Problem: see `ApiForm.read`.
    """
    with connect_to_read() as connection:
        facets = enabled_facets(connection)
    return form.read(parameters, facets)


@reads_replica
def find(
    form: ApiForm,
    state: SearchParams,
    addresses: Addresses,
    path: str,
    *,
    may_be_recent: bool = False,
) -> tuple[SearchResponse, PageSearch]:
    """The page of `state` that the cursor of `form` names; `path` leads to the next pages. For
    `may_be_recent` see `try_search`.

    Raises:
        Problem: the cursor is not one of this search, a picture has expired, or the search failed.
    """
    with connect_to_read() as connection:
        found = _search(connection, form, state, may_be_recent=may_be_recent)
    return _response(found, addresses, path)


@reads_replica
def read_and_find(
    form: type[ApiForm],
    parameters: QueryDict,
    addresses: Addresses,
    path: str,
    *,
    like: str = "",
    may_be_recent: bool = False,
) -> tuple[SearchResponse, PageSearch]:
    """`read` and `find` on one connection.

    Args:
        like: the SKU of the product to resemble, instead of that of the parameters.

    Raises:
        Problem: see there.
    """
    with connect_to_read() as connection:
        in_use = models_in_use(connection)  # first: schema changes make searches wait here
        asked = form.read(parameters, enabled_facets(connection))
        state = replace(asked.state, like=like or asked.state.like)
        found = _search(connection, asked, state, in_use, may_be_recent=may_be_recent)
    return _response(found, addresses, path)


@dataclass(frozen=True, slots=True)
class _Found:
    """What a response is made from."""

    form: ApiForm
    searched: PageSearch
    lack: GivenUp | None


def _search(
    connection: Connection,
    form: ApiForm,
    state: SearchParams,
    in_use: list[str] | None = None,
    *,
    may_be_recent: bool,
) -> _Found:
    requested = replace(state, page=page_of(form.cursor_text, state))
    images = load_pictures(state.pictures)
    searched = run_page_search(
        connection, requested, images, may_be_recent=may_be_recent, in_use=in_use
    )
    results = searched.results
    lack = None
    if not searched.outcome.note:
        currency = currency_of(connection, results)
        lack = given_up(connection, results, bool(searched.state.filters), currency)
    return _Found(form, searched, lack)


def _response(found: _Found, addresses: Addresses, path: str) -> tuple[SearchResponse, PageSearch]:
    searched = found.searched
    if searched.outcome.note:
        raise _failed(searched)
    following = _following(found.form, searched.requested, searched.results)
    response = search_response(
        searched,
        found.lack,
        addresses,
        explains=found.form.explains,
        following=following and (following[0], addresses.absolute(f"{path}?{following[1]}")),
    )
    return response, searched


def _failed(searched: PageSearch) -> Problem:
    status = searched.outcome.status
    code = {
        HTTPStatus.NOT_FOUND: "unknown_product",
        HTTPStatus.SERVICE_UNAVAILABLE: "model_unavailable",
    }.get(status, "search_failed")
    return Problem(status, code, searched.outcome.note)


def _following(form: ApiForm, state: SearchParams, results: Results) -> tuple[str, str] | None:
    """The cursor and the query string of the next page; None on the last one."""
    seen = state.page * state.limit
    if not (results.total > seen or (results.truncated and results.total == seen)):
        return None
    cursor = cursor_of(state, state.page + 1)
    parameters = QueryDict(mutable=True)
    in_path = isinstance(form, SimilarForm)  # the SKU of `like`
    parameters.update(QueryDict(state.changed(page=1, like="" if in_path else state.like).query()))
    parameters["cursor"] = cursor
    if state.verbatim:  # a page's address repeats the words
        parameters["verbatim"] = "true"
    if form.explains:
        parameters["explain"] = "true"
    return cursor, parameters.urlencode()
