"""Creates logins for analysts, with limits that keep them from stopping the shop."""

import secrets
from typing import LiteralString

from psycopg import sql
from sqlalchemy import Connection

from catalog.db.connection import DatabaseError, driver_connection
from catalog.db.embedded_tcp import TEMPORARY_FILES

MAX_CONNECTIONS = 4
"""The maximum number of connections of an analyst."""

SHOP_CONNECTIONS = 40
"""Connections of the server that analysts leave to the shop, the worker and commands."""

TIME_LIMIT = "60s"
"""When a statement, or a transaction that waits for its client, is ended."""

MEMBERS = """
SELECT r.rolcanlogin AND pg_has_role(r.oid, 'analyst', 'MEMBER')
       AND NOT has_table_privilege(r.oid, 'public.product', 'UPDATE')
  FROM pg_roles r
 WHERE r.rolname = %(name)s
"""


OTHERS = """
SELECT coalesce(sum(CASE WHEN rolconnlimit < 0 THEN %(most)s ELSE rolconnlimit END), 0)::int,
       current_setting('max_connections')::int
         - current_setting('superuser_reserved_connections')::int
         - coalesce(current_setting('reserved_connections', true)::int, 0)
  FROM pg_roles r
 WHERE rolcanlogin AND rolname <> %(name)s AND NOT rolsuper
   AND pg_has_role(r.oid, 'analyst', 'MEMBER')
   AND NOT has_table_privilege(r.oid, 'public.product', 'UPDATE')
"""
"""The connections that the other analysts can take, and those that the server has."""


class AnalystError(DatabaseError):
    """The login cannot be created; the message says why."""


def add_analyst(connection: Connection, name: str, *, can_embed: bool = False) -> str:
    """Create a login of an analyst, or renew one, and return its new password.

    Args:
        can_embed: whether its transactions may write, as `search.embed` does. Otherwise they are
            read-only unless it asks for another kind.

    Raises:
        AnalystError: the role `analyst` is missing, another role has this name, or too few
            connections would be left to the shop.
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
    others, most = driver.execute(OTHERS, {"name": name, "most": MAX_CONNECTIONS}).fetchone() or (
        0,
        0,
    )
    if known is None and others + MAX_CONNECTIONS > most - SHOP_CONNECTIONS:
        raise AnalystError(
            f"analysts could take {others + MAX_CONNECTIONS} of the server's {most} connections,"
            f" and the shop needs {SHOP_CONNECTIONS}: remove a login (DROP ROLE), or raise"
            " max_connections"
        )
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
    superuser = driver.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    if superuser.fetchone() == (True,):  # and then the login cannot change it
        settings["temp_file_limit"] = TEMPORARY_FILES
    for setting, value in settings.items():
        driver.execute(
            sql.SQL("ALTER ROLE {} SET " + setting + " = {}").format(role, sql.Literal(value))
        )
    return password
