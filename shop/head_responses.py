"""Removes response bodies where HTTP allows none.

Django and most servers send the body that a view returns, and a proxy would read it as the start of
the next response.
"""

from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

Write = Callable[[bytes], object]


def strip_bodies(application: WSGIApplication) -> WSGIApplication:
    """Wrap `application`: responses to HEAD and responses with status 204 or 304 have no body.

    The Content-Length of a response to HEAD is the length of the body that GET would return.
    """

    def wrapped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start(
            status: str, headers: list[tuple[str, str]], *_: Any
        ) -> Callable[[bytes], object]:
            started.append((status, headers))
            return _refuse_write

        body = application(environ, start)
        status, headers = started[-1]
        is_head = environ["REQUEST_METHOD"] == "HEAD"
        if is_head or status.startswith(("204", "304")):
            if is_head and not any(name.lower() == "content-length" for name, _ in headers):
                headers.append(("Content-Length", str(sum(map(len, body)))))
            if close := getattr(body, "close", None):
                close()
            body = []
        start_response(status, headers)
        return body

    return wrapped


def _refuse_write(_: bytes) -> None:
    raise NotImplementedError("Django returns bodies and never calls write()")
