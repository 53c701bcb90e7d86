"""Runs the production server in a thread of the test process."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

from shop.server import listen


@contextmanager
def serving(threads: int = 1) -> Iterator[int]:
    """Run the shop and yield its port."""
    server = listen(0, threads=threads)

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
