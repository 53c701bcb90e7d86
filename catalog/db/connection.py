"""The one way to the database: an address, a pool of connections, a check of pgvector's version."""

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import LiteralString, TypeVar, cast

import psycopg
from pgvector.psycopg import register_vector
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from catalog import config

PGVECTOR_NEEDED = (0, 8, 4)


AWAY = 120.0
"""Seconds for which a database that does not answer is waited for, by those who can wait."""
RETRY = 0.5

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


class DatabaseError(RuntimeError):
    """The database cannot be used as it is; the message says what to do."""


def database_url() -> str:
    """The libpq address in use. Starts the embedded server where no `DATABASE_URL` is set."""
    if url := config.database_url():
        return url
    from catalog.db.embedded import embedded_url  # a shop with its own database never loads it

    return embedded_url()


def connection_parameters() -> dict[str, str]:
    """`database_url()` as libpq's keywords.

    Raises:
        DatabaseError: `DATABASE_URL` is not an address that libpq understands.
    """
    try:
        return {key: str(value) for key, value in conninfo_to_dict(database_url()).items()}
    except psycopg.ProgrammingError as error:
        # The address holds a password: name the variable, not its value.
        message = "DATABASE_URL is not a PostgreSQL address (postgresql://user@host/database)"
        raise DatabaseError(message) from error


@lru_cache(maxsize=1)
def engine() -> Engine:
    """The process's pool of connections; halfvec values pass as binary."""
    pool = create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(**connection_parameters()),  # type: ignore[arg-type]
        pool_size=8,
        max_overflow=8,
        pool_pre_ping=True,
    )
    event.listen(pool, "checkout", _register_vector)
    return pool


def _register_vector(
    connection: psycopg.Connection, record: ConnectionPoolEntry, _proxy: object
) -> None:
    """At every checkout until the type is there: a migration may make it while a shop is open."""
    if record.info.get("has_vector"):
        return
    autocommit = connection.autocommit
    connection.autocommit = True
    if connection.execute("SELECT to_regtype('halfvec')").fetchone() != (None,):
        register_vector(connection)
        record.info["has_vector"] = True
    connection.autocommit = autocommit


def driver_connection(connection: Connection) -> psycopg.Connection:
    """The psycopg connection that a SQLAlchemy connection uses."""
    return cast(psycopg.Connection, connection.connection.driver_connection)


def compose(statement: LiteralString, **identifiers: str) -> str:
    """`statement` with quoted names of tables, columns or indexes in place of `{placeholders}`."""
    names = {place: sql.Identifier(name) for place, name in identifiers.items()}
    return sql.SQL(statement).format(**names).as_string()


@contextmanager
def connect() -> Iterator[Connection]:
    """A connection in a transaction that commits at the end, or rolls back on an error."""
    with engine().begin() as connection:
        yield connection


def persist(work: Callable[[], Result]) -> Result:
    """What `work` returns, which is tried again while the database is away, for `AWAY` seconds at
    most: it restarts, or a standby takes over; and where a deadlock ended it. `work` must bear
    being done twice.

    Raises:
        DBAPIError, psycopg.OperationalError: it stays away, or the error is another one.
    """
    give_up = time.monotonic() + AWAY
    while True:
        try:
            return work()
        except (DBAPIError, psycopg.OperationalError) as error:
            if not _may_pass(error) or time.monotonic() > give_up:
                raise
            logger.warning("the database refuses, trying again: %s", error)
            time.sleep(RETRY)


def _may_pass(error: Exception) -> bool:
    """Whether the connection is at fault, or what others do meanwhile, not what was asked."""
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return True
        error = error.orig if isinstance(error.orig, Exception) else error
    gone = psycopg.errors.AdminShutdown | psycopg.errors.CannotConnectNow
    if isinstance(error, gone | psycopg.errors.CrashShutdown | psycopg.errors.DeadlockDetected):
        return True
    # One without a code never reached a server.
    return isinstance(error, psycopg.OperationalError) and error.sqlstate is None


def forget_engine() -> None:
    """Close the pool; the next use opens one to whatever `DATABASE_URL` says then."""
    if engine.cache_info().currsize:
        engine().dispose()
        engine.cache_clear()


def require_pgvector(connection: Connection) -> None:
    """Check that pgvector is there and new enough.

    Raises:
        DatabaseError: it is missing or too old.
    """
    needed = ".".join(map(str, PGVECTOR_NEEDED))
    row = connection.exec_driver_sql(
        "SELECT installed_version, default_version FROM pg_available_extensions"
        " WHERE name = 'vector'"
    ).one_or_none()
    if row is None:
        raise DatabaseError(
            f"this PostgreSQL has no pgvector: install pgvector {needed} or newer on its server"
            " (Debian: the package postgresql-NN-pgvector of apt.postgresql.org)"
        )
    installed, available = row
    if _version(available) < PGVECTOR_NEEDED:
        raise DatabaseError(
            f"pgvector {available} is too old: {needed} or newer is needed on the server"
        )
    if installed is not None and _version(installed) < PGVECTOR_NEEDED:
        raise DatabaseError(
            f"pgvector {installed} is in use although {available} is there:"
            " run ALTER EXTENSION vector UPDATE in this database"
        )


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))
