"""The shop's own server, in a thread of the tests' process."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

from shop.server import listen


@contextmanager
def serving(threads: int = 1) -> Iterator[int]:
    """Yields the port of a running shop."""
    server = listen(0, threads=threads)

    def run() -> None:
        with suppress(OSError):  # it is closed while it listens
            server.run()

    thread = Thread(target=run, daemon=True)
    thread.start()
    try:
        yield server.effective_port
    finally:
        server.close()
        thread.join(timeout=10)
