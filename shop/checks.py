"""What `manage.py check` reports about the configuration, and how to fix it.

The checks of the database run with `manage.py check --database default` and before `migrate`.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from sqlalchemy import Connection, inspect
from sqlalchemy.exc import DBAPIError

from catalog import config
from catalog.active_models import NoTables, missing_models
from catalog.db.connection import DatabaseError, connect, require_pgvector
from catalog.sqlapi.objects import differences
from catalog.tables import metadata
from embedding.registry import RegistryError, UnknownModel, get_spec


@register(Tags.models)
def check_models(**kwargs: Any) -> list[CheckMessage]:
    """`MODELS` names entries of the registry."""
    found: list[CheckMessage] = []
    for name in config.settings().models:
        try:
            get_spec(name)
        except UnknownModel as error:
            hint = "Correct the environment variable MODELS."
            found.append(Error(f"MODELS: {error}", hint=hint, id="shop.E001"))
        except RegistryError as error:
            hint = "Fix the file, or remove its folder from EMBEDDING_REGISTRY."
            return [Error(str(error), hint=hint, id="shop.E002")]
    return found


@register(Tags.database)
def check_database(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """pgvector is new enough, and the catalogue's tables are there."""
    if not databases:
        return []
    try:
        with connect() as connection:
            require_pgvector(connection)
            missing = set(metadata.tables) - set(inspect(connection).get_table_names())
            if not missing:
                return check_schema(connection)
    except DatabaseError as error:
        return [Error(str(error), id="shop.E003")]
    hint = "Run: ./manage.py migrate"
    message = f"The catalogue lacks tables: {', '.join(sorted(missing))}."
    return [Warning(message, hint=hint, id="shop.W004")]


def check_schema(connection: Connection) -> list[CheckMessage]:
    """The models of `MODELS` have tables, and the SQL objects are those of this code and these
    settings."""
    found: list[CheckMessage] = [
        Warning(str(NoTables(name)), id="shop.W005") for name in missing_models(connection)
    ]
    if names := differences(connection):
        message = (
            "The SQL functions in the database were made by another version or with other settings"
            f" ({', '.join(names)})."
        )
        found.append(Warning(message, hint="Run: ./manage.py migrate", id="shop.W006"))
    return found


def warn_of_schema(stream: Any) -> None:
    """Write what `check_schema` finds, for processes that run for long. A database that is away
    or empty is reported elsewhere."""
    try:
        with connect() as connection:
            found = check_schema(connection)
    except (DatabaseError, RegistryError, DBAPIError, psycopg.Error):
        return
    for warning in found:
        stream.write(" ".join(filter(None, [str(warning.msg), warning.hint])))
