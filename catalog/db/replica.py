"""Reads from a replica of the database (`DATABASE_REPLICA_URL`) while it answers and keeps up.

A function that only reads, and that can be repeated, is decorated with `reads_replica`. In it,
`connect_to_read` is a connection to the replica; elsewhere, it is one to the primary. If the
replica fails, the function runs again on the primary, and nobody notices.

A thread asks the replica once a second how far it is. It compares this with where the primary was
some seconds ago, so it needs no clock in common, and an idle primary counts as no lag.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache, partial, wraps
from threading import Event, Lock, Thread
from typing import ParamSpec, TypeVar
from weakref import WeakSet

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from catalog import config
from catalog.db.asking import NoAnswer, ask, disconnect
from catalog.db.connection import (
    DatabaseError,
    connect,
    create_pool,
    engine,
    open_connection,
    options_of,
)

INTERVAL = 1.0
"""Seconds between two questions."""

ANSWER_TIMEOUT = 1.0
"""Seconds within which primary and replica must answer a question."""

IDLE_SECONDS = 60.0
"""Seconds without a read after which no more questions are asked."""

RETRY_AFTER = 5.0
"""Seconds after a failed read during which the replica is not used."""

WHERE_PRIMARY_IS = b"SELECT pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')"
WHERE_REPLICA_IS = b"SELECT pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')"

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

logger = logging.getLogger(__name__)

REPLACED = "cache lookup failed"
"""What PostgreSQL says of an object that is dropped while it is used."""

_reading: ContextVar[bool] = ContextVar("reading_replica", default=False)


class Replica:
    """Whether the replica can be used, as far as this process knows."""

    def __init__(self) -> None:
        self.lag: float | None = None
        """The lag in seconds, rounded up to a question; None if it is not known."""
        self._state = ""
        self._usable = False
        self._used_at = float("-inf")
        self._not_before = float("-inf")
        self._positions: deque[tuple[float, int]] = deque(maxlen=3600)
        self._connections: WeakSet[psycopg.Connection] = WeakSet()
        self._lock = Lock()
        self._needed = Event()
        self._thread: Thread | None = None
        self._probes: dict[str, psycopg.Connection] = {}

    def is_usable(self) -> bool:
        """Whether to read from the replica now. The first reads go to the primary, until the
        replica has answered."""
        if not self._url():
            return False
        self._used_at = time.monotonic()
        self._needed.set()
        with self._lock:
            # A forked process has the object of the thread, but not the thread.
            if self._thread is None or not self._thread.is_alive():
                self._usable = False
                self._thread = Thread(target=self._run, name="replica", daemon=True)
                self._thread.start()
        return self._usable and self._used_at >= self._not_before

    def remember(self, connection: psycopg.Connection) -> None:
        """Close this connection if the replica freezes."""
        with self._lock:
            self._connections.add(connection)

    def has_failed(self) -> None:
        """A read from the replica failed: use the primary for some seconds."""
        self._not_before = time.monotonic() + RETRY_AFTER

    def _run(self) -> None:
        while True:
            self._needed.wait()
            self._needed.clear()
            while self._is_needed():
                try:
                    self.check()
                except Exception:
                    logger.exception("the replica cannot be watched")
                    self._usable = False
                time.sleep(INTERVAL)
            self._usable, self._state = False, ""
            self._positions.clear()
            for name in tuple(self._probes):
                self._close(name)

    @staticmethod
    def _url() -> str | None:
        return config.settings().database_replica_url

    def _is_needed(self) -> bool:
        return bool(self._url()) and time.monotonic() - self._used_at < IDLE_SECONDS

    def check(self) -> None:
        """Ask the primary and the replica where they are, and decide whether to use the replica."""
        asked_at = time.monotonic()
        primary = self._ask("primary", WHERE_PRIMARY_IS, open_connection)
        if primary:
            self._positions.append((asked_at, int(primary)))
        replica = self._ask("replica", WHERE_REPLICA_IS, open_replica)
        if replica is None:
            self.lag = None
            self._set(False, "does not answer, so the primary is read")
            with self._lock:
                connections = list(self._connections)
            for connection in connections:
                if not connection.closed:
                    disconnect(connection)
        elif not replica:
            self.lag = None
            self._set(False, "is not a replica, so the primary is read")
        elif primary is not None:
            self._judge(int(replica))
        # While only the primary is away, the last judgement stays.

    def _judge(self, replica: int) -> None:
        reached = [at for at, position in self._positions if position <= replica]
        while len(self._positions) > 1 and self._positions[1][1] <= replica:
            self._positions.popleft()
        self.lag = time.monotonic() - reached[-1] if reached else None
        if self.lag is not None and self.lag <= config.settings().replica_max_lag:
            self._set(True, "is read")
        elif self._state:  # the first answer only says where it was a moment ago
            self._set(False, "is too far behind, so the primary is read")

    def _ask(
        self, name: str, statement: bytes, open_one: Callable[..., psycopg.Connection]
    ) -> str | None:
        """The answer; empty for NULL, None if there is no answer."""
        probe = self._probes.get(name)
        try:
            if probe is None:
                probe = self._probes[name] = open_one(autocommit=True)
            return ask(probe, statement, ANSWER_TIMEOUT) or ""
        except (psycopg.Error, NoAnswer, DatabaseError, OSError):
            self._close(name)
            return None

    def _close(self, name: str) -> None:
        if (probe := self._probes.pop(name, None)) is not None:
            disconnect(probe)
            probe.close()

    def _set(self, usable: bool, state: str) -> None:
        if state != self._state:
            log = logger.info if usable and not self._state else logger.warning
            log("the replica %s", state)
        self._state, self._usable = state, usable


replica = Replica()
"""The one of this process."""


def replica_options() -> dict[str, str]:
    """The address of the replica as keywords and values of libpq.

    Raises:
        DatabaseError: `DATABASE_REPLICA_URL` is no address.
    """
    return options_of(config.settings().database_replica_url or "", "DATABASE_REPLICA_URL")


def open_replica(*, autocommit: bool = False) -> psycopg.Connection:
    """A new connection to the replica; see `open_connection`."""
    connection = psycopg.connect(
        **replica_options(),  # type: ignore[arg-type]
        autocommit=autocommit,
        prepare_threshold=None,
    )
    replica.remember(connection)
    return connection


@lru_cache(maxsize=1)
def _engine(_url: str) -> Engine:
    return create_pool(open_replica)


def is_reading_replica() -> bool:
    """Whether this thread runs a function that reads from the replica."""
    return _reading.get()


@contextmanager
def connect_to_read() -> Iterator[Connection]:
    """A connection in a transaction that only reads: to the replica in a function that
    `reads_replica`, if it is used, else to the primary."""
    if not _reading.get():
        with connect() as connection:
            yield connection
        return
    with _engine(config.settings().database_replica_url or "").begin() as connection:
        yield connection


def _repeated(work: Callable[[], Result]) -> Result:
    """Call `work`, again if `migrate` has replaced what its statements use."""
    try:
        return work()
    except Exception as error:
        cause = error.__cause__ or error
        if not _is_replaced(cause):
            raise
        logger.warning("a read is repeated: %s", " ".join(str(cause).split()))
    engine().dispose()  # sessions keep plans that name what was dropped
    return work()


def _is_replaced(cause: BaseException) -> bool:
    if isinstance(cause, psycopg.errors.InternalError_):
        return REPLACED in str(cause)
    return isinstance(cause, psycopg.errors.UndefinedObject | psycopg.errors.UndefinedFunction)


def reads_replica(work: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Decorate a function whose `connect_to_read` is the replica while that can be used. It may be
    called again, with the primary."""

    @wraps(work)
    def decorated(*args: Parameters.args, **options: Parameters.kwargs) -> Result:
        if _reading.get():
            return work(*args, **options)
        if not replica.is_usable():
            return _repeated(partial(work, *args, **options))
        token = _reading.set(True)
        try:
            return work(*args, **options)
        except Exception as error:
            cause = error.__cause__ or error
            if not isinstance(cause, psycopg.Error | DBAPIError | PoolTimeout | DatabaseError):
                raise
            if _is_away(cause):
                replica.has_failed()
            if _is_replaced(cause):
                _engine(config.settings().database_replica_url or "").dispose()
            logger.warning(
                "a read from the replica failed, and is repeated: %s", " ".join(str(cause).split())
            )
        finally:
            _reading.reset(token)
        return _repeated(partial(work, *args, **options))

    return decorated


def _is_away(cause: BaseException) -> bool:
    """Whether the replica cannot be used, or the fault is of one statement, such as one that
    conflicts with what the replica replays."""
    if isinstance(cause, psycopg.OperationalError):
        return cause.sqlstate is None or cause.sqlstate[:2] in ("08", "53", "57", "58")
    return isinstance(cause, psycopg.InterfaceError | PoolTimeout | DatabaseError)


def forget_replica() -> None:
    """Close the pool of the replica; the next read opens a new one."""
    if _engine.cache_info().currsize:
        _engine(config.settings().database_replica_url or "").dispose()
        _engine.cache_clear()
