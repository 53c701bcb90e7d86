"""Runs Python commands in processes forked from one that has already imported the libraries.

Starting `manage.py` takes more than a second of CPU time, nearly all of it for these imports. Tests
that send signals, or read while the process runs, start Python with `subprocess.Popen`.
"""

import atexit
import gc
import json
import os
import runpy
import subprocess
import sys
import traceback
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

PROJECT = Path(__file__).resolve().parent.parent
PRELOADED = (
    *("alembic.command", "django.contrib.admin", "django.core.management", "django.forms"),
    *("django.db.backends.postgresql.base", "django.template", "sqlmodel", "numpy", "PIL.Image"),
    *("catalog.importing", "catalog.indexing", "catalog.search.pipeline", "catalog.sqlapi.objects"),
)
"""None of these may read the environment, in which each command has its own variables."""


def run_python(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run `python arguments…` to its end, with more variables in the environment."""
    return run_python_with(os.environ | environment, *arguments)


def run_python_with(
    environment: Mapping[str, str], *arguments: str
) -> "subprocess.CompletedProcess[str]":
    """Run `python arguments…` to its end, with only these variables in the environment."""
    server = _server()
    assert server.stdin
    assert server.stdout
    with TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("stdout", "stderr")]
        request = {
            "arguments": arguments,
            "environment": dict(environment),
            "files": list(map(str, files)),
        }
        server.stdin.write(json.dumps(request) + "\n")
        server.stdin.flush()
        status = int(server.stdout.readline())
        stdout, stderr = (file.read_text() for file in files)
    return subprocess.CompletedProcess(arguments, status, stdout, stderr)


@cache
def _server() -> "subprocess.Popen[str]":
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.processes"],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(server.communicate)
    return server


def _serve() -> None:
    gc.disable()
    for name in PRELOADED:
        __import__(name)
    gc.freeze()
    gc.enable()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _run(**json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run(arguments: list[str], environment: dict[str, str], files: list[str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    sys.stdin = open(os.devnull)  # noqa: SIM115
    os.dup2(sys.stdin.fileno(), 0)
    for number, file in enumerate(files, start=1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
    status = 0
    try:
        _run_main(arguments)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        status = 1
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _run_main(arguments: list[str]) -> None:
    """As the interpreter would."""
    option, *rest = arguments
    if option == "-c":
        sys.argv = ["-c", *rest[1:]]
        exec(rest[0], {"__name__": "__main__"})
    elif option == "-m":
        sys.argv = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        runpy.run_path(option, run_name="__main__")


if __name__ == "__main__":
    _serve()
