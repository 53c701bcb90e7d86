"""What a database needs before the catalogue can be created in it: pgvector, and schemas where
searches find them."""

import re

from sqlalchemy import Connection

from catalog.db.connection import DatabaseError

PGVECTOR_NEEDED = (0, 8, 4)

CATALOGUE_SCHEMA = "public"
"""The schema of the catalogue's tables. Generated columns and SQL functions name it."""

SCHEMAS = """
SELECT current_schema() AS first, quote_ident(current_database()) AS database,
       n.nspname AS vector, n.nspname = ANY (current_schemas(true)) AS is_in_path,
       n.nspname <> 'public' AND has_schema_privilege('public', n.oid, 'CREATE') AS is_open
  FROM (VALUES (1)) AS one (row)
       LEFT JOIN pg_extension e ON e.extname = 'vector'
       LEFT JOIN pg_namespace n ON n.oid = e.extnamespace
"""


def require_pgvector(connection: Connection) -> None:
    """Check that pgvector is available and recent enough.

    Raises:
        DatabaseError: pgvector is missing or too old.
    """
    needed = ".".join(map(str, PGVECTOR_NEEDED))
    row = connection.exec_driver_sql(
        "SELECT installed_version, default_version FROM pg_available_extensions"
        " WHERE name = 'vector'"
    ).one_or_none()
    if row is None:
        raise DatabaseError(
            f"this PostgreSQL has no pgvector: install pgvector {needed} or newer on its server"
            " (Debian: the package postgresql-NN-pgvector of apt.postgresql.org)"
        )
    installed, available = row
    if _version(available) < PGVECTOR_NEEDED:
        raise DatabaseError(
            f"pgvector {available} is too old: {needed} or newer is needed on the server"
        )
    if installed is not None and _version(installed) < PGVECTOR_NEEDED:
        raise DatabaseError(
            f"this database uses pgvector {installed} although {available} is installed:"
            " run ALTER EXTENSION vector UPDATE in it"
        )


def require_schemas(connection: Connection) -> None:
    """Check that tables are created in `CATALOGUE_SCHEMA`, and that pgvector's types are found.

    Raises:
        DatabaseError: the `search_path` leads elsewhere, or anybody can create objects beside
            pgvector's, which SQL functions would then use.
    """
    found = connection.exec_driver_sql(SCHEMAS).one()
    vector = found.vector or CATALOGUE_SCHEMA
    path = ", ".join(dict.fromkeys([CATALOGUE_SCHEMA, vector]))
    fix = f"ALTER DATABASE {found.database} SET search_path = {path}"
    if found.first != CATALOGUE_SCHEMA:
        raise DatabaseError(
            f"the catalogue must be in the schema {CATALOGUE_SCHEMA}, but search_path leads to"
            f" {found.first or 'no schema'} first: use a database of the shop's own, or run {fix}"
        )
    if found.is_in_path is False:
        raise DatabaseError(
            f"pgvector is in the schema {vector}, where this user does not find it: run {fix}; and"
            f" GRANT USAGE ON SCHEMA {vector} to the user"
        )
    if found.is_open:
        raise DatabaseError(
            f"pgvector is in the schema {vector}, where anybody can create functions that searches"
            f" would use instead of pgvector's: run REVOKE CREATE ON SCHEMA {vector} FROM PUBLIC"
        )


def vector_schema(connection: Connection) -> str:
    """The schema that has pgvector's types; where there is none yet, the one that will."""
    return connection.exec_driver_sql(SCHEMAS).one().vector or CATALOGUE_SCHEMA


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))
