"""What the environment says is understood as people write it, and by every process alike."""

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import PROJECT

TOGETHER = """
import sys
import django.core.management.utils, catalog.config
print("ready", flush=True)
sys.stdin.readline()
from shop import settings
print(settings.SECRET_KEY)
"""


def start(code: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_hosts_may_have_blanks_between_them() -> None:
    code = "from shop import settings; print(settings.ALLOWED_HOSTS)"
    printed, _ = start(code, ALLOWED_HOSTS=" a.example, b.example,").communicate()
    assert printed.strip() == "['a.example', 'b.example']"


def test_processes_that_start_at_once_share_one_secret_key(tmp_path: Path) -> None:
    for attempt in range(4):
        folder = tmp_path / str(attempt)
        processes = [start(TOGETHER, VAR_DIR=str(folder), SECRET_KEY="") for _ in range(6)]
        for process in processes:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin
            process.stdin.write("\n")
            process.stdin.flush()
        keys = {process.communicate()[0].strip() for process in processes}
        assert len(keys) == 1
        assert len(keys.pop()) == 50
        assert [path.name for path in folder.iterdir()] == ["secret_key"]
        assert (folder / "secret_key").stat().st_mode & 0o077 == 0
