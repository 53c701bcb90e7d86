"""Checks of the configuration and the database for `manage.py check`, with hints for fixing them.

The database checks run with `manage.py check --database default` and before `migrate`.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from sqlalchemy import Connection, inspect
from sqlalchemy.exc import DBAPIError

from catalog import config
from catalog.active_models import NoTables, missing_models
from catalog.db.connection import DatabaseError, connect
from catalog.db.problems import database_problem
from catalog.db.requirements import require_pgvector, require_schemas
from catalog.indexing.versions import changed_models, what_changed
from catalog.lexemes import lexemes_are_current
from catalog.sqlapi.defaults import missing_defaults
from catalog.sqlapi.objects import differences
from catalog.tables import metadata
from embedding.registry import (
    MissingFolder,
    UnknownModel,
    get_spec,
    registry_problems,
)
from shop.rates import RateStoreError, check_store


@register(Tags.models)
def check_models(**kwargs: Any) -> list[CheckMessage]:
    """Check that the registry is readable and has every model in `MODELS`."""
    found: list[CheckMessage] = [
        Error(
            str(problem),
            hint="Create the folder, or remove it from EMBEDDING_REGISTRY."
            if isinstance(problem, MissingFolder)
            else "Fix or delete the file.",
            id="shop.E002",
        )
        for problem in registry_problems()
    ]
    if found:
        return found
    for name in config.settings().models:
        try:
            get_spec(name)
        except UnknownModel as error:
            hint = "Correct the environment variable MODELS."
            found.append(Error(f"MODELS: {error}", hint=hint, id="shop.E001"))
    return found


@register(Tags.caches)
def check_rate_store(**kwargs: Any) -> list[CheckMessage]:
    """Check that `RATE_STORE` names a store whose package is installed."""
    try:
        if settings.RATE_STORE:
            check_store(settings.RATE_STORE)
    except RateStoreError as error:
        hint = "For Redis: pip install --editable '.[redis]'"
        return [Error(str(error), hint=hint, id="shop.E004")]
    return []


@register(Tags.database)
def check_database(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Check the version of pgvector, and that the catalogue's tables exist."""
    if not databases:
        return []
    try:
        with connect() as connection:
            require_pgvector(connection)
            require_schemas(connection)
            missing = set(metadata.tables) - set(inspect(connection).get_table_names())
            if not missing:
                return check_schema(connection) + check_defaults(connection)
    except DatabaseError as error:
        return [Error(str(error), id="shop.E003")]
    except (DBAPIError, psycopg.Error) as error:
        if (problem := database_problem(error)) is None:
            raise
        return [Error(problem, id="shop.E003")]
    hint = "Run: ./manage.py migrate"
    message = f"The database lacks tables of the catalogue: {', '.join(sorted(missing))}."
    return [Warning(message, hint=hint, id="shop.W004")]


def check_schema(connection: Connection) -> list[CheckMessage]:
    """Check that the models in `MODELS` have tables, and that the SQL objects match this code and
    these settings."""
    found: list[CheckMessage] = [
        Warning(str(NoTables(name)), id="shop.W005") for name in missing_models(connection)
    ]
    if names := differences(connection):
        message = (
            "The SQL functions in the database were created by another version or with other"
            f" settings ({', '.join(names)})."
        )
        found.append(Warning(message, hint="Run: ./manage.py migrate", id="shop.W006"))
    found += [
        Warning(
            f"The {what_changed(name, modality)} have changed since its {modality}s were embedded.",
            hint=f"Run: ./manage.py embed_catalog --model {name}",
            id="shop.W009",
        )
        for name, modality in changed_models(connection)
    ]
    if not lexemes_are_current(connection):
        message = (
            "The stored words of products do not match SEARCH_LANGUAGES and the roles of facets."
        )
        found.append(Warning(message, hint="Run: ./manage.py migrate", id="shop.W007"))
    return found


def check_defaults(connection: Connection) -> list[CheckMessage]:
    """Check that the database has the defaults of pgvector that analysts need."""
    statements = missing_defaults(connection)
    if not statements:
        return []
    message = "Raw vector queries in SQL may return too few rows: the database lacks settings."
    hint = (
        "Run ./manage.py migrate as the owner of the database, or let an administrator run:"
        f" {'; '.join(statements)};"
    )
    return [Warning(message, hint=hint, id="shop.W008")]


def warn_of_schema(stream: Any) -> None:
    """Write the warnings of `check_schema` to `stream`, for long-running processes.

    An unreachable or empty database is reported elsewhere.
    """
    try:
        with connect() as connection:
            found = check_schema(connection)
    except (DatabaseError, DBAPIError, psycopg.Error):
        return
    for warning in found:
        stream.write(" ".join(filter(None, [str(warning.msg), warning.hint])))
