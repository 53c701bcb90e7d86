"""Settings of the database that make raw vector queries of analysts complete.

By default pgvector's index returns at most 40 rows, and fewer behind a filter. Settings of the role
`analyst` do not reach its members, those of the database reach every session. Searches set their
own values, and a setting that an administrator has chosen stays.
"""

from psycopg.errors import InsufficientPrivilege
from psycopg.sql import SQL, Identifier, Literal
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

DEFAULTS = {
    "hnsw.iterative_scan": "strict_order",
    "hnsw.ef_search": "200",
    "hnsw.max_scan_tuples": "100000",
    "hnsw.scan_mem_multiplier": "4",
}

MISSING = """
SELECT name, value, current_database() AS database
  FROM unnest(%(names)s::text[], %(values)s::text[]) WITH ORDINALITY AS wanted (name, value, place)
 WHERE NOT EXISTS (SELECT FROM pg_db_role_setting, unnest(setconfig) AS setting
                    WHERE setrole = 0 AND starts_with(setting, name || '=')
                      AND setdatabase = (SELECT oid FROM pg_database
                                          WHERE datname = current_database()))
 ORDER BY place
"""


def missing_defaults(connection: Connection) -> list[str]:
    """The statements that set the `DEFAULTS` that the database lacks."""
    wanted = {"names": list(DEFAULTS), "values": list(DEFAULTS.values())}
    return [
        SQL("ALTER DATABASE {} SET {} = {}")
        .format(Identifier(row.database), SQL(row.name), Literal(row.value))
        .as_string()
        for row in connection.exec_driver_sql(MISSING, wanted)
    ]


def set_defaults(connection: Connection) -> None:
    """Set the `DEFAULTS` that the database lacks, if its user may: the owner of the database, in a
    session that has loaded pgvector."""
    statements = missing_defaults(connection)
    try:
        with connection.begin_nested():
            for statement in statements:
                connection.exec_driver_sql(statement)
    except DBAPIError as error:
        if not isinstance(error.orig, InsufficientPrivilege):
            raise
