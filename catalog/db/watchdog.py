"""Frees the threads of a server whose database has frozen.

A frozen PostgreSQL (a stopped machine, a lost network) neither answers nor closes its connections,
so that a call waits for it for minutes. Time limits of PostgreSQL itself do not help then.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from threading import Event, Lock, Thread

import psycopg

from catalog.db.asking import NoAnswer, ask, disconnect
from catalog.db.connection import (
    DatabaseError,
    database_url,
    open_connection,
    opened_connections,
)

PATIENCE = 0.5
"""Seconds after which a request is slow, so that the database is asked whether it answers."""

ANSWER_TIMEOUT = 1.0
"""Seconds within which an idle connection must answer."""

INTERVAL = 0.25
"""Seconds between two questions."""

logger = logging.getLogger(__name__)


class Watchdog:
    """Watches requests that may use the database.

    While one of them is slow, the watchdog asks the database for an answer, on a connection of its
    own. If there is none, it disconnects all connections of the process: their calls fail at once.
    `is_away` is true from then on until the database answers again. A slow query in a database that
    answers is left alone.
    """

    def __init__(self) -> None:
        self.is_away = False
        self._requests: dict[int, float] = {}
        self._numbers = count()
        self._needed = Event()
        self._starting = Lock()
        self._thread: Thread | None = None
        self._probe: psycopg.Connection | None = None
        self._address = ""

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Watch what happens within the context."""
        number = next(self._numbers)
        self._requests[number] = time.monotonic()
        self._needed.set()
        self._start()
        try:
            yield
        finally:
            del self._requests[number]

    def _start(self) -> None:
        with self._starting:
            # A forked process has the object of the thread, but not the thread.
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._run, name="database-watchdog", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            self._needed.wait()
            self._needed.clear()
            while self._requests or self.is_away:
                time.sleep(INTERVAL)
                oldest = min(self._requests.copy().values(), default=time.monotonic())
                if self.is_away or oldest <= time.monotonic() - PATIENCE:
                    self._check()

    def _check(self) -> None:
        if self._answers():
            if self.is_away:
                logger.warning("the database answers again")
            self.is_away = False
            return
        if not self.is_away:
            logger.error("the database does not answer: its connections are closed")
        self.is_away = True
        for connection in opened_connections():
            disconnect(connection)

    def _answers(self) -> bool:
        """Whether the database answers. One that refuses a connection counts as answering: calls
        fail by themselves then."""
        try:
            if (address := database_url()) != self._address:
                self._close_probe()
                self._address = address
            if self._probe is None:
                self._probe = open_connection(autocommit=True)
            ask(self._probe, b"", ANSWER_TIMEOUT)
            answered = True
        except (psycopg.errors.ConnectionTimeout, NoAnswer):
            answered = False
        except (psycopg.Error, DatabaseError, OSError):
            answered = True
            self._close_probe()
        if not answered:
            self._close_probe()
        return answered

    def _close_probe(self) -> None:
        if self._probe is not None:
            disconnect(self._probe)
            self._probe.close()
            self._probe = None


watchdog = Watchdog()
"""The one of this process."""
