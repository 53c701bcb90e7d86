"""Connections to the database: address, pool, sessions of their own, and retries."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from threading import Lock
from typing import LiteralString, TypeVar, cast
from weakref import WeakSet

import psycopg
from pgvector.psycopg import register_vector
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from catalog import config
from embedding.errors import UserFacingError

RECONNECT_TIMEOUT = 120.0
"""Reconnect timeout for background jobs, in seconds."""
RETRY_INTERVAL = 0.5
"""Seconds between attempts."""

NO_ADDRESS = (
    "{} is not a PostgreSQL address (postgresql://user:password@host/database). In the"
    " password, special characters must be percent-encoded: @ is %40, / is %2F, % is %25"
)
"""It names the variable, not its value, which may contain a password."""

CONNECT_TIMEOUT = 2
"""Seconds within which a new connection must be open, unless `DATABASE_URL` sets another time."""

SESSION_TRIES = 3
"""Attempts to be given the session of another connection: others may use the pooler meanwhile."""

WHEN_ASKED = 2**31
"""Executions before the driver prepares a statement that does not ask for it."""

MAX_PREPARED = 20
"""The number of statements that a connection keeps prepared. A search's takes 0.6 to 0.9 MB."""

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


class DatabaseError(UserFacingError, RuntimeError):
    """The database cannot be used as it is; the message says what to do."""


def database_url() -> str:
    """The libpq address in use. Starts the embedded server where no `DATABASE_URL` is set."""
    if url := config.settings().database_url:
        return url
    from catalog.db.embedded import embedded_url  # a shop with its own database never loads it

    return embedded_url()


def connection_parameters() -> dict[str, str]:
    """`database_url()` as keywords and values of libpq.

    Raises:
        DatabaseError: `DATABASE_URL` is no address, or its password is not percent-encoded.
    """
    return _parameters_of(database_url(), "DATABASE_URL")


def connect_options() -> dict[str, str]:
    """`connection_parameters()` with a time limit for connecting.

    Raises:
        DatabaseError: see `connection_parameters`.
    """
    return options_of(database_url(), "DATABASE_URL")


def options_of(url: str, variable: str) -> dict[str, str]:
    """An address as keywords and values of libpq, with a time limit for connecting.

    Raises:
        DatabaseError: `url`, the value of `variable`, is no address.
    """
    return {"connect_timeout": str(CONNECT_TIMEOUT), **_parameters_of(url, variable)}


def _parameters_of(url: str, variable: str) -> dict[str, str]:
    known = _parsed(url)
    if known is None:
        raise DatabaseError(NO_ADDRESS.format(variable))
    return known


def connection_environment() -> dict[str, str]:
    """`connection_parameters()` as environment variables of libpq, for other programs.

    Raises:
        DatabaseError: see `connection_parameters`.
    """
    known = connection_parameters()
    variables = {
        option.keyword.decode(): option.envvar.decode()
        for option in Conninfo.get_defaults()
        if option.envvar
    }
    return {variables[key]: value for key, value in known.items() if key in variables}


def _parsed(url: str) -> dict[str, str] | None:
    """The keywords and values of an address; None if it is none, since libpq's message may contain
    parts of the password."""
    scheme, separator, rest = url.partition("://")
    if separator and "=" not in scheme:
        # libpq takes the first @ and the first / for those that end the password and the host.
        server, _, others = rest.partition("/")
        if server.count("@") > 1 or "@" in others.partition("?")[0]:
            return None
    try:
        known = {key: str(value) for key, value in conninfo_to_dict(url).items()}
    except psycopg.ProgrammingError:
        return None
    ports = known.get("port", "").split(",")
    return known if all(port.isdecimal() or not port for port in ports) else None


def open_connection(*, autocommit: bool = False) -> psycopg.Connection:
    """A new connection, which the caller closes.

    It prepares no statements, since a transaction pooler runs each transaction in another session;
    those of `create_pool` do where they have their own session.

    Raises:
        DatabaseError: the database cannot store every text.
    """
    connection = psycopg.connect(
        **connect_options(),  # type: ignore[arg-type]
        autocommit=autocommit,
        prepare_threshold=None,
    )
    remember(connection)
    encoding = connection.info.parameter_status("server_encoding")
    if encoding not in (None, "UTF8"):
        name = connection.info.dbname
        connection.close()
        raise DatabaseError(
            f"the database {name} has the encoding {encoding}, which cannot store every text:"
            " create another with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and set"
            " DATABASE_URL to it"
        )
    return connection


_opened: WeakSet[psycopg.Connection] = WeakSet()
_opening = Lock()


def remember(connection: psycopg.Connection) -> None:
    """Add a connection to `opened_connections`."""
    with _opening:
        _opened.add(connection)


def opened_connections() -> list[psycopg.Connection]:
    """The connections of this process, whatever opened them."""
    with _opening:
        return [connection for connection in _opened if not connection.closed]


