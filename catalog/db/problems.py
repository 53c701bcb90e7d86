"""Says in one line what is wrong with the database, and what to do."""

import psycopg
from psycopg import errors
from sqlalchemy.exc import DBAPIError

from catalog import config
from catalog.db.connection import connection_parameters

NO_SCHEMA = (
    *(errors.UndefinedTable, errors.UndefinedColumn, errors.UndefinedFunction),
    *(errors.UndefinedObject, errors.InvalidSchemaName),
)


def database_problem(error: Exception) -> str | None:
    """One line that describes a database problem and its fix; None for any other error."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, NO_SCHEMA):
        reason = cause.diag.message_primary
        return f"the catalogue's tables are missing or old ({reason}): run ./manage.py migrate"
    if isinstance(cause, errors.InsufficientPrivilege):
        hint = cause.diag.message_hint or "the owner of the database can do it, or grant it"
        return f"{_server()}: {cause.diag.message_primary} ({hint})"
    if not isinstance(cause, psycopg.OperationalError | errors.IdleInTransactionSessionTimeout):
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
