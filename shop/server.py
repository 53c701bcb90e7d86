"""The production server: one process with many threads, so that each model is loaded once."""

import errno
import os
import signal
import socket
import sys
from contextlib import suppress
from threading import Thread
from types import FrameType
from typing import Any

from django.conf import settings
from sqlalchemy.exc import DBAPIError
from waitress.server import create_server

from catalog.active_models import models_in_use
from catalog.db.connection import connect
from catalog.db.problems import database_problem
from embedding.encoder import ModelUnavailable, available_encoder
from embedding.errors import UserFacingError
from embedding.registry import get_spec
from shop.query_log_buffer import query_log_buffer

HOST = "127.0.0.1"
MAX_PORT = 65535

BODY_READ_FACTOR = 4
"""A request body up to this many times the largest upload is read completely, so that the response
can say that it is too large: browsers show no response if the connection closes while they send. A
larger body is cut off."""

HEAD_READ_FACTOR = 4
"""A request head up to this many times the maximum is read completely, for the same reason."""


class PortTaken(UserFacingError, RuntimeError):
    """The port cannot be used; the message says why."""


def check_port(port: int, host: str = HOST) -> None:
    """Check, before any other work, that `serve` can use the port.

    Raises:
        PortTaken: the port cannot be used.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(_refusal(port, error)) from error


def serve(port: int, host: str = HOST, threads: int = 8) -> None:
    """Serve the shop until Ctrl-C or SIGTERM, then return.

    Raises:
        PortTaken: the port cannot be used.
    """
    try:
        server = listen(port, host, threads)
    except OSError as error:
        raise PortTaken(_refusal(port, error)) from error
    signal.signal(signal.SIGTERM, _interrupt)
    Thread(target=_warm_up, daemon=True).start()
    print(f"The shop is at http://{host}:{port} (Ctrl-C stops it)", file=sys.stderr, flush=True)
    query_log_buffer.start()
    with suppress(KeyboardInterrupt):
        server.run()
    server.close()
    query_log_buffer.stop()


def listen(port: int, host: str = HOST, threads: int = 8) -> Any:
    """Create the server; call its `run` to answer requests. Port 0 means any free port.

    Raises:
        OSError: the port cannot be used.
    """
    from shop.views import largest_upload
    from shop.wsgi import application

    # Without a trusted proxy nothing uses these headers, but `shop.probes` sees that there is one.
    proxy: dict[str, Any] = {"clear_untrusted_proxy_headers": False}
    if settings.SECURE_PROXY_SSL_HEADER:  # otherwise any client could claim to use TLS
        proxy = {
            "trusted_proxy": settings.TRUSTED_PROXY,
            "trusted_proxy_headers": "x-forwarded-for x-forwarded-proto",
        }
    return create_server(
        application,
        host=host,
        port=port,
        threads=threads,
        max_request_header_size=HEAD_READ_FACTOR * settings.MAX_REQUEST_HEAD,
        max_request_body_size=BODY_READ_FACTOR * largest_upload(),
        **proxy,
    )


def _warm_up() -> None:
    """Load the model that answers words, so that the first search does not wait for it."""
    try:
        with connect() as connection:
            in_use = models_in_use(connection)
        for name in in_use:
            if "text" in get_spec(name).modalities and _is_warm(name):
                break
    except UserFacingError as error:
        print(error, file=sys.stderr, flush=True)
    except DBAPIError as error:
        print(database_problem(error) or error, file=sys.stderr, flush=True)


def _is_warm(name: str) -> bool:
    """Load a model; returns False if searches have to do without it."""
    try:
        available_encoder(name).encode_texts(["warm up"])
    except ModelUnavailable:
        return False
    return True


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _refusal(port: int, error: OSError) -> str:
    if error.errno != errno.EADDRINUSE:
        return f"port {port} cannot be used: {error.strerror}"
    other = port + 1 if port < MAX_PORT else port - 1
    option = "PORT=" if "MAKELEVEL" in os.environ else "--port "  # make's is a variable
    return f"port {port} is used by another program: choose another, such as {option}{other}"
