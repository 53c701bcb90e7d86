"""The production server: one process, many threads, so that each model is in memory once."""

import errno
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

from catalog.active_models import NoTables, default_model
from catalog.db.connection import connect
from embedding.encoder import EncoderError, get_encoder
from embedding.errors import UserFacingError
from shop.management.base import database_problem

HOST = "127.0.0.1"

SPOOLED = 4
"""Times the largest upload that a body is read to its end and kept in a temporary file, so that
the page can say that it is too large; browsers do not show what cuts them off. What declares
more is cut off."""


HEADS_READ = 4
"""Times the largest head of a request that one is read to its end, for the same reason."""


class PortTaken(UserFacingError, RuntimeError):
    """Another program listens where the shop should; the message says so."""


def check_port(port: int, host: str = HOST) -> None:
    """Raises PortTaken, before any work is done, where `serve` would fail."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(_refusal(port, error)) from error


def serve(port: int, host: str = HOST, threads: int = 8) -> None:
    """Serve the shop until Ctrl-C or SIGTERM, then return.

    Raises:
        PortTaken: the port cannot be had.
    """
    try:
        server = listen(port, host, threads)
    except OSError as error:
        raise PortTaken(_refusal(port, error)) from error
    signal.signal(signal.SIGTERM, _interrupt)
    Thread(target=_warm_up, daemon=True).start()
    print(f"The shop is at http://{host}:{port} (Ctrl-C stops it)", file=sys.stderr, flush=True)
    with suppress(KeyboardInterrupt):
        server.run()
    server.close()


def listen(port: int, host: str = HOST, threads: int = 8) -> Any:
    """The shop's server, which answers once its `run` is called; port 0 chooses a free one.

    Raises:
        OSError: the port cannot be had.
    """
    from shop.views import largest_upload
    from shop.wsgi import application

    proxy = {}
    if settings.SECURE_PROXY_SSL_HEADER:  # else whoever asks could say that it was by TLS
        proxy = {
            "trusted_proxy": settings.TRUSTED_PROXY,
            "trusted_proxy_headers": "x-forwarded-proto",
        }
    return create_server(
        application,
        host=host,
        port=port,
        threads=threads,
        max_request_header_size=HEADS_READ * settings.MAX_REQUEST_HEAD,
        max_request_body_size=SPOOLED * largest_upload(),
        **proxy,
    )


def _warm_up() -> None:
    """Load the default model, so that the first shopper need not wait for it."""
    try:
        with connect() as connection:
            encoder = get_encoder(default_model(connection))
        if "text" in encoder.spec.modalities:
            encoder.encode_texts(["warm up"])
    except (EncoderError, NoTables):
        pass  # searches will say what is wrong
    except DBAPIError as error:
        print(database_problem(error) or error, file=sys.stderr, flush=True)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _refusal(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is taken by another program: choose one with PORT={port + 1}"
    return f"port {port} cannot be used: {error.strerror}"
