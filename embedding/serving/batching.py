"""Joins the requests that wait for a model into batches."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Condition, Thread
from typing import Any

SMALL = 4
"""Requests of at most so many items go before larger ones: a shopper waits for them."""

GAP_SECONDS = 0.001
"""How long a model without work waits for the next request: what is sent at the same time arrives
one after the other."""

MAX_GAPS = 8
"""The maximum number of these waits in a row."""


class Busy(Exception):
    """So many items wait already that another request would wait too long."""


class Stopped(Exception):
    """The batcher accepts no requests any more."""


@dataclass(slots=True)
class _Request:
    kind: Hashable
    items: Sequence[Any]
    result: Future[Any] = field(default_factory=Future)


class Batcher:
    """Runs functions on lists of items in one thread, those of waiting requests together.

    While a batch runs, others wait. When it is done, all that wait for the same function are the
    next batch, up to its limit, so batches grow with the load. Only where nothing runs, the first
    request waits for those that arrive right after it. One thread is enough, since a batch uses all
    cores or the whole device.

    Args:
        name: the name of the thread.
        limits: the largest number of items of a batch, for each kind of request. A request that is
            larger is a batch of its own.
        waiting: the number of items that may wait, as a multiple of the limit of their kind.
    """

    def __init__(self, name: str, limits: dict[Any, int], waiting: int) -> None:
        self._limits, self._waiting_factor = limits, waiting
        self._functions: dict[Hashable, Callable[[list[Any]], Any]] = {}
        self._waiting: list[_Request] = []
        self._changed = Condition()
        self._is_stopped = False
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        """The number of requests that wait."""
        with self._changed:
            return len(self._waiting)

    def add(self, kind: Hashable, function: Callable[[list[Any]], Any]) -> None:
        """Set the function of a kind; it returns a list or array of one result for each item."""
        self._functions[kind] = function

    def submit(self, kind: Hashable, items: Sequence[Any]) -> Any:
        """The results of `items`, when their batch is done.

        Raises:
            Busy: too many items wait already.
            Stopped: after `stop`.
            Exception: what the function has raised.
        """
        request = _Request(kind, items)
        with self._changed:
            if self._is_stopped:
                raise Stopped
            ahead = sum(len(each.items) for each in self._waiting if each.kind == kind)
            if ahead and ahead + len(items) > self._waiting_factor * self._limits[kind]:
                raise Busy
            self._waiting.append(request)
            self._changed.notify()
        return request.result.result()

    def stop(self) -> None:
        """Finish what waits, and end the thread."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while batch := self._next():
            self._answer(batch)

    def _next(self) -> list[_Request]:
        """The next batch; empty after `stop`."""
        with self._changed:
            while not self._waiting:
                if self._is_stopped:
                    return []
                self._changed.wait()
                self._gather()
            # Sorting is stable: otherwise the first to come is the first to be served.
            self._waiting.sort(key=lambda each: len(each.items) > SMALL)
            kind, limit = self._waiting[0].kind, self._limits[self._waiting[0].kind]
            batch: list[_Request] = []
            size = 0
            for request in self._waiting:
                fits = size + len(request.items) <= limit
                if request.kind == kind and (fits or not batch):
                    batch.append(request)
                    size += len(request.items)
            chosen = set(map(id, batch))
            self._waiting = [each for each in self._waiting if id(each) not in chosen]
            return batch

    def _gather(self) -> None:
        """Wait as long as further requests arrive, or until they fill a batch."""
        for _ in range(MAX_GAPS):
            known = len(self._waiting)
            size = sum(len(each.items) for each in self._waiting)
            if not known or size >= self._limits[self._waiting[0].kind] or self._is_stopped:
                return
            self._changed.wait(GAP_SECONDS)
            if len(self._waiting) == known:
                return

    def _answer(self, batch: list[_Request]) -> None:
        items = [item for request in batch for item in request.items]
        try:
            results = self._functions[batch[0].kind](items)
        except BaseException as error:
            if len(batch) == 1:
                batch[0].result.set_exception(error)
                return
            for request in batch:  # so that only those fail that have caused it
                self._answer([request])
            return
        start = 0
        for request in batch:
            request.result.set_result(results[start : start + len(request.items)])
            start += len(request.items)
