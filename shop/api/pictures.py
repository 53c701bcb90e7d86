"""The pictures that a request searches with: uploaded files, and addresses to fetch from."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from embedding.image_decoding import ImageError
from shop.api.problems import Problem
from shop.api.tokens import Caller
from shop.errors import sentence
from shop.picture_fetching import FetchBusy, fetch_picture
from shop.picture_regions import name_to_search_with
from shop.query_pictures import load_query_picture, store_query_picture
from shop.rates import count_request
from shop.search_params import MAX_PICTURES


def store_pictures(
    files: "Sequence[UploadedFile[Any]]", urls: Sequence[str], caller: Caller
) -> tuple[str, ...]:
    """Store uploaded pictures and those at `urls`; returns the names that a page searches with.

    Without a token, they count as those of the page. A token has a rate of its own.

    Raises:
        Problem: there are too many pictures, or one cannot be used; it names the parameter.
        TooManyRequests: see `count_request`.
        DecoderBusy: see `store_query_picture`.
    """
    if len(files) + len(urls) > MAX_PICTURES:
        detail = f"A search can have at most {MAX_PICTURES} pictures."
        raise Problem(HTTPStatus.BAD_REQUEST, "too_many_pictures", detail)
    if caller.token is None:
        for _ in range(len(files) + len(urls)):
            count_request("UPLOAD_RATE", caller.client)
        for _ in urls:
            count_request("FETCH_RATE", caller.client)
    uploaded = [_store_upload(file, caller.client) for file in files]
    return (*uploaded, *(_store_fetched(url, caller.client) for url in urls))


def load_pictures(digests: Sequence[str]) -> tuple[bytes, ...]:
    """The contents of stored pictures.

    Raises:
        Problem: one has expired.
    """
    found = [load_query_picture(digest) for digest in digests]
    contents = tuple(content for content in found if content is not None)
    if len(contents) < len(found):
        detail = "A picture has expired. Send it again."
        raise Problem(HTTPStatus.NOT_FOUND, "picture_expired", detail, [("picture", detail)])
    return contents


def too_large() -> Problem:
    """The problem of an upload that is too large."""
    limit = settings.QUERY_PICTURE_MAX_BYTES / 2**20
    detail = f"A picture can have at most {limit:g} MB."
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", detail)


def _store_upload(file: "UploadedFile[Any]", client: str) -> str:
    if (file.size or 0) > settings.QUERY_PICTURE_MAX_BYTES:
        raise too_large()
    return _store(file.read(), client, "file")


def _store_fetched(url: str, client: str) -> str:
    try:
        content = fetch_picture(url, client)
    except FetchBusy as error:
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "busy", sentence(error)) from error
    except ImageError as error:
        raise _unusable("picture_url", str(error)) from error
    return _store(content, client, "picture_url")


def _store(content: bytes, client: str, parameter: str) -> str:
    try:
        return name_to_search_with(store_query_picture(content, client))
    except ImageError as error:
        raise _unusable(parameter, str(error)) from error


def _unusable(parameter: str, reason: str) -> Problem:
    detail = f"The picture cannot be used: {reason}."
    return Problem(HTTPStatus.BAD_REQUEST, "unusable_picture", detail, [(parameter, detail)])
