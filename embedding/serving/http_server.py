"""Serves the protocol from one process, on a socket of this machine or on a TCP port."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import BoundedSemaphore, Event, Thread
from types import FrameType
from typing import Any

from waitress.server import create_server

from embedding.errors import UserFacingError
from embedding.serving.draining import close, drain, run_until, wake
from embedding.serving.protocol import MAX_BODY, Kind
from embedding.serving.service import Answer, Failure, Service

MAX_REQUESTS = 128
"""The number of requests that may be in progress. Most of them wait in the queue of a model."""

SPARE_THREADS = 4
"""Threads that turn requests away, and answer `/health`, while `MAX_REQUESTS` are in progress."""

MAX_CONNECTIONS = 2000

IDLE_SECONDS = 120
"""How long an idle connection is kept. Clients close theirs earlier."""

DRAIN_SECONDS = 20.0
"""How long requests in progress may take after SIGTERM."""

PARENT_CHECK_SECONDS = 1.0

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class AddressTaken(UserFacingError, RuntimeError):
    """The server cannot listen; the message says why."""


class Application:
    """The protocol as a WSGI application."""

    def __init__(self, service: Service, most: int = MAX_REQUESTS) -> None:
        self._service = service
        self._free = BoundedSemaphore(most)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        answer = self._answer(environ)
        headers = {
            "Content-Type": answer.content_type,
            "Content-Length": str(len(answer.body)),
        } | answer.headers
        start_response(f"{answer.status.value} {answer.status.phrase}", list(headers.items()))
        return [answer.body]

    def _answer(self, environ: dict[str, Any]) -> Answer:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if method == "GET" and path == "/health":
            return self._service.answer(method, path, b"")
        if not self._free.acquire(blocking=False):
            return Failure(Kind.BUSY, "too many requests are in progress: try again").answer()
        try:
            return self._service.answer(method, path, environ["wsgi.input"].read())
        finally:
            self._free.release()


class HttpServer:
    """Listens from its creation on; `run` answers.

    Args:
        service: answers the requests.
        path: the socket to listen on, which only this user can connect to.
        host, port: the address to listen on, if there is no `path`; port 0 is any free one.

    Raises:
        AddressTaken: another server listens there, or the address cannot be used.
    """

    def __init__(
        self, service: Service, path: Path | None = None, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self._service, self._path = service, path
        self._is_stopped = Event()
        where = {"host": host, "port": port} if path is None else {"unix_socket": str(path)}
        if path is not None:
            _require_unused(path)
        try:
            self._server = create_server(
                Application(service),
                threads=MAX_REQUESTS + SPARE_THREADS,
                max_request_body_size=MAX_BODY,
                inbuf_overflow=MAX_BODY + 1,  # requests are short-lived: none is written to a file
                connection_limit=MAX_CONNECTIONS,
                channel_timeout=IDLE_SECONDS,
                asyncore_use_poll=True,
                ident=None,
                **where,
            )
        except OSError as error:
            address = path or f"{host}:{port}"
            raise AddressTaken(f"{address} cannot be used: {error.strerror or error}") from error

    @property
    def port(self) -> int:
        """The TCP port, where there is no socket's path."""
        return int(self._server.effective_port)

    @property
    def url(self) -> str:
        """The address for `ENCODER_URL`."""
        if self._path is not None:
            return f"unix:{self._path}"
        return f"http://{self._server.effective_host}:{self.port}"

    def run(self) -> None:
        """Answer until `stop`, then finish what has begun."""
        run_until(self._server, self._is_stopped)
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        drain(self._server, DRAIN_SECONDS)
        self._service.stop()
        close(self._server)

    def stop(self) -> None:
        """Have `run` return; can be called by any thread and by a signal handler."""
        self._is_stopped.set()
        wake(self._server)


def _require_unused(path: Path) -> None:
    """Check that no server listens on a socket. One that a killed server has left is unused.

    Raises:
        AddressTaken: one does.
    """
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return
        except OSError as error:
            raise AddressTaken(f"{path} cannot be used: {error.strerror or error}") from error
    raise AddressTaken(f"another encoder server listens on {path}")


def serve(server: HttpServer, parent: int | None = None) -> None:
    """Run a server until SIGTERM, Ctrl-C, or the end of its parent process.

    Args:
        parent: the process that has started this one; None lets the server outlive it.
    """

    def stop(_signal: int, _frame: FrameType | None) -> None:
        server.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if parent is not None:
        Thread(target=_stop_with_parent, args=(server, parent), daemon=True).start()
    print(f"The encoder server is at {server.url}", file=sys.stderr, flush=True)
    server.run()


def _stop_with_parent(server: HttpServer, parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_SECONDS)
    server.stop()
