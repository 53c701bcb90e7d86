"""The embedded PostgreSQL recovers from killed processes and stale lock files."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from catalog.db.embedded import _remove_stale_files, memory_settings
from tests.conftest import PROJECT
from tests.own_server import empty_folder, folder
from tests.ports import free_port
from tests.processes import run_python_with

__all__ = ["empty_folder", "folder"]

pytestmark = pytest.mark.process

USE = "from catalog.db.connection import database_url as url; import psycopg; "
ASK = USE + "print(psycopg.connect(url()).execute('SELECT 1').fetchone())"


def run(code: str, var: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return run_python_with(environment(var) | more, "-c", code)


def environment(var: Path) -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k != "DATABASE_URL"} | {"VAR_DIR": str(var)}


def postmaster(var: Path) -> int:
    return int((var / "postgres/postmaster.pid").read_text().splitlines()[0])


def hold(var: Path) -> subprocess.Popen[str]:
    """A process that uses the server and then waits."""
    process = subprocess.Popen(
        [sys.executable, "-c", ASK + "\nimport time; print('up', flush=True); time.sleep(600)"],
        cwd=PROJECT,
        env=environment(var),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    while "up" not in (line := process.stdout.readline()):
        assert line, "the server did not start"
    return process


def test_the_server_stops_after_its_last_user(empty_folder: Path) -> None:
    first = run(ASK, empty_folder)
    assert first.stdout == "(1,)\n", first.stderr
    assert not (empty_folder / "postgres/postmaster.pid").exists()


def test_memory_settings_are_applied(folder: Path) -> None:
    shown = run(ASK.replace("SELECT 1", "SHOW maintenance_work_mem"), folder)
    wanted = memory_settings(psutil.virtual_memory().total, os.cpu_count() or 1)
    units = {wanted["maintenance_work_mem"], "1GB" if "1024MB" in wanted.values() else ""}
    assert shown.stdout.strip()[2:-3] in units, shown.stderr


def test_a_failed_start_says_in_one_line_where_to_look(folder: Path) -> None:
    assert run(ASK, folder).stdout == "(1,)\n"
    damaged = folder / "postgres/global/pg_control"
    content = damaged.read_bytes()
    damaged.write_bytes(b"")
    failed = run(ASK, folder)
    damaged.write_bytes(content)
    error = failed.stderr.splitlines()[-1]
    assert "did not start" in error
    assert str(folder / "postgres/log") in error
    assert "is ready to accept connections" not in failed.stderr  # from the server's log
    assert run(ASK, folder).stdout == "(1,)\n"


def test_a_killed_user_does_not_keep_the_server_running(folder: Path) -> None:
    user = hold(folder)
    user.kill()
    user.wait()
    server = postmaster(folder)
    assert run(ASK, folder).stdout == "(1,)\n"
    deadline = time.monotonic() + 60
    while psutil.pid_exists(server) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not psutil.pid_exists(server)


def test_a_killed_server_is_started_again(folder: Path) -> None:
    user = hold(folder)
    os.kill(postmaster(folder), signal.SIGKILL)
    user.kill()
    user.wait()
    assert (folder / "postgres/postmaster.pid").exists()
    again = run(ASK, folder)
    assert again.stdout == "(1,)\n", again.stderr


def test_a_lock_file_with_a_reused_process_id_is_removed(tmp_path: Path) -> None:
    lock = tmp_path / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{tmp_path}\n1\n5432\n{tmp_path}\n\n1 1\nready\n")
    _remove_stale_files(tmp_path)
    assert not lock.exists()


def test_dbshell_uses_the_psql_of_the_embedded_server(folder: Path) -> None:
    shell = manage(folder, "dbshell", "--", "-Atc", "SELECT 6 * 7", PATH=os.defpath)
    assert shell.stdout == "42\n", shell.stderr


def test_an_invalid_address_gives_a_clear_message(tmp_path: Path) -> None:
    bad = "mysql://user:secret@host/shop"
    ask = "from catalog.db.connection import connect; connect().__enter__()"
    failed = run(ask, tmp_path, DATABASE_URL=bad)
    assert "DATABASE_URL is not a PostgreSQL address" in failed.stderr
    assert failed.returncode != 0


def test_memory_settings_fit_small_and_large_machines() -> None:
    small = memory_settings(512 * 2**20, 1)
    large = memory_settings(512 * 2**30, 96)
    assert small["shared_buffers"] == "128MB"
    assert small["max_parallel_maintenance_workers"] == "1"
    assert large["shared_buffers"] == "2048MB"
    assert large["maintenance_work_mem"] == "1024MB"
    assert large["max_parallel_workers"] == "8"


def test_concurrent_threads_start_one_server(empty_folder: Path) -> None:
    code = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from catalog.db.embedded import embedded_url\n"
        "with ThreadPoolExecutor(4) as pool:\n"
        "    print(len(set(pool.map(lambda _: embedded_url(), range(8)))))"
    )
    done = run(code, empty_folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "1"


def ask_often(var: Path) -> str:
    """A script that asks the pool for the postmaster's start whenever it reads a line."""
    return (
        "import sys\n"
        "from catalog.db.connection import connect, retry_transient\n"
        "def ask():\n"
        "    with connect() as connection:\n"
        "        sql = 'SELECT pg_postmaster_start_time()::text'\n"
        "        return connection.exec_driver_sql(sql).scalar()\n"
        "print(ask(), flush=True)\n"
        "for line in sys.stdin:\n"
        "    print(retry_transient(ask), flush=True)"
    )


