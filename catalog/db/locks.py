"""Advisory locks: all their keys, so that no two purposes share one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum

import psycopg
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from catalog.db.connection import DatabaseError, driver_connection, open_session
from embedding.registry import Modality


class LockSpace(IntEnum):
    """The first key of a lock, which says what it protects."""

    EMBEDDING = 0x656D6265
    IMPORT = 0x696D706F
    SYNONYMS = 0x73796E6F
    VARIANTS = 0x76617269


TIMEOUT = "2s"
"""After this time, a process that waits for a lock looks at who holds it, and continues to wait. It
is longer than PostgreSQL's `deadlock_timeout`, so that deadlocks are still found."""

HOLDER = """
SELECT a.usename, a.pid
  FROM pg_locks l
  JOIN pg_stat_activity a USING (pid)
 WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND l.classid = %(space)s::bigint::oid
   AND l.objid = (hashtext(%(name)s)::bigint & 4294967295)::oid
   AND NOT has_table_privilege(a.usesysid, 'public.product', 'UPDATE')
"""
"""Who holds a lock without being allowed to write the catalogue: everybody can take every lock."""


class LockHeld(DatabaseError):
    """Somebody who may not write the catalogue holds one of its locks."""


def lock_transaction(connection: Connection, space: LockSpace) -> None:
    """Wait until no other transaction holds the lock; it is released when this one ends.

    Raises:
        LockHeld: a role that may not write the catalogue holds it.
    """
    _lock_transaction(connection, space, "")


def lock_embedding(connection: Connection, model: str, modality: Modality) -> None:
    """Wait until no process embeds the modality of the model, and keep all from it in this
    transaction.

    Raises:
        LockHeld: a role that may not write the catalogue holds the lock.
    """
    _lock_transaction(connection, LockSpace.EMBEDDING, f"{model} {modality}")


def try_lock_embedding(connection: Connection, model: str, modality: Modality) -> bool:
    """Like `lock_embedding`, but return False at once if the lock is held, whoever holds it."""
    return _try_lock(connection, LockSpace.EMBEDDING, f"{model} {modality}")


def _try_lock(connection: Connection, space: LockSpace, name: str) -> bool:
    locked = "SELECT pg_try_advisory_xact_lock(%(space)s, hashtext(%(name)s))"
    return bool(connection.exec_driver_sql(locked, _key(space, name)).scalar())


def _lock_transaction(connection: Connection, space: LockSpace, name: str) -> None:
    if _try_lock(connection, space, name):
        return
    lock = "SELECT pg_advisory_xact_lock(%(space)s, hashtext(%(name)s))"
    before = connection.exec_driver_sql("SHOW lock_timeout").scalar_one()
    reset = "SELECT set_config('lock_timeout', %(before)s, true)"
    while True:
        _require_own(driver_connection(connection), space, name)
        try:
            with connection.begin_nested():
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{TIMEOUT}'")
                connection.exec_driver_sql(lock, _key(space, name))
                connection.exec_driver_sql(reset, {"before": before})
            return
        except DBAPIError as error:
            if not isinstance(error.orig, LockNotAvailable):
                raise


@contextmanager
def embedding_lock(
    model: str, modality: Modality, on_wait: Callable[[], None] | None = None
) -> Iterator[bool]:
    """Let one process at a time embed a modality of a model; yields whether it is this one.

    The lock belongs to a connection of its own, so it ends with the process, however that ends.

    Args:
        on_wait: called where another process holds the lock, before waiting for it. Without it
            the caller gets False at once.

    Raises:
        DatabaseError: a transaction pooler is in between, which cannot hold the lock.
        LockHeld: a role that may not write the catalogue holds it.
    """
    space, name = LockSpace.EMBEDDING, f"{model} {modality}"
    with open_session() as connection:
        row = connection.execute(
            "SELECT pg_try_advisory_lock(%(space)s, hashtext(%(name)s))", _key(space, name)
        ).fetchone()
        mine = bool(row and row[0])
        if not mine:
            _require_own(connection, space, name)
        if not mine and on_wait is not None:
            on_wait()
            _wait(connection, space, name)
            mine = True
        yield mine


def _wait(connection: psycopg.Connection, space: LockSpace, name: str) -> None:
    """Wait for a lock of the session of a connection in autocommit mode."""
    lock = "SELECT pg_advisory_lock(%(space)s, hashtext(%(name)s))"
    connection.execute(f"SET lock_timeout = '{TIMEOUT}'")
    while True:
        try:
            connection.execute(lock, _key(space, name))
        except LockNotAvailable:
            _require_own(connection, space, name)
        else:
            connection.execute("RESET lock_timeout")
            return


def _key(space: LockSpace, name: str) -> dict[str, int | str]:
    return {"space": int(space), "name": name}


def _require_own(connection: psycopg.Connection, space: LockSpace, name: str) -> None:
    """Check that whoever holds the lock may write the catalogue.

    Raises:
        LockHeld: it may not.
    """
    if holder := connection.execute(HOLDER, _key(space, name)).fetchone():
        role, process = holder
        raise LockHeld(
            f"the database role {role} holds a lock of the catalogue (process {process}), so this"
            f" cannot go on: end its session with SELECT pg_terminate_backend({process})"
        )
