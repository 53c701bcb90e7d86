"""The operations that find products: searches, similar products, and lists."""

from http import HTTPStatus
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.multipartparser import MultiPartParserError
from django.utils.datastructures import MultiValueDict
from django.utils.encoding import escape_uri_path
from ninja import Router

from shop.api.addresses import addresses_of
from shop.api.finding import find, read, read_and_find
from shop.api.parameters import ApiForm, BrowseForm, PictureForm, SimilarForm
from shop.api.pictures import load_pictures, store_pictures, too_large
from shop.api.problems import Problem
from shop.api.responses import json_response
from shop.api.schemas import SearchResponse
from shop.api.tokens import caller_of
from shop.page_search import PageSearch
from shop.query_logging import log_search
from shop.recent_searches import may_be_recent
from shop.views import announces_too_much

router = Router()


@router.get("/search", response=SearchResponse, operation_id="search", summary="Search")
def search(request: HttpRequest) -> HttpResponse:
    """Search with words, stored pictures or a product, and filters; without a query, list all.

    The text is understood as on the shop's page: "red sneakers for boys under 60", "dress -blue",
    "heels that are not black".
    """
    return _read_and_answer(request, ApiForm)


@router.post(
    "/search",
    response=SearchResponse,
    operation_id="searchWithPictures",
    summary="Search with pictures",
)
def search_with_pictures(request: HttpRequest) -> HttpResponse:
    """Search with pictures that are uploaded, or fetched from an address, and all other parameters.

    The pictures are stored for a day. `query.pictures` of the response names them for
    `GET /search?picture=…`, which is also how the next page is read.
    """
    if request.content_type != "multipart/form-data":
        detail = "The body must be multipart/form-data."
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
    if announces_too_much(request):
        raise too_large()
    fields, files = _read_body(request)
    form = read(PictureForm, fields)
    if unknown := sorted(set(files) - {"file"}):
        raise _unknown_file(unknown[0])
    state = form.state
    load_pictures(state.pictures)
    for name in store_pictures(files.getlist("file"), form.urls, caller_of(request)):
        state = state.with_picture(name)
    if not state.pictures:
        detail = "There is no picture: send a file, or an address as picture_url."
        raise Problem(HTTPStatus.BAD_REQUEST, "no_picture", detail, [("file", detail)])
    path, recent = escape_uri_path(request.path), may_be_recent(request)
    found = find(form, state, addresses_of(request), path, may_be_recent=recent)
    return _answer(request, *found)


@router.get(
    "/similar/{sku:sku}",
    response=SearchResponse,
    operation_id="similar",
    summary="Find similar products",
)
def similar(request: HttpRequest, sku: str) -> HttpResponse:
    """Products that resemble the one with this SKU, by its pictures and its text."""
    return _read_and_answer(request, SimilarForm, like=sku)


@router.get("/products", response=SearchResponse, operation_id="products", summary="List products")
def products(request: HttpRequest) -> HttpResponse:
    """List products with filters: by default those in stock first, then the newest."""
    return _read_and_answer(request, BrowseForm)


def _read_body(request: HttpRequest) -> tuple[QueryDict, "MultiValueDict[str, UploadedFile[Any]]"]:
    try:
        return request.POST, request.FILES
    except MultiPartParserError as error:
        detail = "The body is not valid multipart/form-data."
        raise Problem(HTTPStatus.BAD_REQUEST, "bad_request", detail) from error


def _read_and_answer(request: HttpRequest, form: type[ApiForm], like: str = "") -> HttpResponse:
    """Parse the parameters, run the search, and respond with the page that the cursor names."""
    path, recent = escape_uri_path(request.path), may_be_recent(request)
    found = read_and_find(
        form, request.GET, addresses_of(request), path, like=like, may_be_recent=recent
    )
    return _answer(request, *found)


def _answer(request: HttpRequest, response: SearchResponse, searched: PageSearch) -> HttpResponse:
    log_search(request, searched.requested, searched.results, searched.in_use)
    timings = searched.results.timings
    if searched.outcome.is_recent:
        return json_response(request, response, {"Server-Timing": "recent"})
    durations = f"encode;dur={1000 * timings.encode:.1f}, sql;dur={1000 * timings.sql:.1f}"
    return json_response(request, response, {"Server-Timing": durations})


def _unknown_file(name: str) -> Problem:
    detail = "There is no such file field; pictures are sent as “file”."
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_parameter", detail, [(name, detail)])
