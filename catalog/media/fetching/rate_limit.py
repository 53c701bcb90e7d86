"""Whose turn it is: so many requests to a host at a time, and so long between two of them."""

import heapq
import time
from dataclasses import dataclass, field
from itertools import count
from threading import Condition
from typing import Generic, Protocol, TypeVar


class Visit(Protocol):
    """Something to be done at a host."""

    @property
    def host(self) -> str: ...


V = TypeVar("V", bound=Visit)


@dataclass(slots=True)
class Host(Generic[V]):
    """Visits to a host: `waiting` ones by the time from which they may be made, and how many
    are being made; `open_at` is when the next one may begin."""

    waiting: list[tuple[float, int, V]] = field(default_factory=list)
    active: int = 0
    open_at: float = 0.0


class Turns(Generic[V]):
    """Hands out visits to any number of threads; times are seconds of `time.monotonic`."""

    def __init__(self, per_host: int, interval: float) -> None:
        self.per_host, self.interval = per_host, interval
        self.hosts: dict[str, Host[V]] = {}
        self.order = count()
        self.changed = Condition()
        self.closed = False

    def add(self, visit: V, wait: float = 0.0) -> None:
        """Queue a visit that is not to be made before `wait` seconds from now."""
        with self.changed:
            host = self.hosts.setdefault(visit.host, Host())
            heapq.heappush(host.waiting, (time.monotonic() + wait, next(self.order), visit))
            self.changed.notify()

    def take(self) -> tuple[str, V] | None:
        """The next visit and its host, waiting for its turn; None once closed."""
        with self.changed:
            while not self.closed:
                now = time.monotonic()
                name, begins = self._soonest()
                if name is not None and begins <= now:
                    host = self.hosts[name]
                    host.active += 1
                    host.open_at = now + self.interval
                    return name, heapq.heappop(host.waiting)[2]
                self.changed.wait(None if name is None else begins - now)
            return None

    def done(self, name: str, wait: float = 0.0) -> None:
        """A visit to the host `name` ended; the next one not before `wait` seconds from now."""
        with self.changed:
            host = self.hosts[name]
            host.active -= 1
            host.open_at = max(host.open_at, time.monotonic() + wait)
            if not host.active and not host.waiting and host.open_at <= time.monotonic():
                del self.hosts[name]
            self.changed.notify_all()

    def cancel(self, name: str) -> list[V]:
        """Take back all visits that wait for the host `name`."""
        with self.changed:
            visits = [visit for _, _, visit in self.hosts[name].waiting]
            self.hosts[name].waiting.clear()
            return visits

    def close(self) -> None:
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    def _soonest(self) -> tuple[str | None, float]:
        free = (
            (max(host.open_at, host.waiting[0][0]), name)
            for name, host in self.hosts.items()
            if host.waiting and host.active < self.per_host
        )
        begins, name = min(free, default=(0.0, None))
        return name, begins
