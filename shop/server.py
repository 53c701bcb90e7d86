"""The production server: processes with threads that answer pages, and one that has the models."""

import errno
import gc
import logging
import os
import random
import signal
import socket
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Event, Thread
from types import FrameType
from typing import Any

from django.conf import settings
from django.db import connections
from sqlalchemy.exc import DBAPIError
from waitress.server import create_server

from catalog.active_models import models_in_use
from catalog.db.connection import connect, forget_engine
from catalog.db.problems import database_problem
from embedding.config import settings as embedding_settings
from embedding.encoder import ModelUnavailable, available_encoder
from embedding.errors import UserFacingError
from embedding.registry import get_spec
from embedding.serving.draining import close, drain, run_until, wake
from shop.metrics import share_figures
from shop.processes import Child, Supervisor, handle_end
from shop.query_log_buffer import query_log_buffer
from shop.rates import share_counts
from shop.run_folder import run_folder

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
MAX_PORT = 65535

MAX_THREADS = 8
"""The threads of all processes together, unless each needs more."""

MIN_THREADS = 4
"""The threads of each process: some requests wait for other servers."""

ENCODER_START_SECONDS = 60.0
"""How long the encoder process may take to start before it is asked to load a model."""

BACKLOG = 1024
"""The number of connections that wait to be accepted."""

DRAIN_SECONDS = 15.0
"""How long requests in progress may take after the signal that ends the server."""

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


def serve(port: int, host: str = HOST, threads: int | None = None, processes: int = 1) -> None:
    """Serve the shop until Ctrl-C, SIGTERM or SIGHUP, then return.

    Args:
        threads: of each process; by default fewer if there are several, so that the database has
            as many connections.
        processes: one loads the models itself. Several ask one more process for vectors, unless
            `ENCODER_URL` names a server.

    Raises:
        PortTaken: the port cannot be used.
    """
    threads = threads or max(MIN_THREADS, MAX_THREADS // processes)
    try:
        listening = _listening_socket(port, host)
    except OSError as error:
        raise PortTaken(_refusal(port, error)) from error
    logger.info("The shop is at http://%s:%s (Ctrl-C stops it)", host, port)
    _import_all()
    if processes == 1:
        _answer(listening, threads)
    else:
        _answer_in_processes(listening, threads, processes)


def _import_all() -> None:
    """Import the shop, which several processes share, and leave it out of garbage collection: a
    full one took 110 ms of CPU time, during which no page was answered, and takes 11."""
    import shop.urls
    import shop.wsgi  # noqa: F401

    gc.collect()
    gc.freeze()


def _listening_socket(port: int, host: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
    listening.setblocking(False)
    return listening


def _answer(listening: socket.socket, threads: int) -> None:
    """Answer requests until a signal ends the process, then those that it has."""
    server = listen(listening, threads)
    is_stopped = Event()

    def stop(signum: int, _frame: FrameType | None) -> None:
        if signum == signal.SIGINT and is_stopped.is_set():
            raise KeyboardInterrupt  # the second Ctrl-C does not wait
        is_stopped.set()
        wake(server)

    handle_end(stop)
    Thread(target=_warm_up, daemon=True).start()
    query_log_buffer.start()
    with suppress(KeyboardInterrupt):
        run_until(server, is_stopped)
        drain(server, DRAIN_SECONDS)
    close(server)
    query_log_buffer.stop()


def _answer_in_processes(listening: socket.socket, threads: int, processes: int) -> None:
    forget_engine()
    connections.close_all()

    def answer_pages() -> None:
        random.seed()  # otherwise all processes have the same random numbers
        _answer(listening, threads)

    share_counts()
    children = [Child(f"page process {number + 1}", answer_pages) for number in range(processes)]
    with run_folder() as folder:
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            share_figures(folder)
        if not embedding_settings().encoder_url:
            path = folder / "encoder"
            os.environ["ENCODER_URL"] = f"unix:{path}"
            become_encoder = partial(_become_encoder, path, os.getpid())
            children.insert(0, Child("encoder process", become_encoder, stops_last=True))
        main = Supervisor(children, on_stop=listening.close).run()
        if main:
            main()


def _become_encoder(path: Path, parent: int) -> None:
    """Replace this process by an encoder server."""
    own = str(Path(__file__).resolve().parent.parent)
    paths = os.pathsep.join(filter(None, [own, os.environ.get("PYTHONPATH")]))
    environment = {name: it for name, it in os.environ.items() if name != "ENCODER_URL"}
    options = ["--socket", str(path), "--parent-pid", str(parent)]
    os.setsid()  # Ctrl-C reaches the parent only
    os.execve(
        sys.executable,
        [sys.executable, "-m", "embedding.serving", *options],
        environment | {"PYTHONPATH": paths},
    )


def listen(listening: socket.socket, threads: int) -> Any:
    """Create the server on a socket that is bound; call its `run` to answer requests."""
    from shop.load_shedding import Channel, Dispatcher
    from shop.views import largest_upload
    from shop.wsgi import application

    # Without a trusted proxy nothing uses these headers, but `shop.probes` sees that there is one.
    proxy: dict[str, Any] = {"clear_untrusted_proxy_headers": False}
    if settings.SECURE_PROXY_SSL_HEADER:  # otherwise any client could claim to use TLS
        proxy = {
            "trusted_proxy": settings.TRUSTED_PROXY,
            "trusted_proxy_headers": "x-forwarded-for x-forwarded-proto",
        }
    server = create_server(
        application,
        sockets=[listening],
        backlog=BACKLOG,
        max_request_header_size=HEAD_READ_FACTOR * settings.MAX_REQUEST_HEAD,
        max_request_body_size=BODY_READ_FACTOR * largest_upload(),
        _dispatcher=Dispatcher(threads),
        **proxy,
    )
    server.channel_class = Channel
    return server


def _warm_up() -> None:
    """Load the model that answers words, so that the first search does not wait for it."""
    encoder = embedding_settings().encoder_url
    if encoder.startswith("unix:") and "," not in encoder:
        _wait_for(Path(encoder.removeprefix("unix:")))
    try:
        with connect() as connection:
            in_use = models_in_use(connection)
        for name in in_use:
            if "text" in get_spec(name).modalities and _is_warm(name):
                break
    except UserFacingError as error:
        logger.warning("%s", error)
    except DBAPIError as error:
        logger.warning("%s", database_problem(error) or error)


def _wait_for(path: Path) -> None:
    """Wait until the encoder process has created its socket, since asking earlier fails."""
    deadline = time.monotonic() + ENCODER_START_SECONDS
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.1)


def _is_warm(name: str) -> bool:
    """Load a model; returns False if searches have to do without it."""
    try:
        available_encoder(name).encode_texts(["warm up"])
    except ModelUnavailable:
        return False
    return True


def _refusal(port: int, error: OSError) -> str:
    if error.errno != errno.EADDRINUSE:
        return f"port {port} cannot be used: {error.strerror}"
    other = port + 1 if port < MAX_PORT else port - 1
    option = "PORT=" if "MAKELEVEL" in os.environ else "--port "  # make's is a variable
    return f"port {port} is used by another program: choose another, such as {option}{other}"
