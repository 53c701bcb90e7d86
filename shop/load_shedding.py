"""The queues of the server: what need not wait is answered at once, and what waits too long is
turned away.

A request waits for a free thread. One that has waited for `MAX_WAIT` seconds gets status 503
(`shop.middleware.shed_load`), so that a server with too many requests answers some of them well
instead of all of them late. Static files and the addresses of monitoring have threads of their own.
"""

import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from waitress.channel import HTTPChannel
from waitress.task import ThreadedTaskDispatcher, WSGITask

from shop.strict_http import Refusal, StrictParser

MAX_WAIT = 1.0
"""Seconds that a request waits for a thread."""

MAX_PICTURE_WAIT = 10.0
"""The same for pictures of products: a page requests many at once, and browsers ask only once."""

CHECK_INTERVAL = 0.1
"""Seconds between two looks at the queue."""

LIGHT_THREADS = 2
"""Threads that only answer what needs no page thread, and turn requests away."""

LIGHT_PATHS = ("/healthz", "/readyz", "/metrics", "/favicon.ico", "/robots.txt")

TOO_LATE = "shop.too_late"
"""The key of the WSGI environment that marks a request that has waited too long."""


class Task(WSGITask):  # type: ignore[misc]
    """A request. Its environment says whether it has waited too long."""

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        if self.channel.is_late:
            environ[TOO_LATE] = True
        return environ


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection; at most one of its requests waits or is being answered."""

    parser_class = StrictParser
    task_class = Task
    error_task_class = Refusal
    is_late = False
    """Whether that request has waited too long."""
    waits_until = 0.0
    """When it has, by `time.monotonic`."""


class Dispatcher(ThreadedTaskDispatcher):  # type: ignore[misc]
    """Passes requests to threads.

    Args:
        threads: the number of requests that are answered at the same time, besides light ones.
        clock: the time in seconds; tests set it.
    """

    def __init__(self, threads: int, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._light = ThreadedTaskDispatcher()
        self._is_over = Event()
        self._static = f"/{settings.STATIC_URL.lstrip('/')}"
        self._pictures = f"/{settings.MEDIA_URL.lstrip('/')}"
        self.set_thread_count(threads)
        self._light.set_thread_count(LIGHT_THREADS)
        Thread(target=self._watch, name="load-shedding", daemon=True).start()

    def add_task(self, channel: Any) -> None:
        """Queue the first request of a connection."""
        path = getattr(channel.requests[0], "path", "")  # a malformed request has none
        channel.is_late = False
        if path in LIGHT_PATHS or path.startswith(self._static):
            self._light.add_task(channel)
            return
        wait = MAX_PICTURE_WAIT if path.startswith(self._pictures) else MAX_WAIT
        channel.waits_until = self._clock() + wait
        super().add_task(channel)

    def turn_away(self) -> None:
        """Have the requests that have waited too long answered with status 503."""
        now = self._clock()
        with self.lock:
            late = [channel for channel in self.queue if channel.waits_until <= now]
            for channel in late:
                self.queue.remove(channel)
        for channel in late:
            channel.is_late = True
            self._light.add_task(channel)

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> None:
        """Wait for requests in progress, and end all threads."""
        self._is_over.set()
        super().shutdown(cancel_pending, timeout)
        self._light.shutdown(cancel_pending, timeout)

    def _watch(self) -> None:
        while not self._is_over.wait(CHECK_INTERVAL):
            if self.queue:
                self.turn_away()


def is_too_late(request: HttpRequest) -> bool:
    """Whether the request has waited too long to be answered."""
    return TOO_LATE in request.META