def open_session() -> psycopg.Connection:
    """A new connection in autocommit mode for what a session keeps: locks, LISTEN and settings.

    Raises:
        DatabaseError: a transaction pooler is in between.
    """
    connection = open_connection(autocommit=True)
    try:
        shared = _is_shared(connection)
    except BaseException:
        connection.close()
        raise
    if shared:
        connection.close()
        raise DatabaseError(
            "DATABASE_URL leads to a transaction pooler such as pgbouncer, but this command needs"
            " sessions of its own: give it an address that leads to PostgreSQL itself"
        )
    return connection


def require_sessions() -> None:
    """Check that `open_session` will work, before any work is done.

    Raises:
        DatabaseError: see `open_session`.
    """
    open_session().close()


def _is_shared(connection: psycopg.Connection) -> bool:
    """Whether a pooler gives the session of an autocommit connection to other clients as well.

    A pooler tells its clients other process ids than PostgreSQL's. One that keeps sessions apart
    gives no client the process of another, nor another process to the same client.
    """
    own = _process_id(connection)
    if own == connection.info.backend_pid:
        return False
    with ExitStack() as others:
        for _ in range(SESSION_TRIES):
            other = others.enter_context(open_connection())
            if _process_id(other) == own or _process_id(connection) != own:
                return True
    return False


def _process_id(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    return int(row[0])


@lru_cache(maxsize=1)
def engine() -> Engine:
    """The connection pool of this process. halfvec values are transferred in binary."""
    return create_pool(open_connection)


def create_pool(open_one: Callable[[], psycopg.Connection]) -> Engine:
    """A pool of the connections that `open_one` opens, with the types of vectors. They prepare the
    statements that ask for it (`prepare=True`), unless they lead to a pooler."""
    pool = create_engine(
        "postgresql+psycopg://",
        creator=open_one,
        pool_size=8,
        max_overflow=8,
        pool_timeout=CONNECT_TIMEOUT,
        pool_pre_ping=True,
    )
    event.listen(pool, "checkout", _register_vector)
    return pool


def _register_vector(
    connection: psycopg.Connection, record: ConnectionPoolEntry, _proxy: object
) -> None:
    """Register the vector types at checkout, once a migration has created them."""
    if record.info.get("has_vector"):
        return
    autocommit = connection.autocommit
    connection.autocommit = True
    if connection.execute("SELECT to_regtype('halfvec')").fetchone() != (None,):
        register_vector(connection)
        record.info["has_vector"] = True
        if _process_id(connection) == connection.info.backend_pid:  # no pooler in between
            connection.prepare_threshold = WHEN_ASKED
            connection.prepared_max = MAX_PREPARED
    connection.autocommit = autocommit


def driver_connection(connection: Connection) -> psycopg.Connection:
    """The psycopg connection that a SQLAlchemy connection uses."""
    return cast(psycopg.Connection, connection.connection.driver_connection)


def compose(statement: LiteralString, **identifiers: str) -> str:
    """`statement` with `{placeholders}` replaced by quoted names of tables, columns or indexes."""
    names = {place: sql.Identifier(name) for place, name in identifiers.items()}
    return sql.SQL(statement).format(**names).as_string()


@contextmanager
def connect() -> Iterator[Connection]:
    """A connection in a transaction, which commits at the end or rolls back on an error."""
    with engine().begin() as connection:
        yield connection


def retry_transient(work: Callable[[], Result]) -> Result:
    """Call `work` and return its result, retrying for up to `RECONNECT_TIMEOUT` seconds.

    It retries after a lost connection, as when the server restarts or a standby takes over, and
    after a deadlock or a time limit for a lock. `work` must be idempotent.

    Raises:
        DBAPIError, psycopg.OperationalError: the database is still not available after that time,
            or the error is not transient.
    """
    deadline = time.monotonic() + RECONNECT_TIMEOUT
    while True:
        try:
            return work()
        except (DBAPIError, psycopg.OperationalError) as error:
            if not _is_transient(error) or time.monotonic() > deadline:
                raise
            logger.warning("the database is not available, retrying: %s", error)
            time.sleep(RETRY_INTERVAL)


def _is_transient(error: Exception) -> bool:
    """Whether the cause is the connection or a concurrent transaction, not the statement."""
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return True
        error = error.orig if isinstance(error.orig, Exception) else error
    down = psycopg.errors.AdminShutdown | psycopg.errors.CannotConnectNow
    waiting = psycopg.errors.DeadlockDetected | psycopg.errors.LockNotAvailable
    if isinstance(error, down | psycopg.errors.CrashShutdown | waiting):
        return True
    # An error without an SQLSTATE never reached a server.
    return isinstance(error, psycopg.OperationalError) and error.sqlstate is None


def forget_engine() -> None:
    """Close the pool; the next use opens a new one for the current `DATABASE_URL`."""
    if engine.cache_info().currsize:
        engine().dispose()
        engine.cache_clear()
