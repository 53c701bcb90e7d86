"""A short cache of answers in the memory of a process: for equal questions within some seconds."""

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Generic, TypeVar

from django.conf import settings

from shop.kept_values import KeptValues
from shop.metrics import ANSWERS

MAX_WAIT = 10.0
"""How long a request waits for another one that computes the same answer, in seconds."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Answer(Generic[Value]):
    """An answer, and whether another request computed it."""

    value: Value
    is_recent: bool = False
    until: float = 0.0
    """When it is too old, by the clock of `time.monotonic`; 0 if it must not be kept."""


class AnswerCache(Generic[Value]):
    """Answers of the last `SEARCH_CACHE_SECONDS`. They are shared, so nobody may change them.

    Requests with the same key at the same time share one computation. Errors are not kept: a
    request whose leader failed computes its own answer.

    Args:
        name: how metrics call the cache.
        size_of: about how many bytes an answer needs.
        keeps: whether an answer is kept: not one with less than usual, since a part had failed.
    """

    def __init__(
        self,
        name: str,
        size_of: Callable[[Value], int],
        keeps: Callable[[Value], bool] = lambda _: True,
    ) -> None:
        self._name, self._keeps = name, keeps
        self._lock = Lock()
        self._kept: KeptValues[Value] = KeptValues(size_of)
        self._running: dict[Hashable, Future[Answer[Value]]] = {}

    def get(self, key: Hashable, compute: Callable[[], Value]) -> Answer[Value]:
        """The kept answer to a question, or the one that `compute` returns."""
        if not settings.SEARCH_CACHE_SECONDS:
            return Answer(compute())
        with self._lock:
            kept = self._kept.get(key)
            leader = self._running.get(key)
            if kept is None and leader is None:
                own = self._running[key] = Future()
        if kept is not None:
            ANSWERS.labels(self._name, "recent").inc()
            return Answer(kept.value, True, kept.until)
        if leader is not None:
            try:
                shared = leader.result(MAX_WAIT)
            except Exception:  # the leader's error, or it takes too long
                return Answer(self._counted(compute))
            ANSWERS.labels(self._name, "shared").inc()
            return Answer(shared.value, True, shared.until)
        try:
            value = self._counted(compute)
        except BaseException as error:
            self._end(key, own)
            own.set_exception(error)
            raise
        answer = Answer(value, False, self._end(key, own, value))
        own.set_result(answer)
        return answer

    def forget(self) -> None:
        """Forget all answers, and do not keep those that are being computed."""
        with self._lock:
            self._kept.forget()
            self._running.clear()

    def _counted(self, compute: Callable[[], Value]) -> Value:
        ANSWERS.labels(self._name, "computed").inc()
        return compute()

    def _end(self, key: Hashable, own: Future[Answer[Value]], value: Value | None = None) -> float:
        """End a computation, and keep its answer, unless it was to be forgotten meanwhile. Returns
        how long it is kept; see `Answer`."""
        with self._lock:
            if self._running.get(key) is not own:
                return 0.0
            del self._running[key]
            if value is None or not self._keeps(value):
                return 0.0
            until = monotonic() + settings.SEARCH_CACHE_SECONDS
            self._kept.keep(key, value, until)
            return until
