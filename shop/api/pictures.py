"""The pictures that a request searches with: uploaded files, and addresses to fetch from."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from threading import BoundedSemaphore
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from catalog.media.fetching.http_client import DeadLink, Limits, TransientError
from catalog.media.fetching.safe_urls import AddressError, parse_address
from catalog.media.fetching.single import fetch_picture
from embedding.image_decoding import ImageError
from shop.api.problems import Problem
from shop.query_pictures import load_query_picture, store_query_picture
from shop.search_params import MAX_PICTURES

FETCHES = 2
"""The number of pictures that are fetched at the same time; the others are refused, since every
fetch keeps a thread of the server."""

FETCH_SECONDS, IDLE_SECONDS = 8.0, 4.0
"""The maximum time of one fetch, and of its silence."""

_free = BoundedSemaphore(FETCHES)


def store_pictures(files: "Sequence[UploadedFile[Any]]", urls: Sequence[str]) -> tuple[str, ...]:
    """Store uploaded pictures and those at `urls`; returns their digests.

    Raises:
        Problem: there are too many pictures, or one cannot be used; it names the parameter.
        DecoderBusy: see `store_query_picture`.
    """
    if len(files) + len(urls) > MAX_PICTURES:
        detail = f"A search can have at most {MAX_PICTURES} pictures."
        raise Problem(HTTPStatus.BAD_REQUEST, "too_many_pictures", detail)
    return (*map(_store_upload, files), *map(_store_fetched, urls))


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


def _store_upload(file: "UploadedFile[Any]") -> str:
    if (file.size or 0) > settings.QUERY_PICTURE_MAX_BYTES:
        raise too_large()
    return _store(file.read(), "file")


def _store_fetched(url: str) -> str:
    limits = Limits(FETCH_SECONDS, IDLE_SECONDS, settings.QUERY_PICTURE_MAX_BYTES)
    try:
        address = parse_address(url)
    except AddressError as error:
        raise _unusable("picture_url", f"it is {error}") from error
    try:
        with _one_of_few():
            content = fetch_picture(address, limits)
    except AddressError as error:  # whose message may contain addresses of the network in here
        raise _unusable("picture_url", "its host is unknown or not public") from error
    except (DeadLink, TransientError) as error:
        raise _unusable("picture_url", str(error)) from error
    return _store(content, "picture_url")


@contextmanager
def _one_of_few() -> Iterator[None]:
    if not _free.acquire(blocking=False):
        raise Problem(
            HTTPStatus.SERVICE_UNAVAILABLE, "busy", "Too many pictures are being fetched."
        )
    try:
        yield
    finally:
        _free.release()


def _store(content: bytes, parameter: str) -> str:
    try:
        return store_query_picture(content)
    except ImageError as error:
        raise _unusable(parameter, str(error)) from error


def _unusable(parameter: str, reason: str) -> Problem:
    detail = f"The picture cannot be used: {reason}."
    return Problem(HTTPStatus.BAD_REQUEST, "unusable_picture", detail, [(parameter, detail)])
