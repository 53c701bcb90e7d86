"""Alembic's environment: `alembic upgrade head` creates the catalogue in the configured database.

Alembic ignores all tables that `catalog.tables` does not define, such as Django's tables and the
tables of models (`catalog.model_tables`). After an upgrade to the head, tables are created
for models in `MODELS` that have none, and the SQL objects (`catalog.sqlapi.objects`) and the
starter synonyms (`catalog.synonyms.store`) are updated.
"""

import sys

import psycopg
from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from catalog.db.connection import forget_engine
from catalog.db.migrations import pending_migrations
from catalog.db.problems import database_problem
from catalog.db.requirements import require_pgvector, require_schemas
from catalog.indexing.versions import renew_versions, what_changed
from catalog.model_tables import add_missing_models, change_schema, make_searches_wait
from catalog.sqlapi.defaults import missing_defaults
from catalog.sqlapi.objects import create_objects, drop_objects
from catalog.synonyms.store import load_starter
from catalog.tables import metadata
from embedding.errors import UserFacingError

MISSING_DEFAULTS = (
    "Raw vector queries in SQL may return too few rows, and this user may not set the defaults of"
    " the database. Its owner or an administrator runs: {};"
)


def include_name(name: str | None, kind: str, _parents: object) -> bool:
    return kind != "table" or name in metadata.tables


def render_item(kind: str, item: object, autogen: AutogenContext) -> str | bool:
    if kind == "type" and type(item).__module__.startswith("pgvector.sqlalchemy"):
        autogen.imports.add("from pgvector.sqlalchemy import HALFVEC")
        return repr(item)
    return False


def migrates() -> bool:
    """Whether this run is an upgrade or a downgrade, not `check` or `revision`."""
    try:
        context.get_revision_argument()
    except KeyError:
        return False
    return True


def run(connection: Connection) -> None:
    require_pgvector(connection)
    require_schemas(connection)
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_name=include_name,
        render_item=render_item,
    )
    if not migrates():
        context.run_migrations()
        return
    pending_migrations(connection)  # fails on a revision that this version does not have
    make_searches_wait(connection)
    to_head = context.get_revision_argument() == context.get_head_revision()
    if not to_head:  # an older revision may need any of them dropped
        drop_objects(connection)
    context.run_migrations()
    if to_head:
        for name in add_missing_models(connection):
            print(f"Created the tables of the model {name}", file=sys.stderr)
        load_starter(connection)
        # Its trigger refreshes search.meaning. In a new database there is none yet.
        connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
        create_objects(connection)
        if statements := missing_defaults(connection):
            print(MISSING_DEFAULTS.format("; ".join(statements)), file=sys.stderr)
        for name, modality in renew_versions(connection):
            print(
                f"The {what_changed(name, modality)} have changed:"
                f" its {modality}s are embedded again",
                file=sys.stderr,
            )


if context.is_offline_mode():
    raise SystemExit("Run the migrations on a connected database; --sql is not supported.")
try:
    change_schema(run, lambda: print("The tables are in use, trying again ...", file=sys.stderr))
except UserFacingError as error:
    raise CommandError(str(error)) from error  # which Alembic shows in one line
except (psycopg.Error, DBAPIError) as error:
    if (problem := database_problem(error)) is None:
        raise
    raise CommandError(problem) from error
forget_engine()  # connections from before CREATE EXTENSION do not know its types
