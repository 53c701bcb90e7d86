"""A model's tables: created and dropped while searches and other models' fills go on.

Models are data: what is done here needs no migration, and Alembic leaves these tables alone.
"""

import random
import time
from collections.abc import Callable
from typing import TypeVar, get_args

from psycopg.errors import DuplicateTable, LockNotAvailable
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import DBAPIError

from catalog.active_models import default_model, missing_models, stored_models
from catalog.db.connection import DatabaseError, connect
from catalog.db.locks import lock_embedding
from catalog.sqlapi.objects import create_objects, find_dependents
from catalog.tables import MODEL, embedding_table, embedding_table_name, metadata
from embedding.registry import Modality, ModelSpec, get_spec, models

PATIENCE = "500ms"
"""For which a lock is waited for. PostgreSQL looks for deadlocks after a second and ends whoever
looked: so a change of the schema gives way, and is tried again, never a shopper's search."""
ATTEMPTS = 60

Result = TypeVar("Result")

LEARNT = ("calibration", "query_embedding", "embedding_failure")
"""Tables with rows that are of use only with the model that they name."""


def change_schema(change: Callable[[Connection], Result], on_retry: Callable[[], None]) -> Result:
    """What `change` returns, called in a transaction; again and again if locks are not to be had.

    Raises:
        DatabaseError: the tables stayed in use.
    """
    for _ in range(ATTEMPTS):
        try:
            with connect() as connection:
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{PATIENCE}'")
                return change(connection)
        except DBAPIError as error:
            if not isinstance(error.orig, LockNotAvailable):
                raise
            on_retry()
            time.sleep(random.uniform(0.1, 1.0))
    raise DatabaseError("the tables are in use all the time: try again when there is less to do")


def hold_searches_up(connection: Connection) -> None:
    """Every search reads `setting` before anything else: those under way end, new ones wait, and
    none holds what the transaction needs while it waits for what the transaction has."""
    if connection.exec_driver_sql("SELECT to_regclass('setting')").scalar():
        connection.exec_driver_sql("LOCK TABLE setting IN ACCESS EXCLUSIVE MODE")


def add_model(connection: Connection, spec: ModelSpec) -> bool:
    """Create the model's tables, their indexes, grants and SQL objects; False if they are there.

    Raises:
        DatabaseError: the model has tables for other vectors, or a table has the name of one.
    """
    _one_at_a_time(connection)
    if not _create_tables(connection, spec):
        return False
    hold_searches_up(connection)
    create_objects(connection)
    return True


def add_missing_models(connection: Connection) -> list[str]:
    """Create the tables of the models in `MODELS` that have none; returns their names. The SQL
    objects are left to the caller."""
    _one_at_a_time(connection)
    missing = missing_models(connection)
    for name in missing:
        _create_tables(connection, get_spec(name))
    known = models()
    for name in stored_models(connection):
        if name in known:
            label = {"label": known[name].label}
            connection.execute(update(MODEL).where(MODEL.c.name == name).values(label))
    return missing


def drop_model(connection: Connection, name: str) -> None:
    """Drop the model's tables and SQL objects, and forget what was learnt of its vectors.

    Raises:
        DatabaseError: it has no tables; it is the default model; or somebody's own view uses them.
    """
    for modality in get_args(Modality):
        lock_embedding(connection, name, modality)
    hold_searches_up(connection)
    _one_at_a_time(connection)
    row = connection.execute(select(MODEL).where(MODEL.c.name == name)).one_or_none()
    if row is None:
        names = ", ".join(stored_models(connection))
        raise DatabaseError(f"no model {name!r} has tables; these have: {names}")
    if name == default_model(connection):
        raise DatabaseError(f"{name} is the default model: choose another with set_default_model")
    connection.execute(delete(MODEL).where(MODEL.c.name == name))
    create_objects(connection)
    for modality in row.modalities:
        table = embedding_table(name, modality)
        root = connection.exec_driver_sql(
            "SELECT 'pg_class'::regclass::oid, to_regclass(quote_ident(%(name)s))::oid",
            {"name": table.name},
        ).one()
        find_dependents(connection, [(root[0], root[1])])
        table.drop(connection)
    for learnt in LEARNT:
        rows = metadata.tables[learnt]
        connection.execute(delete(rows).where(rows.c.model == name))


def _create_tables(connection: Connection, spec: ModelSpec) -> bool:
    row = connection.execute(select(MODEL).where(MODEL.c.name == spec.name)).one_or_none()
    if row is not None:
        if (row.dimensions, tuple(row.modalities)) != (spec.dimensions, spec.modalities):
            raise DatabaseError(
                f"{spec.name} has tables for {' and '.join(row.modalities)} in {row.dimensions}"
                f" dimensions, and its entry says {' and '.join(spec.modalities)} in"
                f" {spec.dimensions}: a changed model needs a new name"
            )
        return False
    for modality in spec.modalities:
        table = embedding_table(spec.name, modality, spec.dimensions)
        try:
            table.create(connection, checkfirst=False)
        except DBAPIError as error:
            if not isinstance(error.orig, DuplicateTable):
                raise
            raise DatabaseError(
                f"the database has a table {embedding_table_name(spec.name, modality)} already:"
                " give the model another name"
            ) from error
    values = {"label": spec.label, "dimensions": spec.dimensions}
    connection.execute(
        insert(MODEL).values(name=spec.name, modalities=list(spec.modalities), **values)
    )
    return True


def _one_at_a_time(connection: Connection) -> None:
    """Who adds or drops a model sees what others have; whoever reads goes on."""
    connection.exec_driver_sql("LOCK TABLE model IN SHARE ROW EXCLUSIVE MODE")
