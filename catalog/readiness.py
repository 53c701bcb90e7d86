"""Whether the database is ready for searches: reachable, migrated, and with a model."""

from functools import cache

import psycopg
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from catalog.active_models import models_in_use
from catalog.db.connection import DatabaseError, connect
from catalog.db.migrations import alembic_config, pending_migrations
from catalog.db.watchdog import watchdog

STATEMENT_TIMEOUT = "1s"

AWAY = "the database does not answer"
NOT_MIGRATED = "the database is not migrated"
NO_MODEL = "no model of MODELS has tables"


def readiness_problem() -> str:
    """Why searches cannot be answered; empty if they can.

    It takes a few seconds at most, also while the database is frozen.
    """
    if watchdog.is_away:
        return AWAY
    try:
        with watchdog.watch(), connect() as connection:
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'")
            if not _is_migrated(connection):
                return NOT_MIGRATED
            return "" if models_in_use(connection) else NO_MODEL
    except (psycopg.Error, DBAPIError, DatabaseError, PoolTimeout):
        return AWAY


def _is_migrated(connection: Connection) -> bool:
    """Whether the database has all migrations of this version; it may have later ones too: during
    an update, earlier processes still answer."""
    if set(MigrationContext.configure(connection).get_current_heads()) == _newest():
        return True
    try:
        return not pending_migrations(connection)
    except DatabaseError:
        return True


@cache
def _newest() -> set[str]:
    return set(ScriptDirectory.from_config(alembic_config()).get_heads())
