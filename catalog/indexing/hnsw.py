"""The HNSW index of a large fill: built once at its end, in place of row by row.

Rows go a hundred times as fast into a table without the index. Searches use the exact plan until it
is there; it is built `CONCURRENTLY`, so that they go on meanwhile.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
from sqlalchemy import Connection, Index
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex

from catalog.db.connection import connect, connection_parameters
from catalog.db.locks import embedding_lock
from catalog.tables import EMBEDDINGS
from embedding.registry import Modality

DEFER_FROM = 5_000
"""Pending rows from which it is worth doing without the index meanwhile."""
DEFER_SHARE = 0.1
"""Rows already there, as a share of those pending, above which the index stays: shoppers use it."""

MOST_MEMORY = 2 * 2**30
"""Bytes that a build may take, at the most, if the server's own setting is lower."""

BUILDING = """
SELECT phase, tuples_done, tuples_total FROM pg_stat_progress_create_index
 WHERE relid = %(table)s::regclass
"""

Progress = Callable[[int, int], None]
"""Called with the rows that are in the index so far, and how many there are."""


def get_index(model: str, modality: Modality) -> Index:
    """The HNSW index of a table of embeddings, as it is defined."""
    (index,) = (
        index
        for index in EMBEDDINGS[model][modality].indexes
        if index.dialect_options["postgresql"]["using"] == "hnsw"
    )
    return index


def defer_index(connection: Connection, model: str, modality: Modality, pending: int) -> bool:
    """Drop the index if so many rows are to come that building it afterwards is faster."""
    table = EMBEDDINGS[model][modality].name
    if pending < DEFER_FROM:
        return False
    most = int(DEFER_SHARE * pending) + 1
    present = connection.exec_driver_sql(
        f"SELECT count(*) FROM (SELECT FROM {table} LIMIT {most}) AS present"
    ).scalar_one()
    if present >= most:
        return False
    connection.exec_driver_sql(f"DROP INDEX IF EXISTS {get_index(model, modality).name}")
    return True


def has_index(connection: Connection, model: str, modality: Modality) -> bool:
    """Whether the index is there and whole; one whose building was cut short is not."""
    found = connection.exec_driver_sql(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%(name)s)",
        {"name": get_index(model, modality).name},
    ).scalar()
    return bool(found)


def ensure_index(
    model: str,
    modality: Modality,
    progress: Progress = lambda done, total: None,
    *,
    wait: bool = True,
) -> float:
    """Build the index if it is not there; returns the seconds that it took, 0 if it was not built.

    Another process that embeds the same is waited for, or, without `wait`, left to build it.
    """
    with embedding_lock(model, modality, (lambda: None) if wait else None) as mine:
        with connect() as connection:
            if not mine or has_index(connection, model, modality):
                return 0.0
        started = time.perf_counter()
        with ThreadPoolExecutor(1, "index") as building:
            built = building.submit(_build, model, modality)
            while not built.done():
                _report(EMBEDDINGS[model][modality].name, progress)
                time.sleep(0.2)
            built.result()
        return time.perf_counter() - started


def _build(model: str, modality: Modality) -> None:
    index = get_index(model, modality)
    sql = str(CreateIndex(index).compile(dialect=postgresql.dialect()))
    sql = sql.replace("CREATE INDEX", "CREATE INDEX CONCURRENTLY", 1)
    parameters = connection_parameters()
    with psycopg.connect(**parameters, autocommit=True) as connection:  # type: ignore[arg-type]
        connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}".encode())
        connection.execute(
            "SELECT set_config('maintenance_work_mem', greatest(pg_size_bytes("
            "current_setting('maintenance_work_mem')), least(%(most)s, 2 * pg_table_size("
            "%(table)s::regclass)))::bigint / 1024 || 'kB', false),"
            " set_config('max_parallel_maintenance_workers',"
            " current_setting('max_parallel_workers'), false)",
            {"most": MOST_MEMORY, "table": index.table.name if index.table is not None else ""},
        )
        connection.execute(sql.encode())


def _report(table: str, progress: Progress) -> None:
    with connect() as connection:
        row = connection.exec_driver_sql(BUILDING, {"table": table}).first()
    if row is not None and row.tuples_total:
        progress(int(row.tuples_done), int(row.tuples_total))
