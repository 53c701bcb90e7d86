"""Writes the query log in a thread of its own, so that no page waits for it.

The searches of a second are written together. What waits is bounded: while the database is slow,
the newest searches are not logged.
"""

import logging
from threading import Event, Lock, Thread

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from catalog.db.connection import DatabaseError
from catalog.query_log import LoggedSearch, remember_all
from shop.metrics import QUERY_LOG_DROPPED, QUERY_LOG_WAITING

CAPACITY = 1000
"""The maximum number of searches that wait."""

INTERVAL = 1.0
"""Seconds between two writes."""

STOP_SECONDS = 5.0
"""How long the end of a process waits for the last searches."""

logger = logging.getLogger(__name__)


class QueryLogBuffer:
    """Searches to log. Before `start` and after `stop`, they are written at once."""

    def __init__(self) -> None:
        self._waiting: list[LoggedSearch] = []
        self._thread: Thread | None = None
        self._is_over = Event()
        self._lock = Lock()

    def start(self) -> None:
        """Write in the background from now on."""
        with self._lock:
            if self._thread is None:
                self._is_over.clear()
                self._thread = Thread(target=self._run, name="query-log", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Write what waits, for up to `STOP_SECONDS`."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._is_over.set()
            thread.join(STOP_SECONDS)

    def add(self, search: LoggedSearch) -> None:
        """Write a search soon; it is dropped if too many are waiting."""
        with self._lock:
            has_thread = self._thread is not None
            is_full = len(self._waiting) >= CAPACITY
            if has_thread and not is_full:
                self._waiting.append(search)
        if not has_thread:
            remember_all([search])
        elif is_full:
            QUERY_LOG_DROPPED.inc()

    def _run(self) -> None:
        while not self._is_over.wait(INTERVAL):
            self._write()
        self._write()

    def _write(self) -> None:
        QUERY_LOG_WAITING.set(len(self._waiting))
        with self._lock:
            searches, self._waiting = self._waiting, []
        try:
            remember_all(searches)
        except (psycopg.Error, SQLAlchemyError, DatabaseError) as error:
            logger.warning("searches could not be logged: %s", " ".join(str(error).split()))


query_log_buffer = QueryLogBuffer()
"""The one of this process."""
