"""A short cache of answers in the memory of a process: for equal questions within some seconds."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Generic, TypeVar

from django.conf import settings

from shop.metrics import ANSWERS

MAX_ENTRIES = 2000
"""The maximum number of answers of a cache."""

MAX_BYTES = 32 * 2**20
"""The maximum size of all answers of a cache, as far as `size_of` knows it."""

MAX_WAIT = 10.0
"""How long a request waits for another one that computes the same answer, in seconds."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class _Kept(Generic[Value]):
    value: Value
    size: int
    until: float


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
        self._name, self._size_of, self._keeps = name, size_of, keeps
        self._lock = Lock()
        self._kept: OrderedDict[Hashable, _Kept[Value]] = OrderedDict()  # the oldest first
        self._size = 0
        self._running: dict[Hashable, Future[Value]] = {}

    def get(self, key: Hashable, compute: Callable[[], Value]) -> tuple[Value, bool]:
        """The answer, and whether another request computed it."""
        if not settings.SEARCH_CACHE_SECONDS:
            return compute(), False
        with self._lock:
            self._drop_old()
            kept = self._kept.get(key)
            leader = self._running.get(key)
            if kept is None and leader is None:
                own = self._running[key] = Future()
        if kept is not None:
            ANSWERS.labels(self._name, "recent").inc()
            return kept.value, True
        if leader is not None:
            try:
                shared = leader.result(MAX_WAIT)
            except Exception:  # the leader's error, or it takes too long
                return self._counted(compute), False
            ANSWERS.labels(self._name, "shared").inc()
            return shared, True
        try:
            value = self._counted(compute)
        except BaseException as error:
            self._end(key, own)
            own.set_exception(error)
            raise
        self._end(key, own, value)
        own.set_result(value)
        return value, False

    def forget(self) -> None:
        """Forget all answers, and do not keep those that are being computed."""
        with self._lock:
            self._kept.clear()
            self._running.clear()
            self._size = 0

    def _counted(self, compute: Callable[[], Value]) -> Value:
        ANSWERS.labels(self._name, "computed").inc()
        return compute()

    def _end(self, key: Hashable, own: Future[Value], value: Value | None = None) -> None:
        """End a computation, and keep its answer, unless it was to be forgotten meanwhile."""
        size = 0 if value is None else self._size_of(value)
        with self._lock:
            if self._running.get(key) is not own:
                return
            del self._running[key]
            if value is None or not self._keeps(value):
                return
            self._kept[key] = _Kept(value, size, monotonic() + settings.SEARCH_CACHE_SECONDS)
            self._size += size
            while len(self._kept) > MAX_ENTRIES or self._size > MAX_BYTES:
                self._drop_oldest()

    def _drop_old(self) -> None:
        now = monotonic()
        while self._kept and next(iter(self._kept.values())).until <= now:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        _, oldest = self._kept.popitem(last=False)
        self._size -= oldest.size
