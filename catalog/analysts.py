"""Creates logins for analysts, with limits that keep them from stopping the shop."""

import secrets
from typing import LiteralString

from psycopg import sql
from sqlalchemy import Connection

from catalog.db.connection import DatabaseError, driver_connection

MAX_CONNECTIONS = 4
"""The maximum number of connections of an analyst."""

TIME_LIMIT = "60s"
"""When a statement, or a transaction that waits for its client, is ended."""

MEMBERS = """
SELECT r.rolcanlogin AND pg_has_role(r.oid, 'analyst', 'MEMBER')
       AND NOT has_table_privilege(r.oid, 'public.product', 'UPDATE')
  FROM pg_roles r
 WHERE r.rolname = %(name)s
"""


class AnalystError(DatabaseError):
    """The login cannot be created; the message says why."""


def add_analyst(connection: Connection, name: str, *, can_embed: bool = False) -> str:
    """Create a login of an analyst, or renew one, and return its new password.

    Args:
        can_embed: whether its transactions may write, as `search.embed` does. Otherwise they are
            read-only unless it asks for another kind.

    Raises:
        AnalystError: the role `analyst` is missing, or another role has this name.
        DBAPIError: the shop's user may not create roles.
    """
    driver = driver_connection(connection)
    if not 0 < len(name.encode()) <= 63 or "\0" in name:
        raise AnalystError("the name of a login has 1 to 63 bytes")
    if driver.execute("SELECT FROM pg_roles WHERE rolname = 'analyst'").fetchone() is None:
        raise AnalystError(
            "there is no role analyst: ask an administrator to run CREATE ROLE analyst NOLOGIN, and"
            " then run ./manage.py migrate"
        )
    known = driver.execute(MEMBERS, {"name": name}).fetchone()
    if known is not None and not known[0]:
        raise AnalystError(f"{name} is another role already: choose another name")
    role, password = sql.Identifier(name), secrets.token_urlsafe(18)
    if known is None:
        driver.execute(sql.SQL("CREATE ROLE {} LOGIN IN ROLE analyst").format(role))
    driver.execute(
        sql.SQL("ALTER ROLE {} CONNECTION LIMIT {} PASSWORD {}").format(
            role, sql.Literal(MAX_CONNECTIONS), sql.Literal(password)
        )
    )
    settings: dict[LiteralString, str] = {
        "statement_timeout": TIME_LIMIT,
        "idle_in_transaction_session_timeout": TIME_LIMIT,
        "default_transaction_read_only": "off" if can_embed else "on",
        "hnsw.ef_search": "200",
        "hnsw.iterative_scan": "relaxed_order",
        "hnsw.max_scan_tuples": "50000",
    }
    for setting, value in settings.items():
        driver.execute(
            sql.SQL("ALTER ROLE {} SET " + setting + " = {}").format(role, sql.Literal(value))
        )
    return password
