"""What the shop's commands have in common."""

from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError, SystemCheckError
from psycopg import errors
from sqlalchemy.exc import DBAPIError

from catalog import config
from catalog.db.connection import connection_parameters
from embedding.errors import UserFacingError

SHOWN = 20
"""Rows that a command lists before it says how many more there are."""
INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""

NO_SCHEMA = (
    *(errors.UndefinedTable, errors.UndefinedColumn, errors.UndefinedFunction),
    *(errors.UndefinedObject, errors.InvalidSchemaName),
)


class CatalogCommand(BaseCommand):
    """A command that ends with one line and status 2 after an error that the user can fix: a
    setting, a file, the database, a model. `--traceback` shows where it happened."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except SystemCheckError as error:
            error.returncode = 2
            raise
        except UserFacingError as error:
            raise CommandError(str(error), returncode=2) from error
        except OSError as error:
            where = "" if error.filename is None else f"{error.filename}: "
            raise CommandError(f"{where}{error.strerror or error}", returncode=2) from error
        except (psycopg.Error, DBAPIError) as error:
            if (problem := database_problem(error)) is None:
                raise
            raise CommandError(problem, returncode=2) from error


def database_problem(error: Exception) -> str | None:
    """What is wrong with the database, in one line with what to do; None: it is not at fault."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, NO_SCHEMA):
        reason = cause.diag.message_primary
        return f"the catalogue's tables are missing or old ({reason}): run ./manage.py migrate"
    if not isinstance(cause, psycopg.OperationalError):
        return None
    reason = cause.diag.message_primary or str(cause).partition("\n")[0]
    if cause.sqlstate is None:  # it never came to a server, or away from one
        return f"{_server()} does not answer: {reason} (is it running? is DATABASE_URL right?)"
    return f"{_server()}: {reason}"


def _server() -> str:
    """Which server is meant; its address has a password, which is not shown."""
    if config.settings().database_url is None:
        return "the embedded PostgreSQL"
    known = connection_parameters()
    return f"PostgreSQL at {known.get('host', 'the local socket')}:{known.get('port', 5432)}"
