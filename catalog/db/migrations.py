"""The catalogue's part of the schema, which Alembic brings up to date."""

import alembic.command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from sqlalchemy import Connection

from catalog.config import PROJECT
from catalog.db.connection import DatabaseError
from catalog.lexemes import fill_lexemes
from embedding.progress import Progress


def alembic_config() -> Config:
    return Config(toml_file=PROJECT / "pyproject.toml")


UNKNOWN = """
the database is at revision {}, which this version of the project does not know:
- 0001 to 0008: upgrade it to 0009 first, with commit 5209407 of the project.
- 0010 to 0019: an old drop_model has written it. Delete its file from
  migrations/versions and run this SQL: UPDATE alembic_version SET version_num = '0009'
- any other: the database is newer. Use a newer version of the project.
""".strip()


def pending_migrations(connection: Connection) -> list[Script]:
    """The migrations that the database lacks, the next one first.

    Raises:
        DatabaseError: the database has a migration that this version does not know.
    """
    scripts = ScriptDirectory.from_config(alembic_config())
    current = MigrationContext.configure(connection).get_current_heads()
    try:
        return list(scripts.iterate_revisions("heads", current))[::-1]
    except RevisionError as error:
        raise DatabaseError(UNKNOWN.format(", ".join(current))) from error


def migrate(*, quiet: bool = True) -> None:
    """Apply the pending migrations, create the tables of models in `MODELS` that have none,
    update the SQL functions, the views and the starter synonyms, and fill the lexemes of products
    unless they are current.

    Progress is shown unless `quiet`.

    Raises:
        DatabaseError: pgvector is missing or too old, Alembic refuses, or `SEARCH_LANGUAGES` has a
            language that the database lacks.
    """
    try:
        alembic.command.upgrade(alembic_config(), "head")
    except CommandError as error:
        raise DatabaseError(str(error)) from error
    with Progress("words of products", " products", quiet=quiet) as progress:
        fill_lexemes(progress.reach)
