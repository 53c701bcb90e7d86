"""Alembic's environment: `alembic upgrade head` builds the catalogue in the configured database.

Django's tables, and any other that `catalog.tables` does not define, are none of its business.
"""

import random
import sys
import time

from alembic import context
from alembic.autogenerate.api import AutogenContext
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from catalog.db.connection import connect, forget_engine, require_pgvector
from catalog.sqlapi import objects as views
from catalog.tables import metadata

PATIENCE = "500ms"
"""For which a lock is waited for. PostgreSQL looks for deadlocks after a second and ends whoever
looked: so it is the migration that gives way, and tries again, never a shopper's search."""
ATTEMPTS = 60


def include_name(name: str | None, kind: str, _parents: object) -> bool:
    return kind != "table" or name in metadata.tables


def render_item(kind: str, item: object, autogen: AutogenContext) -> str | bool:
    if kind == "type" and type(item).__module__.startswith("pgvector.sqlalchemy"):
        autogen.imports.add("from pgvector.sqlalchemy import HALFVEC")
        return repr(item)
    return False


def migrates() -> bool:
    """Whether this run is an upgrade or a downgrade; `check` and `revision` only look."""
    try:
        context.get_revision_argument()
    except KeyError:
        return False
    return True


def hold_searches_up(connection: Connection) -> None:
    """Every search reads `setting` before anything else: those under way end, new ones wait, and
    none holds what the migration needs while it waits for what the migration has."""
    if connection.exec_driver_sql("SELECT to_regclass('setting')").scalar():
        connection.exec_driver_sql("LOCK TABLE setting IN ACCESS EXCLUSIVE MODE")


def run(connection: Connection) -> None:
    require_pgvector(connection)
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_name=include_name,
        render_item=render_item,
    )
    rebuild = migrates()
    if rebuild:
        hold_searches_up(connection)
        # What an older revision needs gone is not known; at the head, counts may stay.
        to_head = context.get_revision_argument() == context.get_head_revision()
        views.drop_views(connection, views.counted(connection) if to_head else ())
    context.run_migrations()
    if rebuild and views.has_tables(connection):
        views.create_views(connection)


if context.is_offline_mode():
    raise SystemExit("Run the migrations on a connected database; --sql is not supported.")
for attempt in range(1, ATTEMPTS + 1):
    try:
        with connect() as connection:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{PATIENCE}'")
            run(connection)
        break
    except OperationalError as error:
        if not isinstance(error.orig, LockNotAvailable) or attempt == ATTEMPTS:
            raise
        print("The tables are in use, trying again ...", file=sys.stderr)
        time.sleep(random.uniform(0.1, 1.0))
forget_engine()  # connections opened before the extension came do not know its types
