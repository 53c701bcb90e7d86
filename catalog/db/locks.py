"""Advisory locks: all their keys, so that no two purposes share one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum

from sqlalchemy import Connection

from catalog.db.connection import open_session
from embedding.registry import Modality


class LockSpace(IntEnum):
    """The first key of a lock, which says what it protects."""

    EMBEDDING = 0x656D6265
    IMPORT = 0x696D706F
    SYNONYMS = 0x73796E6F
    VARIANTS = 0x76617269


def lock_transaction(connection: Connection, space: LockSpace) -> None:
    """Wait until no other transaction holds the lock; it is released when this one ends."""
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%(space)s, 0)", {"space": int(space)})


def lock_embedding(connection: Connection, model: str, modality: Modality) -> None:
    """Wait until no process embeds the modality of the model, and keep all from it in this
    transaction."""
    key = {"space": int(LockSpace.EMBEDDING), "name": f"{model} {modality}"}
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%(space)s, hashtext(%(name)s))", key)


def try_lock_embedding(connection: Connection, model: str, modality: Modality) -> bool:
    """Like `lock_embedding`, but return False at once if a process embeds the modality."""
    key = {"space": int(LockSpace.EMBEDDING), "name": f"{model} {modality}"}
    found = connection.exec_driver_sql(
        "SELECT pg_try_advisory_xact_lock(%(space)s, hashtext(%(name)s))", key
    )
    return bool(found.scalar())


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
    """
    with open_session() as connection:
        key = {"space": int(LockSpace.EMBEDDING), "name": f"{model} {modality}"}
        row = connection.execute(
            "SELECT pg_try_advisory_lock(%(space)s, hashtext(%(name)s))", key
        ).fetchone()
        mine = bool(row and row[0])
        if not mine and on_wait is not None:
            on_wait()
            connection.execute("SELECT pg_advisory_lock(%(space)s, hashtext(%(name)s))", key)
            mine = True
        yield mine
