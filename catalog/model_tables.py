"""Creates and drops the tables of a model, while searches and fills of other models continue.

Models are data: they need no migrations, and Alembic ignores these tables.
"""

import random
import time
from collections.abc import Callable
from typing import Any, LiteralString, TypeVar, get_args

from psycopg.errors import DuplicateTable, LockNotAvailable
from sqlalchemy import Connection, Row, Table, delete, func, insert, inspect, select, update
from sqlalchemy.exc import DBAPIError

from catalog.active_models import (
    DEFAULT_MODEL,
    NEXT_MODEL,
    missing_models,
    models_in_use,
    stored_models,
)
from catalog.db.connection import DatabaseError, compose, connect
from catalog.db.locks import lock_embedding
from catalog.sqlapi.objects import create_objects, find_dependents
from catalog.tables import (
    EMBEDDING_VERSION,
    FILTER_COLUMNS,
    MODEL,
    PRODUCT,
    SETTING,
    embedding_table,
    embedding_table_name,
    metadata,
    signs_table,
    signs_table_name,
)
from embedding.registry import Modality, ModelSpec, get_spec, models

LOCK_TIMEOUT = "500ms"
"""Less than `deadlock_timeout` (one second), after which PostgreSQL cancels a participant of a
deadlock. So the schema change fails and is retried, and no search is cancelled."""

ATTEMPTS = 60

Result = TypeVar("Result")

MODEL_ROWS = (
    *("calibration", "query_embedding", "embedding_failure", "embedding_version"),
    *("reduction", "index_recall"),
)
"""Tables whose rows belong to a model and are deleted with it."""

FILL_SIGNS: tuple[LiteralString, ...] = (
    "CREATE TRIGGER fill_signs_inserted AFTER INSERT ON {table} REFERENCING NEW TABLE AS written"
    " FOR EACH STATEMENT EXECUTE FUNCTION public.fill_signs()",
    "CREATE TRIGGER fill_signs_updated AFTER UPDATE ON {table} REFERENCING NEW TABLE AS written"
    " FOR EACH STATEMENT EXECUTE FUNCTION public.fill_signs()",
)
"""The triggers of a table of embeddings that fill its table of signs (migration 0039)."""


def change_schema(change: Callable[[Connection], Result], on_retry: Callable[[], None]) -> Result:
    """Run `change` in a transaction, and retry while locks cannot be acquired; returns its result.

    Raises:
        DatabaseError: locks could not be acquired in `ATTEMPTS` attempts.
    """
    for _ in range(ATTEMPTS):
        try:
            with connect() as connection:
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
                return change(connection)
        except DBAPIError as error:
            if not isinstance(error.orig, LockNotAvailable):
                raise
            on_retry()
            time.sleep(random.uniform(0.1, 1.0))
    raise DatabaseError("could not lock the tables: try again when the shop is less busy")


def make_searches_wait(connection: Connection) -> None:
    """Wait for the running searches, and make new ones wait until the transaction ends.

    Every search reads `setting` first, so a waiting search holds no lock that the transaction
    needs.
    """
    if connection.exec_driver_sql("SELECT to_regclass('setting')").scalar():
        connection.exec_driver_sql("LOCK TABLE setting IN ACCESS EXCLUSIVE MODE")


def add_model(connection: Connection, spec: ModelSpec) -> list[str]:
    """Create the model's tables, indexes, grants and SQL objects.

    If it uses the pictures of another model, that model is added too.

    Returns the names of the models whose tables were created.

    Raises:
        UnknownModel: the registry has no model that it refers to.
        DatabaseError: the model's tables do not fit its entry, or another table has their name.
    """
    _lock_models(connection)
    created = _create_tables(connection, spec)
    if created:
        make_searches_wait(connection)
        create_objects(connection)
    return created


def add_missing_models(connection: Connection) -> list[str]:
    """Create the tables of the models in `MODELS` that have none; returns their names.

    Models from before there were tables of signs get these too. The caller updates the SQL objects.
    """
    _lock_models(connection)
    _add_missing_signs(connection)
    missing = [
        name
        for model in missing_models(connection)
        for name in _create_tables(connection, get_spec(model))
    ]
    known = models()
    for name in stored_models(connection):
        if name in known:
            label = {"label": known[name].label}
            connection.execute(update(MODEL).where(MODEL.c.name == name).values(label))
    return missing


