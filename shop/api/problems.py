"""Errors of the API as problem details (RFC 9457, `application/problem+json`)."""

import json
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from shop.middleware import RETRY_AFTER
from shop.rates import TooManyRequests
from shop.request_ids import current_request_id

MEDIA_TYPE = "application/problem+json"
PREFIX = "/api/"
"""All errors of addresses that start like this are problem details."""

DETAILS = {
    400: "The server cannot read this request.",
    404: "There is nothing at this address. The API is described at /api/docs.",
    405: "This address does not support the method; see the header Allow.",
    413: "The body of the request is too large.",
    431: "The address and the headers of the request are too long.",
    500: "An error of the server, which has been logged.",
    503: "Not available at the moment. Try again after the seconds in the header Retry-After.",
}
"""What to say about an error that no code of the API raised, by its status."""


class Problem(Exception):
    """An error to answer a request with.

    `code` is a fixed word for programs and `detail` a sentence for people. `errors` has a parameter
    and a sentence for each parameter that is wrong.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            self.headers.setdefault("Retry-After", str(RETRY_AFTER))

    def response(self) -> HttpResponse:
        """The response that describes the problem."""
        content: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": int(self.status),
            "code": self.code,
            "detail": self.detail,
        }
        if request_id := current_request_id():
            content["request_id"] = request_id
        if self.errors:
            content["errors"] = [
                {"parameter": parameter, "detail": detail} for parameter, detail in self.errors
            ]
        headers = {"Cache-Control": "no-store"} | self.headers
        return HttpResponse(
            json.dumps(content, ensure_ascii=False),
            content_type=MEDIA_TYPE,
            status=self.status,
            headers=headers,
        )


def invalid_parameters(errors: Sequence[tuple[str, str]]) -> Problem:
    """The problem of values that a parameter does not accept."""
    names = ", ".join(dict.fromkeys(parameter for parameter, _ in errors))
    detail = f"Invalid parameters: {names}."
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_parameter", detail, errors)


def api_responses(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: turn every error page under `PREFIX` into problem details, and answer HEAD as
    GET; `shop.head_responses` removes the body."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(PREFIX):
            return get_response(request)
        if request.method == "HEAD":
            request.method = "GET"
        response = get_response(request)
        is_problem = response.headers.get("Content-Type", "").startswith(MEDIA_TYPE)
        if response.status_code < 400 or is_problem or settings.DEBUG:
            return response
        kept = ("Allow", "Retry-After")
        headers = {name: response.headers[name] for name in kept if name in response.headers}
        return general_problem(response.status_code, headers).response()

    return middleware


def too_many_requests(error: TooManyRequests) -> Problem:
    """The problem of a client that sends more than its rate allows."""
    headers = {"Retry-After": str(error.retry_after)}
    return general_problem(HTTPStatus.TOO_MANY_REQUESTS, headers, str(error))


def general_problem(
    status: int, headers: Mapping[str, str] | None = None, detail: str = ""
) -> Problem:
    """The problem of an error without a code of its own; without a detail, the usual one."""
    known = HTTPStatus(status)
    code = known.phrase.lower().replace(" ", "_")
    detail = detail or DETAILS.get(status, f"{known.phrase}.")
    return Problem(status, code, detail, headers=headers)
