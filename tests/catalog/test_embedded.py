"""The embedded PostgreSQL recovers from killed processes and stale lock files."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest

from catalog.db.embedded import _remove_stale_files, memory_settings
from tests.conftest import PROJECT

pytestmark = pytest.mark.process

USE = "from catalog.db.connection import database_url as url; import psycopg; "
ASK = USE + "print(psycopg.connect(url()).execute('SELECT 1').fetchone())"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for a server that only this test uses."""
    with TemporaryDirectory(prefix="server-test-") as name:
        os.chmod(name, 0o755)
        yield Path(name)


def run(code: str, var: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env=environment(var) | more,
        capture_output=True,
        text=True,
        timeout=60,
    )


def environment(var: Path) -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k != "DATABASE_URL"} | {"VAR_DIR": str(var)}


def postmaster(var: Path) -> int:
    return int((var / "postgres/postmaster.pid").read_text().splitlines()[0])


def hold(var: Path) -> subprocess.Popen[str]:
    """A process that uses the server and then waits."""
    process = subprocess.Popen(
        [sys.executable, "-c", ASK + "\nimport time; print('up', flush=True); time.sleep(60)"],
        cwd=PROJECT,
        env=environment(var),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    while "up" not in (line := process.stdout.readline()):
        assert line, "the server did not start"
    return process


def test_the_server_stops_after_its_last_user(folder: Path) -> None:
    first = run(ASK, folder)
    assert first.stdout == "(1,)\n", first.stderr
    assert not (folder / "postgres/postmaster.pid").exists()


def test_memory_settings_are_applied(folder: Path) -> None:
    shown = run(ASK.replace("SELECT 1", "SHOW maintenance_work_mem"), folder)
    wanted = memory_settings(psutil.virtual_memory().total, os.cpu_count() or 1)
    units = {wanted["maintenance_work_mem"], "1GB" if "1024MB" in wanted.values() else ""}
    assert shown.stdout.strip()[2:-3] in units, shown.stderr


def test_a_killed_user_does_not_keep_the_server_running(folder: Path) -> None:
    user = hold(folder)
    user.kill()
    user.wait()
    server = postmaster(folder)
    assert run(ASK, folder).stdout == "(1,)\n"
    deadline = time.monotonic() + 10
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
    shell = subprocess.run(
        [sys.executable, "manage.py", "dbshell", "--", "-Atc", "SELECT 6 * 7"],
        cwd=PROJECT,
        env=environment(folder) | {"PATH": os.defpath},
        capture_output=True,
        text=True,
        timeout=60,
    )
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


def test_concurrent_threads_start_one_server(folder: Path) -> None:
    code = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from catalog.db.embedded import embedded_url\n"
        "with ThreadPoolExecutor(4) as pool:\n"
        "    print(len(set(pool.map(lambda _: embedded_url(), range(8)))))"
    )
    done = run(code, folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "1"
