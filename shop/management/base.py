"""The base class of the shop's commands."""

from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError, SystemCheckError
from psycopg import errors
from sqlalchemy.exc import DBAPIError

from catalog import config
from catalog.db.connection import connection_parameters
from embedding.errors import UserFacingError

MAX_LISTED = 20
"""The maximum number of rows that a command lists; it counts the others."""
INTERRUPTED = 130
"""The exit status after Ctrl-C, as in shells."""

NO_SCHEMA = (
    *(errors.UndefinedTable, errors.UndefinedColumn, errors.UndefinedFunction),
    *(errors.UndefinedObject, errors.InvalidSchemaName),
)


class CatalogCommand(BaseCommand):
    """A command that reports errors that the user can fix in one line, with exit status 2.

    Such errors are about a setting, a file, the database or a model. `--traceback` shows more.
    """

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
    """One line that describes a database problem and its fix; None for any other error."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, NO_SCHEMA):
        reason = cause.diag.message_primary
        return f"the catalogue's tables are missing or old ({reason}): run ./manage.py migrate"
    if not isinstance(cause, psycopg.OperationalError):
        return None
    reason = cause.diag.message_primary or str(cause).partition("\n")[0]
    if cause.sqlstate is None:  # there was no connection, or it was lost
        return f"{_server()} does not answer: {reason} (is it running? is DATABASE_URL right?)"
    return f"{_server()}: {reason}"


def _server() -> str:
    """The server of this installation, without the password of its address."""
    if config.settings().database_url is None:
        return "the embedded PostgreSQL"
    known = connection_parameters()
    return f"PostgreSQL at {known.get('host', 'the local socket')}:{known.get('port', 5432)}"
