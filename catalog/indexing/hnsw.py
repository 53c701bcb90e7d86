"""Builds the HNSW index after a large number of rows was written, not row by row.

Inserting rows into a table without the index is a hundred times as fast. Searches use an exact scan
until the index exists. It is built `CONCURRENTLY`, so that searches continue during the build; in a
partitioned table, which allows this only for each partition, one after the other.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Connection, Index, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex

from catalog.db.connection import compose, connect, open_session
from catalog.db.locks import embedding_lock
from catalog.tables import MODEL, embedding_table, embedding_table_name
from embedding.registry import Modality

DEFER_FROM = 5_000
"""Minimum number of pending rows for dropping the index first."""
DEFER_SHARE = 0.1
"""The index stays if the existing rows exceed this share of the pending rows: shoppers use it."""

MAX_MEMORY = 2 * 2**30
"""Limit, in bytes, up to which a build raises the server's `maintenance_work_mem`."""

NODE = 800
"""Bytes that a build needs for each row beside its vector, above all for its neighbours."""

BUILDING = """
SELECT phase, tuples_done, tuples_total FROM pg_stat_progress_create_index
 WHERE relid = %(table)s::regclass
    OR relid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = %(table)s::regclass)
"""

LEAVES = """
SELECT oid::regclass::text
  FROM pg_class LEFT JOIN pg_inherits ON inhrelid = oid
 WHERE relkind = 'r' AND %(table)s::regclass IN (oid, inhparent)
 ORDER BY pg_table_size(oid) DESC
"""
"""The partitions of a table, the largest first; of one without partitions, itself."""

RAISE_MEMORY = f"""
SELECT set_config('maintenance_work_mem',
           greatest(pg_size_bytes(current_setting('maintenance_work_mem')),
                    least({MAX_MEMORY}, pg_table_size(oid) + {NODE} * greatest(reltuples, 0))
           )::bigint / 1024 || 'kB', %(is_local)s),
       set_config('max_parallel_maintenance_workers',
                  current_setting('max_parallel_workers'), %(is_local)s)
  FROM pg_class WHERE oid = %(table)s::regclass
"""
"""Gives a build of an index of a table the memory and processes that it needs."""

Progress = Callable[[int, int], None]
"""Called with the number of rows in the index so far and the total number of rows."""


def get_index(connection: Connection, model: str, modality: Modality) -> Index:
    """The definition of the HNSW index of a table of embeddings."""
    query = select(MODEL.c.dimensions, MODEL.c.binary).where(MODEL.c.name == model)
    dimensions, binary = connection.execute(query).one()
    (index,) = (
        index
        for index in embedding_table(model, modality, dimensions, binary=binary).indexes
        if index.dialect_options["postgresql"]["using"] == "hnsw"
    )
    return index


def index_name(model: str, modality: Modality) -> str:
    """The name of the HNSW index of a table of embeddings."""
    return f"{embedding_table_name(model, modality)}_embedding_hnsw"


def defer_index(connection: Connection, model: str, modality: Modality, pending: int) -> bool:
    """Drop the index if building it after `pending` new rows is faster; returns whether it did."""
    table = embedding_table_name(model, modality)
    if pending < DEFER_FROM:
        return False
    max_present = int(DEFER_SHARE * pending) + 1
    present = connection.exec_driver_sql(
        compose("SELECT count(*) FROM (SELECT FROM {table} LIMIT %(max)s) AS present", table=table),
        {"max": max_present},
    ).scalar_one()
    if present >= max_present:
        return False
    index = index_name(model, modality)
    connection.exec_driver_sql(compose("DROP INDEX IF EXISTS {index}", index=index))
    return True


def has_index(connection: Connection, model: str, modality: Modality) -> bool:
    """Whether the index exists and is valid. After an interrupted build it is not valid."""
    found = connection.exec_driver_sql(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%(name)s)",
        {"name": index_name(model, modality)},
    ).scalar()
    return bool(found)


def ensure_index(
    model: str,
    modality: Modality,
    progress: Progress = lambda done, total: None,
    *,
    wait: bool = True,
) -> float:
    """Build the index if it is missing or invalid; returns the seconds it took, or 0.0.

    If another process holds the lock of this model and modality, wait for it; without `wait`,
    return at once and let that process build the index.
    """
    with embedding_lock(model, modality, (lambda: None) if wait else None) as mine:
        with connect() as connection:
            if not mine or has_index(connection, model, modality):
                return 0.0
        started = time.perf_counter()
        with ThreadPoolExecutor(1, "index") as building:
            built = building.submit(_build, model, modality)
            while not built.done():
                _report(embedding_table_name(model, modality), progress)
                time.sleep(0.2)
            built.result()
        return time.perf_counter() - started


def _build(model: str, modality: Modality) -> None:
    with connect() as known:
        index = get_index(known, model, modality)
    create = str(CreateIndex(index).compile(dialect=postgresql.dialect()))
    table = index.table.name if index.table is not None else ""
    with open_session() as connection:
        leaves = connection.execute(LEAVES, {"table": table}).fetchall()
        connection.execute(RAISE_MEMORY, {"table": leaves[0][0], "is_local": False})
        concurrently = create.replace("CREATE INDEX", "CREATE INDEX CONCURRENTLY", 1)
        if leaves == [(table,)]:
            connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}".encode())
            connection.execute(concurrently.encode())
            return
        connection.execute(f"DROP INDEX IF EXISTS {index.name}".encode())
        for (leaf,) in leaves:
            name = f"{leaf}_embedding_hnsw"
            connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}".encode())
            own = concurrently.replace(f" {index.name} ON {table} ", f" {name} ON {leaf} ", 1)
            connection.execute(own.encode())
        connection.execute(create.encode())  # takes the indexes of the partitions


def _report(table: str, progress: Progress) -> None:
    with connect() as connection:
        row = connection.exec_driver_sql(BUILDING, {"table": table}).first()
    if row is not None and row.tuples_total:
        progress(int(row.tuples_done), int(row.tuples_total))