def drop_model(connection: Connection, name: str) -> None:
    """Drop the model's tables and SQL objects, and delete its rows in other tables.

    Waits for processes that are embedding with the model.

    Raises:
        DatabaseError: the model has no tables, is the default or planned as the next one, or
            another model or view uses its tables.
    """
    for modality in get_args(Modality):
        lock_embedding(connection, name, modality)
    make_searches_wait(connection)
    _lock_models(connection)
    row = _require_model(connection, name)
    # Other processes may use the default model although it is not in this process's MODELS.
    stored = select(SETTING.c.name, SETTING.c.value).where(
        SETTING.c.name.in_([DEFAULT_MODEL, NEXT_MODEL])
    )
    chosen = {row.name: row.value for row in connection.execute(stored)}
    if name in {chosen.get(DEFAULT_MODEL), *models_in_use(connection)[:1]}:
        raise DatabaseError(f"{name} is the default model: choose another with set_default_model")
    if name == chosen.get(NEXT_MODEL):
        raise DatabaseError(
            f"{name} is planned as the next default model: in the admin's search settings,"
            ' choose "Keep the model in use", or choose another with set_default_model'
        )
    connection.execute(delete(MODEL).where(MODEL.c.name == name))
    create_objects(connection)
    _drop_tables(connection, row)
    for table_name in MODEL_ROWS:
        rows = metadata.tables[table_name]
        connection.execute(delete(rows).where(rows.c.model == name))


def partition_model(connection: Connection, name: str, partitions: int) -> None:
    """Divide the tables of a model into partitions, by a hash of their primary keys.

    They must be empty, so that nothing waits while rows are copied. Each partition has an HNSW
    index of its own, and the search merges them.

    Raises:
        UnknownModel: the registry has no such model.
        DatabaseError: the model has no tables or has embeddings, or another model or view uses its
            tables.
    """
    spec = get_spec(name)
    for modality in get_args(Modality):
        lock_embedding(connection, name, modality)
    make_searches_wait(connection)
    _lock_models(connection)
    row = _require_model(connection, name)
    for modality in spec.own_modalities:
        table = embedding_table(name, modality)
        if connection.execute(select(select(table).exists())).scalar():
            raise DatabaseError(
                f"{name} has embeddings in {table.name}: divide the tables of a model before it"
                " embeds, for example those of a copy of its entry with another name"
            )
    connection.execute(delete(MODEL).where(MODEL.c.name == name))
    create_objects(connection)
    _drop_tables(connection, row)
    connection.execute(delete(EMBEDDING_VERSION).where(EMBEDDING_VERSION.c.model == name))
    _create_tables(connection, spec, partitions)
    create_objects(connection)


def _require_model(connection: Connection, name: str) -> Row[Any]:
    """The row of a model that has tables.

    Raises:
        DatabaseError: it has none, or another model uses its pictures.
    """
    row = connection.execute(select(MODEL).where(MODEL.c.name == name)).one_or_none()
    if row is None:
        names = ", ".join(stored_models(connection))
        raise DatabaseError(f"no model {name!r} has tables; these have: {names}")
    sharing = select(MODEL.c.name).where(MODEL.c.pictures == name)
    if others := connection.execute(sharing).scalars().all():
        raise DatabaseError(f"{', '.join(others)} uses the pictures of {name}: drop it first")
    return row


def _drop_tables(connection: Connection, row: Row[Any]) -> None:
    """Drop the tables and views of a model, which has no SQL objects any more."""
    for modality in row.modalities:
        table = embedding_table(row.name, modality)
        signs = signs_table(row.name, modality)
        if modality == "image" and row.pictures:
            views = {"view": table.name, "signs": signs.name}
            connection.exec_driver_sql(compose("DROP VIEW {view}, {signs}", **views))
            continue
        root = connection.exec_driver_sql(
            "SELECT 'pg_class'::regclass::oid, to_regclass(quote_ident(%(name)s))::oid",
            {"name": table.name},
        ).one()
        find_dependents(connection, [(root[0], root[1])])
        signs.drop(connection)
        table.drop(connection)


