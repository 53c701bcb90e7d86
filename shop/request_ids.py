"""The id of a request: in its response, in the lines that it logs, and in problem details.

A proxy can give it as `X-Request-ID`; otherwise it is random.
"""

import re
from collections.abc import Callable
from contextvars import ContextVar
from uuid import uuid4

from django.http import HttpRequest, HttpResponse

HEADER = "X-Request-ID"
WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}")

_current: ContextVar[str] = ContextVar("request_id", default="")


def identify_requests(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: give each request an id."""

    def middleware(request: HttpRequest) -> HttpResponse:
        given = request.headers.get(HEADER, "")
        known = given if WELL_FORMED.fullmatch(given) else uuid4().hex
        # Django logs failed requests after all middleware, together with the request.
        request.request_id = known  # type: ignore[attr-defined]
        token = _current.set(known)
        try:
            response = get_response(request)
        finally:
            _current.reset(token)
        response.headers[HEADER] = known
        return response

    return middleware


def current_request_id() -> str:
    """The id of the request that this thread answers; empty outside of one."""
    return _current.get()
