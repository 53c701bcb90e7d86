"""The format of log lines, and what hostile requests and an unavailable shop may write there."""

import json
import logging
import time
from datetime import UTC, datetime
from http import HTTPStatus
from threading import Lock

from catalog.text import printable
from shop.request_ids import current_request_id

SECONDS = 60.0
"""How long a line is not repeated."""


MAX_LINE = 500
"""The maximum length of a line about a rejected request, in characters."""


class PlainFormatter(logging.Formatter):
    """Escapes control characters, adds the id of the request to the message, and leaves out the
    traceback of a request that is rejected."""

    def format(self, record: logging.LogRecord) -> str:
        _leave_out_rejected(record)
        return printable(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:
        message = _cut(record, super().formatMessage(record))
        return f"{message} [{known}]" if (known := request_id_of(record)) else message


class JsonFormatter(logging.Formatter):
    """One JSON object in each line, for programs that collect logs."""

    def format(self, record: logging.LogRecord) -> str:
        _leave_out_rejected(record)
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _cut(record, record.getMessage()),
        }
        if known := request_id_of(record):
            line["request_id"] = known
        if status := getattr(record, "status_code", None):
            line["status"] = int(status)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def request_id_of(record: logging.LogRecord) -> str:
    """The id of the request that the line is about; empty if it is about none."""
    request = getattr(record, "request", None)
    return getattr(request, "request_id", "") or current_request_id()


def _leave_out_rejected(record: logging.LogRecord) -> None:
    if _is_rejected(record):
        record.exc_info = record.exc_text = None


def _cut(record: logging.LogRecord, message: str) -> str:
    return message[:MAX_LINE] if _is_rejected(record) else message


def _is_rejected(record: logging.LogRecord) -> bool:
    """Whether a line is about a request that is rejected, whose content the client chooses."""
    status = getattr(record, "status_code", 0)
    return record.name.startswith("django.security") or 400 <= status < 500


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
