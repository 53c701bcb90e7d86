"""Finds the products of one page, for the API's operations and for the tools of assistants."""

from dataclasses import replace
from http import HTTPStatus
from typing import TypeVar

from django.http import QueryDict

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
from shop.given_up import given_up
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
    requested = replace(state, page=page_of(form.cursor_text, state))
    images = load_pictures(state.pictures)
    with connect_to_read() as connection:
        searched = run_page_search(connection, requested, images, may_be_recent=may_be_recent)
        results = searched.results
        lack = None
        if not searched.outcome.note:
            currency = currency_of(connection, results)
            lack = given_up(connection, results, bool(searched.state.filters), currency)
    if searched.outcome.note:
        raise _failed(searched)
    following = _following(form, requested, results)
    response = search_response(
        searched,
        lack,
        addresses,
        explains=form.explains,
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
