"""The Content-Security-Policy of every page (nothing from other hosts, nothing inline), and the
page that says how to set up a database without tables."""

from collections.abc import Callable
from http import HTTPStatus

import psycopg
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

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
