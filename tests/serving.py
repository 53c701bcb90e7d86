"""Runs the production server in a thread of the test process, and waits for others."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import Message
from threading import Thread
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from shop.server import listen

SECONDS = 300
"""The maximum time until a server answers on a busy machine."""


@contextmanager
def serving(threads: int = 1) -> Iterator[int]:
    """Run the shop and yield its port."""
    server = listen(socket.create_server(("127.0.0.1", 0)), threads)

    def run() -> None:
        with suppress(OSError):  # the socket is closed below
            server.run()

    thread = Thread(target=run, daemon=True)
    thread.start()
    try:
        yield server.effective_port
    finally:
        # A thread that answers after the end would write to a descriptor that is used again.
        server.task_dispatcher.shutdown()
        server.close()
        thread.join(timeout=10)


def wait_for_page(address: str) -> Message:
    """Wait until a page is answered; returns its headers.

    Meanwhile, only a server that has not started and the page of an unavailable shop are right.
    """
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            with urlopen(address, timeout=SECONDS) as page:
                assert page.status == 200
                headers: Message = page.headers
                return headers
        except HTTPError as error:
            if error.code != 503:
                raise
        except URLError:
            pass  # it has not started yet
        assert time.monotonic() < deadline
        time.sleep(0.1)
