"""Writes the query log in a thread of its own, so that no page waits for it.

What is counted is bounded: while the database is slow, the newest searches are not logged.
"""

import logging
from collections.abc import Callable
from queue import Full, Queue
from threading import Lock, Thread

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from catalog.db.connection import DatabaseError
from shop.metrics import QUERY_LOG_DROPPED, QUERY_LOG_WAITING

CAPACITY = 1000
"""The maximum number of searches that wait."""

STOP_SECONDS = 5.0
"""How long the end of a process waits for the last searches."""

logger = logging.getLogger(__name__)


class QueryLogBuffer:
    """Calls that write the query log. Before `start` and after `stop`, they run at once."""

    def __init__(self) -> None:
        self._waiting: Queue[Callable[[], None] | None] = Queue(CAPACITY)
        self._thread: Thread | None = None
        self._lock = Lock()

    def start(self) -> None:
        """Write in the background from now on."""
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._run, name="query-log", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Write what waits, for up to `STOP_SECONDS`."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is None:
            return
        try:
            self._waiting.put(None, timeout=STOP_SECONDS)
        except Full:
            return
        thread.join(STOP_SECONDS)

    def add(self, write: Callable[[], None]) -> None:
        """Call `write` soon; it is dropped if too many are waiting."""
        if self._thread is None:
            write()
            return
        try:
            self._waiting.put_nowait(write)
        except Full:
            QUERY_LOG_DROPPED.inc()
        QUERY_LOG_WAITING.set(self._waiting.qsize())

    def _run(self) -> None:
        while (write := self._waiting.get()) is not None:
            QUERY_LOG_WAITING.set(self._waiting.qsize())
            try:
                write()
            except (psycopg.Error, SQLAlchemyError, DatabaseError) as error:
                logger.warning("a search could not be logged: %s", " ".join(str(error).split()))


query_log_buffer = QueryLogBuffer()
"""The one of this process."""
