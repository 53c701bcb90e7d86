"""Refreshes what phrases mean after a request that changed synonyms, not in it.

The trigger of the table would refresh it when the transaction ends, which takes seconds. A change
is at work when `refreshing` threads are done. If the process ends before, the next change or the
worker's next refresh makes up for it.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, Thread

from django.db import connection, transaction

from catalog.db.connection import connect
from catalog.search.vocabulary import refresh_meanings

logger = logging.getLogger(__name__)

# The trigger skips the refresh of a transaction that has this mark.
MARK = "SELECT set_config('search.meanings_refreshed', pg_current_xact_id()::text, true)"


@contextmanager
def refreshed_later() -> Iterator[None]:
    """Change synonyms in a transaction; a thread refreshes what they mean after its commit."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(MARK)
        yield
        transaction.on_commit(_refresher.start)


def wait_for_refresh() -> None:
    """Wait until all changes so far are at work."""
    _refresher.wait()


class _Refresher:
    """One thread at a time. Changes during a refresh cause one more."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._thread: Thread | None = None
        self._again = False

    def start(self) -> None:
        with self._lock:
            self._again = True
            if self._thread is None:
                self._thread = Thread(target=self._run, name="refresh-meanings", daemon=True)
                self._thread.start()

    def wait(self) -> None:
        thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while self._is_due():
            try:
                with connect() as own:
                    refresh_meanings(own)
            except Exception:  # the next change tries again
                logger.exception("what phrases mean could not be refreshed")

    def _is_due(self) -> bool:
        with self._lock:
            due, self._again = self._again, False
            if not due:
                self._thread = None
            return due


_refresher = _Refresher()
