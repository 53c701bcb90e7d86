"""The Content-Security-Policy of every page (nothing from other hosts, nothing inline), the maximum
size of a request's head, and the pages for errors that any view can raise."""

import logging
from collections.abc import Callable
from http import HTTPStatus

import psycopg
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from sqlalchemy.exc import TimeoutError as PoolTimeout

from catalog.db.connection import DatabaseError
from shop.errors import sentence
from shop.upload_decoder import DecoderBusy

RETRY_AFTER = 5
"""Seconds after which a request may be tried again, where the shop cannot answer for a while."""

AWAY = psycopg.OperationalError | psycopg.InterfaceError | PoolTimeout | DatabaseError
"""The database does not answer, or has no connection left."""

logger = logging.getLogger(__name__)

POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' blob: data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


def content_security_policy(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        # Django's own debugging pages are styled inline.
        if not (settings.DEBUG and response.status_code >= 400):
            response.headers.setdefault("Content-Security-Policy", POLICY)
        return response

    return middleware


class SetUpPage:
    """Shows which commands to run, instead of an error, when a view finds a table missing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        # Django and SQLAlchemy raise errors of their own from the driver's.
        if not isinstance(error.__cause__ or error, psycopg.errors.UndefinedTable):
            return None
        return render(request, "setup.html", status=HTTPStatus.SERVICE_UNAVAILABLE)


class ErrorPages:
    """Pages instead of errors, where a view finds the database away, uploads too many, or a product
    deleted while it looks at it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        cause = error.__cause__ or error
        if isinstance(cause, AWAY):
            logger.warning("the database does not answer: %s", " ".join(str(cause).split()))
            return _unavailable(request, "database")
        if isinstance(cause, DecoderBusy):
            return _unavailable(request, "uploads")
        if isinstance(cause, psycopg.errors.NoDataFound):
            context = {"message": sentence(cause.diag.message_primary or "")}
            return render(request, "404.html", context, status=HTTPStatus.NOT_FOUND)
        return None


def _unavailable(request: HttpRequest, reason: str) -> HttpResponse:
    status = HTTPStatus.SERVICE_UNAVAILABLE
    response = render(request, "503.html", {"reason": reason}, status=status)
    response.headers["Retry-After"] = str(RETRY_AFTER)
    response.headers["Cache-Control"] = "no-store"
    return response


def limit_request_head(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Refuse addresses and headers of more than `settings.MAX_REQUEST_HEAD` bytes together."""

    def middleware(request: HttpRequest) -> HttpResponse:
        address = request.META["PATH_INFO"], request.META.get("QUERY_STRING", "")
        headers = (name + value for name, value in request.headers.items())
        if sum(map(len, [*address, *headers])) <= settings.MAX_REQUEST_HEAD:
            return get_response(request)
        status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        return render(request, "431.html", status=status)

    return middleware