def test_processes_start_a_killed_server_again(folder: Path) -> None:
    users = [
        subprocess.Popen(
            [sys.executable, "-c", ask_often(folder)],
            cwd=PROJECT,
            env=environment(folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    try:
        started = {answer(user) for user in users}
        assert len(started) == 1
        for _ in range(2):
            kill_postmaster(folder)
            again = {answer(user, "\n") for user in users}
            assert len(again) == 1
            assert again != started
            started = again
    finally:
        for user in users:
            user.communicate(timeout=60)
    assert not (folder / "postgres/postmaster.pid").exists()


def kill_postmaster(var: Path) -> None:
    """Kill the server's first process and wait until its other processes have ended too."""
    server = psutil.Process(postmaster(var))
    others = server.children(recursive=True)
    server.kill()
    deadline = time.monotonic() + 60
    while not all(map(has_ended, [server, *others])):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def has_ended(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def answer(user: subprocess.Popen[str], question: str = "") -> str:
    assert user.stdin
    assert user.stdout
    user.stdin.write(question)
    user.stdin.flush()
    line = user.stdout.readline()
    assert line
    return line


def manage(var: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return run_python_with(environment(var) | more, "manage.py", *arguments)


@pytest.mark.slow
def test_analysts_connect_by_tcp_with_a_password_where_a_port_is_set(folder: Path) -> None:
    port = str(free_port())
    tcp = f"host=127.0.0.1 port={port} dbname=shop"
    user = subprocess.Popen(
        [sys.executable, "-c", ask_often(folder)],
        cwd=PROJECT,
        env=environment(folder) | {"EMBEDDED_PORT": port},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        answer(user)
        file = folder / "reader_password"
        assert file.stat().st_mode & 0o777 == 0o600
        with psycopg.connect(f"{tcp} user=reader", password=file.read_text()) as connection:
            assert connection.execute("SELECT count(*) FROM search.models").fetchone() == (2,)
            assert connection.execute("SHOW statement_timeout").fetchone() == ("1min",)
            assert connection.execute("SHOW temp_file_limit").fetchone() == ("1GB",)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("DELETE FROM product")
        for name, password in (("reader", "wrong"), ("postgres", file.read_text())):
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(f"{tcp} user={name}", password=password)
        listening = psutil.Process(postmaster(folder)).net_connections("tcp")
        assert [tuple(it.laddr) for it in listening] == [("127.0.0.1", int(port))]
        kill_postmaster(folder)
        answer(user, "\n")
        psycopg.connect(f"{tcp} user=reader", password=file.read_text()).close()
    finally:
        user.communicate(timeout=60)
    user = hold(folder)  # without the setting
    try:
        assert psutil.Process(postmaster(folder)).net_connections("tcp") == []
    finally:
        user.kill()
        user.wait()


def test_a_used_port_is_reported_in_one_line(folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        done = manage(folder, "migrate", EMBEDDED_PORT=port)
    assert done.returncode == 2
    assert f"cannot use EMBEDDED_PORT={port}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_backup_of_the_embedded_server_can_be_restored(folder: Path, tmp_path: Path) -> None:
    dump, sql = str(tmp_path / "shop.dump"), ("dbtool", "psql", "--no-psqlrc", "-Atqc")
    add = "INSERT INTO product (sku, title) VALUES ('A', 'linen shirt')"
    done = manage(folder, *sql, add)
    assert done.returncode == 0, done.stderr
    backup = ("dbtool", "pg_dump", "--format=custom", "--exclude-schema=search*", f"--file={dump}")
    done = manage(folder, *backup, PATH=os.defpath)
    assert done.returncode == 0, done.stderr
    done = manage(folder, "dbtool", "createdb", "copy")
    assert done.returncode == 0, done.stderr
    done = manage(folder, "dbtool", "pg_restore", "--dbname=copy", dump)
    assert done.returncode == 0, done.stderr
    found = manage(folder, *sql, "SELECT title, lexemes @@ 'linen' FROM product", "copy")
    assert found.stdout == "linen shirt|t\n", found.stderr


def test_the_status_of_a_tool_is_passed_on(folder: Path) -> None:
    wrong = manage(folder, "dbtool", "psql", "--no-psqlrc", "-v", "ON_ERROR_STOP=1", "-c", "wrong")
    assert wrong.returncode == 1
    assert "syntax error" in wrong.stderr
    assert manage(folder, "dbtool", "rm").returncode == 2


def test_tools_on_path_get_the_address_in_their_environment(tmp_path: Path) -> None:
    url = "postgresql://ada:p%40ss@db.example:6000/goods?sslmode=require"
    tool = tmp_path / "pg_dump"
    tool.write_text(
        '#!/bin/sh\necho "$PGHOST $PGPORT $PGUSER $PGPASSWORD $PGDATABASE $PGSSLMODE: $@"; exit 3\n'
    )
    tool.chmod(0o755)
    found = {"DATABASE_URL": url, "PATH": f"{tmp_path}:{os.defpath}"}
    done = manage(tmp_path, "dbtool", "pg_dump", "--file=x", "-v", "a b", **found)
    assert done.stdout == "db.example 6000 ada p@ss goods require: --file=x -v a b\n", done.stderr
    assert done.returncode == 3
    missing = manage(tmp_path, "dbtool", "pg_dump", **found | {"PATH": str(tmp_path / "nowhere")})
    assert missing.returncode == 2
    assert "pg_dump is not on PATH: install" in missing.stderr
    assert "p@ss" not in missing.stderr
