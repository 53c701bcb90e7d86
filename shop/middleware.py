"""Middleware: security headers, the maximum size of a request's head, and error pages.

The Content-Security-Policy allows nothing from other hosts, and nothing inline without a nonce.
"""

import logging
from collections.abc import Callable
from http import HTTPStatus
from secrets import token_urlsafe

import psycopg
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import SimpleLazyObject, empty
from sqlalchemy.exc import TimeoutError as PoolTimeout

from catalog.db.connection import DatabaseError
from catalog.db.watchdog import watchdog
from embedding.errors import UserFacingError
from shop.errors import sentence
from shop.load_shedding import is_too_late
from shop.picture_quota import FolderBusy
from shop.rates import TooManyRequests
from shop.thumbnails import ThumbnailsBusy
from shop.upload_decoder import DecoderBusy

RETRY_AFTER = 5
"""The `Retry-After` of a response with status 503, in seconds."""

UNAVAILABLE = (
    psycopg.OperationalError
    | psycopg.InterfaceError
    | psycopg.errors.ReadOnlySqlTransaction
    | PoolTimeout
    | DatabaseError
)
"""The database does not answer, has no free connection, or is a replica where it must not be."""

logger = logging.getLogger(__name__)

POLICY = {
    "default-src": "'self'",
    "img-src": "'self' blob: data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
"""The Content-Security-Policy of a page without a nonce and reports."""

REPORTS = "csp"
"""The name of the endpoint that browsers report violations to."""

PERMISSIONS = ", ".join(
    f"{feature}=()"
    for feature in ("camera", "microphone", "geolocation", "payment", "usb", "browsing-topics")
)
"""Features of browsers that the shop does not use. Taking a photo to search with needs none."""


def security_headers(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Add the headers that Django does not, and to every status 503 when to ask again.

    A template that uses `request.csp_nonce` may have inline scripts and styles with this nonce.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        nonce = SimpleLazyObject(lambda: token_urlsafe(16))
        request.csp_nonce = nonce  # type: ignore[attr-defined]
        response = get_response(request)
        # Django's debug pages have inline styles.
        if not (settings.DEBUG and response.status_code >= 400):
            is_used = nonce._wrapped is not empty
            policy = _policy(str(nonce) if is_used else "")
            response.headers.setdefault("Content-Security-Policy", policy)
            if settings.CSP_REPORT_URI:
                endpoint = f'{REPORTS}="{settings.CSP_REPORT_URI}"'
                response.headers.setdefault("Reporting-Endpoints", endpoint)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            response.headers.setdefault("Retry-After", str(RETRY_AFTER))
        return response

    return middleware


def _policy(nonce: str) -> str:
    policy = dict(POLICY)
    if nonce:
        policy["script-src"] = policy["style-src"] = f"'self' 'nonce-{nonce}'"
    if settings.CSP_REPORT_URI:
        policy["report-uri"] = settings.CSP_REPORT_URI  # of browsers without report-to
        policy["report-to"] = REPORTS
    return "; ".join(f"{name} {value}" for name, value in policy.items())


MISSING = (
    psycopg.errors.UndefinedTable
    | psycopg.errors.UndefinedFunction
    | psycopg.errors.InvalidSchemaName
)
"""The database is empty, or of another version."""


class SetUpPage:
    """Shows the commands to run instead of an error if a table or a SQL function is missing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        # Django and SQLAlchemy wrap the driver's errors.
        cause = error.__cause__ or error
        if not isinstance(cause, MISSING):
            return None
        logger.warning(
            "run ./manage.py migrate: %s",
            " ".join(str(cause).split()),
            extra={"status_code": HTTPStatus.SERVICE_UNAVAILABLE},
        )
        status = HTTPStatus.SERVICE_UNAVAILABLE
        return _not_kept(render(request, "setup.html", status=status))


class ErrorPages:
    """Shows a page instead of an error if the database is unreachable, too many pictures are being
    uploaded or made smaller, the client sends too many requests, a product was deleted during the
    request, or the installation has a problem. The problem itself is only logged."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        cause = error.__cause__ or error
        if isinstance(cause, UNAVAILABLE):
            logger.warning(
                "the database does not answer: %s",
                " ".join(str(cause).split()),
                extra={"status_code": HTTPStatus.SERVICE_UNAVAILABLE},
            )
            return _unavailable(request, "database")
        if isinstance(error, TooManyRequests):
            return _slow_down(request, error)
        if isinstance(cause, DecoderBusy | FolderBusy):
            return _unavailable(request, "uploads")
        if isinstance(error, ThumbnailsBusy):
            return _unavailable(request, "load")
        if isinstance(cause, psycopg.errors.NoDataFound):
            context = {"message": sentence(cause.diag.message_primary or "")}
            return render(request, "404.html", context, status=HTTPStatus.NOT_FOUND)
        if isinstance(error, UserFacingError):
            logger.error("%s: %s", request.path, error)
            return _unavailable(request, "installation")
        return None


def _unavailable(request: HttpRequest, reason: str) -> HttpResponse:
    status = HTTPStatus.SERVICE_UNAVAILABLE
    return _not_kept(render(request, "503.html", {"reason": reason}, status=status))


def _not_kept(response: HttpResponse) -> HttpResponse:
    """A response with status 503 that no cache keeps."""
    response.headers["Cache-Control"] = "no-store"
    return response


def _slow_down(request: HttpRequest, error: TooManyRequests) -> HttpResponse:
    context = {"seconds": error.retry_after}
    response = render(request, "429.html", context, status=HTTPStatus.TOO_MANY_REQUESTS)
    response.headers["Retry-After"] = str(error.retry_after)
    response.headers["Cache-Control"] = "no-store"
    return response


def shed_load(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Turn away requests that have waited too long; see `shop.load_shedding`."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return _unavailable(request, "load") if is_too_late(request) else get_response(request)

    return middleware


def watch_database(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Answer at once while the database is frozen, and free the requests that wait for it."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if watchdog.is_away:
            return _unavailable(request, "database")
        with watchdog.watch():
            return get_response(request)

    return middleware


def limit_request_head(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Reject requests whose address and headers exceed `settings.MAX_REQUEST_HEAD` bytes."""

    def middleware(request: HttpRequest) -> HttpResponse:
        address = request.META["PATH_INFO"], request.META.get("QUERY_STRING", "")
        headers = (name + value for name, value in request.headers.items())
        if sum(map(len, [*address, *headers])) <= settings.MAX_REQUEST_HEAD:
            return get_response(request)
        status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        return render(request, "431.html", status=status)

    return middleware
