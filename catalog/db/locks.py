"""Who embeds one modality of one model: one process at a time, so that nothing is encoded twice."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from catalog.db.connection import connection_parameters
from embedding.registry import Modality

SPACE = 0x656D6265
"""Of the advisory locks, "embe"."""


@contextmanager
def turn(
    model: str, modality: Modality, on_wait: Callable[[], None] | None = None
) -> Iterator[bool]:
    """Whether it is this process's turn, for as long as the context lasts.

    The lock is a connection's own: it ends with the process, however that ends. With `on_wait`,
    which is called if another process has the turn, this one waits for it.
    """
    parameters = connection_parameters()
    with psycopg.connect(**parameters, autocommit=True) as connection:  # type: ignore[arg-type]
        key = {"space": SPACE, "name": f"{model} {modality}"}
        row = connection.execute(
            "SELECT pg_try_advisory_lock(%(space)s, hashtext(%(name)s))", key
        ).fetchone()
        mine = bool(row and row[0])
        if not mine and on_wait is not None:
            on_wait()
            connection.execute("SELECT pg_advisory_lock(%(space)s, hashtext(%(name)s))", key)
            mine = True
        yield mine
