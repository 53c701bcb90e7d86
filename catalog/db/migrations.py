"""The catalogue's part of the schema, which Alembic brings up to date."""

import alembic.command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError

from catalog.config import PROJECT
from catalog.db.connection import DatabaseError, connect


def alembic_config() -> Config:
    return Config(toml_file=PROJECT / "pyproject.toml")


def pending_migrations() -> list[Script]:
    """The migrations that the database lacks, the next one first.

    Raises:
        DatabaseError: the database has a migration that this version does not know.
    """
    scripts = ScriptDirectory.from_config(alembic_config())
    with connect() as connection:
        current = MigrationContext.configure(connection).get_current_heads()
    try:
        return list(scripts.iterate_revisions("heads", current))[::-1]
    except RevisionError as error:
        message = f"the database is newer than this version of the project: {error}"
        raise DatabaseError(message) from error


def migrate() -> None:
    """Apply the pending migrations, and create the views and functions of SQL again.

    Raises:
        DatabaseError: pgvector is missing or too old, or Alembic refuses.
    """
    try:
        alembic.command.upgrade(alembic_config(), "head")
    except CommandError as error:
        raise DatabaseError(str(error)) from error
