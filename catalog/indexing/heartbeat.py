"""Which embedding workers run: each writes a row of the table `worker_sign` now and then."""

import os
import socket
import time
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from catalog.db.connection import connect

INTERVAL = 15.0
"""Minimum number of seconds between two signs of a worker."""

SILENCE = 60.0
"""Seconds without a sign after which a worker does not count as running."""

SIGN = """
INSERT INTO worker_sign (name) VALUES (%(name)s)
    ON CONFLICT (name) DO UPDATE
   SET seen_at = now(), started_at = CASE WHEN %(starts)s THEN now() ELSE worker_sign.started_at END
"""


@dataclass(frozen=True, slots=True)
class RunningWorker:
    """A worker, by host and number of the process."""

    name: str
    started_at: datetime
    seen_at: datetime


class Heartbeat:
    """The signs of one worker."""

    def __init__(self) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self._signed_at = -INTERVAL
        self._starts = True

    def beat(self) -> None:
        """Give a sign, unless the last one is less than `INTERVAL` old."""
        if time.monotonic() - self._signed_at < INTERVAL:
            return
        with connect() as connection:
            connection.exec_driver_sql(SIGN, {"name": self.name, "starts": self._starts})
            connection.exec_driver_sql(
                "DELETE FROM worker_sign WHERE seen_at < now() - interval '1 day'"
            )
        self._starts, self._signed_at = False, time.monotonic()

    def end(self) -> None:
        """Take the sign back."""
        self._signed_at = -INTERVAL
        with connect() as connection:
            connection.exec_driver_sql(
                "DELETE FROM worker_sign WHERE name = %(name)s", {"name": self.name}
            )


def running_workers(connection: Connection) -> list[RunningWorker]:
    """The workers that gave a sign in the last `SILENCE` seconds, the oldest first."""
    rows = connection.exec_driver_sql(
        "SELECT name, started_at, seen_at FROM worker_sign"
        " WHERE seen_at > now() - %(silence)s * interval '1 s' ORDER BY started_at, name",
        {"silence": SILENCE},
    )
    return [RunningWorker(*row) for row in rows]
