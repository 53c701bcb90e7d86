"""What hostile requests and an unavailable shop may write to the log."""

import logging
import time
from http import HTTPStatus
from threading import Lock

from catalog.text import printable

SECONDS = 60.0
"""How long a line is not repeated."""


class PlainFormatter(logging.Formatter):
    """Escapes control characters, and leaves out the traceback of a request that is rejected."""

    def format(self, record: logging.LogRecord) -> str:
        if record.name.startswith("django.security"):
            record.exc_info = record.exc_text = None
        return printable(super().format(record))


class UnavailableOnce(logging.Filter):
    """Lets through one line per kind and minute about requests answered with status 503.

    Without it, a database that is away writes lines for every request of every shopper.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = Lock()
        self._last: dict[tuple[str, object], float] = {}
        self._left_out: dict[tuple[str, object], int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "status_code", None) != HTTPStatus.SERVICE_UNAVAILABLE:
            return True
        kind = record.name, record.msg
        with self._lock:
            now = time.monotonic()
            if now - self._last.get(kind, -SECONDS) < SECONDS:
                self._left_out[kind] = self._left_out.get(kind, 0) + 1
                return False
            self._last[kind] = now
            left_out = self._left_out.pop(kind, 0)
        if left_out:
            record.msg = f"{record.msg} (similar lines left out: {left_out:,})"
        return True
