"""Progress is a bar on a terminal, and lines in a pipe or a file."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

import pytest

from embedding import progress
from embedding.progress import Progress
from tests.conftest import PROJECT

COMMAND = """
from embedding.progress import Progress
with Progress("import", " rows", 2) as bar:
    bar.advance()
    bar.note("waiting")
    bar.advance()
print("2 rows")
"""


def rows_of(count: int, **more: bool) -> None:
    with Progress("import", " rows", count, **more) as bar:
        for _ in range(count):
            bar.advance()


def test_short_task_prints_one_line_into_a_pipe(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows_of(1000)
    output = capsys.readouterr()
    assert output.out == ""
    (line,) = output.err.splitlines(keepends=True)
    assert line.startswith("import: 1000/1000 [")
    assert line.endswith("rows/s]\n")


def test_long_task_prints_lines_into_a_pipe(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    rows_of(3)
    lines = capsys.readouterr().err.splitlines(keepends=True)
    assert [line.split(" [")[0] for line in lines] == [f"import: {n}/3" for n in (1, 2, 3)]


def test_progress_is_shown_when_the_task_fails(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted() -> None:
        with Progress("import", " rows", 5) as bar:
            bar.advance(2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert capsys.readouterr().err.startswith("import: 2/5 [")


def test_nothing_is_shown_without_progress_or_if_quiet(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows_of(0)
    rows_of(3, quiet=True)
    assert capsys.readouterr() == ("", "")


def test_total_and_label_can_be_set_later(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Progress("", " rows") as bar:
        bar.reach(2, 8)
        bar.relabel("index")
        bar.reach(4, 8)
    assert capsys.readouterr().err.startswith("index: 4/8 [")


def test_terminal_shows_a_bar_and_complete_notes() -> None:
    terminal, ours = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND], cwd=PROJECT, stdout=subprocess.PIPE, stderr=ours, text=True
    ) as process:
        os.close(ours)
        shown = b""
        try:
            while part := os.read(terminal, 4096):
                shown += part
        except OSError:  # how Linux says that the other end is closed
            pass
        finally:
            os.close(terminal)
        assert process.stdout
        assert process.stdout.read() == "2 rows\n"
    bars = shown.decode().split("\r")
    assert any(bar.startswith("import: 100%|") for bar in bars)
    assert "waiting" in bars


def test_pipe_gets_no_carriage_returns() -> None:
    done = subprocess.run(
        [sys.executable, "-c", COMMAND], cwd=PROJECT, capture_output=True, check=True
    )
    assert done.stdout == b"2 rows\n"
    first, second = done.stderr.splitlines(keepends=True)
    assert first == b"waiting\n"
    assert second.startswith(b"import: 2/2 [")
    assert b"\r" not in done.stderr
