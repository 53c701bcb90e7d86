"""Refuses requests that a proxy and this server could read in different ways, or that Django cannot
read at all."""

import codecs
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.utils.http import parse_header_parameters
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask

HEADERS = [
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
]
"""The security headers of refusals before Django."""

REFUSAL = b"The Content-Type of this request cannot be read; texts must be UTF-8.\n"


class StrictParser(HTTPRequestParser):  # type: ignore[misc]  # no types
    """A parser that refuses requests with a doubtful length (RFC 9112, section 6.1): a proxy may
    read a second request where this server sees the end of the first one."""

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        if self.chunked and "CONTENT_LENGTH" in self.headers:
            raise ParsingError("Content-Length beside Transfer-Encoding")
        if "TRANSFER_ENCODING" in self.headers:
            raise ParsingError("Transfer-Encoding in a request of version 1.0")


class Refusal(ErrorTask):  # type: ignore[misc]  # no types
    """The answer to a request that the parser refuses, with security headers. HEAD gets no body, if
    the head is not too large to be read: the connection ends anyway."""

    def execute(self) -> None:
        self.response_headers.extend(HEADERS)
        super().execute()

    def write(self, data: bytes) -> None:
        is_head = getattr(self.request, "first_line", b"").startswith(b"HEAD ")
        super().write(b"" if is_head else data)


def refuse_unreadable(application: WSGIApplication) -> WSGIApplication:
    """Wrap `application`: a Content-Type with a wrong parameter or another charset than UTF-8 gets
    status 400. Django fails on some of them before any of its own handlers."""

    def wrapped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if _is_readable(environ.get("CONTENT_TYPE", "")):
            return application(environ, start_response)
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(REFUSAL))),
            *HEADERS,
        ]
        start_response("400 Bad Request", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [REFUSAL]

    return wrapped


def _is_readable(content_type: str) -> bool:
    try:
        _, parameters = parse_header_parameters(content_type)
        charset = codecs.lookup(parameters.get("charset") or "utf-8").name
    except (ValueError, LookupError):
        return False
    return charset in ("utf-8", "ascii")
