"""A rate limiter by host: a maximum of concurrent requests and a minimum interval between them."""

import heapq
import time
from dataclasses import dataclass, field
from itertools import count
from threading import Condition
from typing import Generic, Protocol, TypeVar


class HostRequest(Protocol):
    """A request to a host."""

    @property
    def host(self) -> str: ...


R = TypeVar("R", bound=HostRequest)


@dataclass(slots=True)
class HostQueue(Generic[R]):
    """The queue of one host. Times are seconds of `time.monotonic`.

    `waiting` is a heap of requests by the earliest time at which each may start, `active` the
    number of running requests, `next_start` the earliest time for any new request.
    """

    waiting: list[tuple[float, int, R]] = field(default_factory=list)
    active: int = 0
    next_start: float = 0.0


class RateLimiter(Generic[R]):
    """Queues requests and hands them to any number of threads as soon as their hosts allow it."""

    def __init__(self, per_host: int, interval: float) -> None:
        self.per_host, self.interval = per_host, interval
        self.hosts: dict[str, HostQueue[R]] = {}
        self.sequence = count()
        self.changed = Condition()
        self.closed = False

    def add(self, request: R, wait: float = 0.0) -> None:
        """Queue a request that must not start before `wait` seconds have passed."""
        with self.changed:
            host = self.hosts.setdefault(request.host, HostQueue())
            heapq.heappush(host.waiting, (time.monotonic() + wait, next(self.sequence), request))
            self.changed.notify()

    def acquire(self) -> tuple[str, R] | None:
        """Wait for a request that may start; returns its host and itself, or None once closed."""
        with self.changed:
            while not self.closed:
                now = time.monotonic()
                name, start = self._next_host()
                if name is not None and start <= now:
                    host = self.hosts[name]
                    host.active += 1
                    host.next_start = now + self.interval
                    return name, heapq.heappop(host.waiting)[2]
                self.changed.wait(None if name is None else start - now)
            return None

    def release(self, name: str, wait: float = 0.0) -> None:
        """A request to the host `name` has ended; the next must not start within `wait` seconds."""
        with self.changed:
            host = self.hosts[name]
            host.active -= 1
            host.next_start = max(host.next_start, time.monotonic() + wait)
            if not host.active and not host.waiting and host.next_start <= time.monotonic():
                del self.hosts[name]
            self.changed.notify_all()

    def cancel(self, name: str) -> list[R]:
        """Remove and return all waiting requests to the host `name`."""
        with self.changed:
            requests = [request for _, _, request in self.hosts[name].waiting]
            self.hosts[name].waiting.clear()
            return requests

    def close(self) -> None:
        """Make `acquire` return None in all threads."""
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    def _next_host(self) -> tuple[str | None, float]:
        """The host whose next request may start first, and the time of that start."""
        free = (
            (max(host.next_start, host.waiting[0][0]), name)
            for name, host in self.hosts.items()
            if host.waiting and host.active < self.per_host
        )
        start, name = min(free, default=(0.0, None))
        return name, start