def _create_tables(connection: Connection, spec: ModelSpec, partitions: int = 0) -> list[str]:
    """Create the tables of a model, and of the one whose pictures it uses; returns their names."""
    row = connection.execute(select(MODEL).where(MODEL.c.name == spec.name)).one_or_none()
    if row is not None:
        if (row.dimensions, tuple(row.modalities)) != (spec.dimensions, spec.modalities):
            raise DatabaseError(
                f"{spec.name} has tables for {' and '.join(row.modalities)} in {row.dimensions}"
                f" dimensions, but its entry says {' and '.join(spec.modalities)} in"
                f" {spec.dimensions}: give the changed model a new name"
            )
        if (row.pictures, row.binary) != (spec.pictures, spec.binary):
            raise DatabaseError(
                f"the entry of {spec.name} has changed since its tables were created: give the"
                " changed model a new name"
            )
        return []
    created = []
    if spec.pictures:
        owner = get_spec(spec.pictures)
        if owner.dimensions != spec.dimensions or "image" not in owner.own_modalities:
            raise DatabaseError(
                f"{spec.name} cannot use the pictures of {owner.name}, which has none of its own in"
                f" {spec.dimensions} dimensions"
            )
        created = _create_tables(connection, owner)
    for modality in spec.modalities:
        if spec.owner(modality) != spec.name:
            for named in (embedding_table_name, signs_table_name):
                shared = named(spec.owner(modality), modality)
                _create_view(connection, named(spec.name, modality), shared)
            continue
        table = embedding_table(
            spec.name,
            modality,
            spec.dimensions,
            binary=spec.binary,
            is_partitioned=partitions > 0,
        )
        try:
            table.create(connection, checkfirst=False)
            _create_partitions(connection, table, partitions)
            _create_signs(connection, spec.name, modality, spec.dimensions, partitions)
        except DBAPIError as error:
            if not isinstance(error.orig, DuplicateTable):
                raise
            raise DatabaseError(
                f"the database already has a table {embedding_table_name(spec.name, modality)}:"
                " give the model another name"
            ) from error
    connection.execute(
        insert(MODEL).values(
            name=spec.name,
            label=spec.label,
            dimensions=spec.dimensions,
            modalities=list(spec.modalities),
            pictures=spec.pictures,
            binary=spec.binary,
        )
    )
    connection.execute(
        insert(EMBEDDING_VERSION),
        [{"model": spec.name, "modality": modality} for modality in spec.own_modalities],
    )
    return [*created, spec.name]


def _create_view(connection: Connection, view: str, table: str) -> None:
    """A view of the owner's table under the name that the model's own table would have.

    PostgreSQL reads the table in its place, with its indexes.
    """
    connection.exec_driver_sql(
        compose("CREATE VIEW {view} AS TABLE {table}", view=view, table=table)
    )


def _create_partitions(connection: Connection, table: Table, partitions: int) -> None:
    """Create the partitions of a table, `<table>_0` and so on."""
    for number in range(partitions):
        connection.exec_driver_sql(
            compose(
                "CREATE TABLE {partition} PARTITION OF {table}"
                " FOR VALUES WITH (MODULUS %(modulus)s, REMAINDER %(remainder)s)",
                partition=f"{table.name}_{number}",
                table=table.name,
            )
            % {"modulus": partitions, "remainder": number}
        )


def _create_signs(
    connection: Connection,
    model: str,
    modality: Modality,
    dimensions: int,
    partitions: int = 0,
) -> None:
    """Create the table of the signs of a model's embeddings, and the triggers that fill it."""
    signs = signs_table(model, modality, dimensions, is_partitioned=partitions > 0)
    signs.create(connection, checkfirst=False)
    _create_partitions(connection, signs, partitions)
    for trigger in FILL_SIGNS:
        table = embedding_table_name(model, modality)
        connection.exec_driver_sql(compose(trigger, table=table))


def _add_missing_signs(connection: Connection) -> None:
    """Create and fill the tables of signs of models that have none."""
    for row in connection.execute(select(MODEL).order_by(MODEL.c.pictures)):
        for modality in row.modalities:
            signs = signs_table(row.name, modality)
            if inspect(connection).has_table(signs.name):
                continue
            if modality == "image" and row.pictures:
                _create_view(connection, signs.name, signs_table_name(row.pictures, modality))
                continue
            _create_signs(connection, row.name, modality, row.dimensions)
            table = embedding_table(row.name, modality)
            copied = {name: PRODUCT.c[name] for name in FILTER_COLUMNS}
            quantized = func.binary_quantize(table.c.embedding)
            columns = {**dict(table.c.items()), **copied, "signs": quantized}
            names = [column.name for column in signs.columns]
            embedded = select(*(columns[name] for name in names))
            embedded = embedded.join_from(table, PRODUCT, PRODUCT.c.id == table.c.product_id)
            connection.execute(insert(signs).from_select(names, embedded))
            connection.exec_driver_sql(compose("ANALYZE {signs}", signs=signs.name))


def _lock_models(connection: Connection) -> None:
    """Wait until no other transaction adds or drops a model. Reading continues."""
    connection.exec_driver_sql("LOCK TABLE model IN SHARE ROW EXCLUSIVE MODE")
