"""CPU seconds of each test module, with its fixtures, processes and PostgreSQL servers.

    python -m tests.cpu_times [--keep] [OUTPUT] [pytest's arguments]

Runs pytest in one process and adds up the times of all processes below it, also of those that a
daemon or a killed server left behind. Unlike the time of day, they are about the same on a busy
machine. Prints the modules, largest first; OUTPUT (.csv) has a row for each phase of each test.
With --keep, the modules are written to cpu_seconds.json, by which `make test` runs the long ones
first. Linux only.
"""

import csv
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path

import pytest

TICKS = os.sysconf("SC_CLK_TCK")
PR_SET_CHILD_SUBREAPER = 36
PROJECT = Path(__file__).resolve().parent.parent
KEPT = PROJECT / "tests" / "cpu_seconds.json"
FIELDS = ("module", "test", "phase", "cpu_seconds", "seconds")


def cpu_seconds(root: int) -> float:
    """What the process `root` has waited for and all processes below it have used."""
    parents: dict[int, int] = {}
    used: dict[int, int] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            try:
                stat = Path(entry.path, "stat").read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue
            state = stat[stat.rindex(b")") + 2 :].split()
            parents[int(entry.name)] = int(state[1])
            used[int(entry.name)] = sum(map(int, state[11:15]))
    below: dict[int, bool] = {root: True, 0: False}

    def belongs(process: int) -> bool:
        if process not in below:
            below[process] = belongs(parents.get(process, 0))
        return below[process]

    return sum(ticks for process, ticks in used.items() if belongs(process)) / TICKS


class Recorder:
    """The pytest plugin: writes a row after each phase of a test."""

    def __init__(self, root: int, output: Path) -> None:
        self.root = root
        self.file = output.open("w", newline="")
        self.rows = csv.writer(self.file)
        self.rows.writerow(FIELDS)
        self.before = (0.0, time.monotonic())
        self.record("", "", "import")

    def record(self, module: str, test: str, phase: str) -> None:
        now = (cpu_seconds(self.root), time.monotonic())
        used, passed = (later - earlier for later, earlier in zip(now, self.before, strict=True))
        self.rows.writerow((module, test, phase, f"{used:.2f}", f"{passed:.2f}"))
        self.before = now

    def _phase(self, item: pytest.Item, phase: str) -> Generator[None]:
        try:
            return (yield)
        finally:
            self.record(item.nodeid.partition("::")[0], item.name, phase)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None]:
        return (yield from self._phase(item, "setup"))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None]:
        return (yield from self._phase(item, "call"))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None]:
        return (yield from self._phase(item, "teardown"))

    def pytest_collection_finish(self) -> None:
        self.record("", "", "collection")
        self.file.flush()

    def pytest_runtest_logfinish(self) -> None:
        self.file.flush()


def pytest_configure(config: pytest.Config) -> None:
    root, output = os.environ["CPU_TIMES"].split(":", 1)
    config.pluginmanager.register(Recorder(int(root), Path(output)))


def report(output: Path) -> dict[str, float]:
    """Print the modules with the times of their phases; returns their CPU seconds."""
    modules: dict[str, list[float]] = defaultdict(lambda: [0.0] * 4)
    with output.open(newline="") as file:
        for row in csv.DictReader(file):
            sums = modules[row["module"] or f"({row['phase']})"]
            used = float(row["cpu_seconds"])
            sums[0] += used
            sums[1] += float(row["seconds"])
            sums[2] += used * (row["phase"] == "setup")
            sums[3] += row["phase"] == "call"
    print("\n    CPU s  seconds  set-up CPU s  tests  module")
    for module, (used, passed, before, tests) in sorted(modules.items(), key=lambda it: -it[1][0]):
        print(f"{used:9.1f}{passed:9.1f}{before:14.1f}{tests:7.0f}  {module}")
    print(f"{sum(sums[0] for sums in modules.values()):9.1f}  in all")
    return {module: sums[0] for module, sums in modules.items() if sums[3]}


def keep(measured: dict[str, float]) -> None:
    """Write what modules with at least two seconds take; those that were not run stay."""
    known = json.loads(KEPT.read_text()) | {name: round(used) for name, used in measured.items()}
    known = {name: used for name, used in sorted(known.items()) if used >= 2}
    existing = {name: used for name, used in known.items() if (PROJECT / name).exists()}
    KEPT.write_text(json.dumps(existing, indent=2) + "\n")


def main(arguments: list[str]) -> int:
    keeps = "--keep" in arguments
    arguments = [it for it in arguments if it != "--keep"]
    output = Path("var/cpu_times.csv")
    if arguments and arguments[0].endswith(".csv"):
        output = Path(arguments.pop(0))
    output.parent.mkdir(parents=True, exist_ok=True)
    # Orphans become children of this process, so that it learns how long they took.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # pytest ends itself
    tests = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "tests.cpu_times", *arguments],
        env=os.environ | {"CPU_TIMES": f"{os.getpid()}:{output}"},
    )
    status = 1
    while True:
        try:
            process, ended = os.wait()
        except ChildProcessError:
            break
        if process == tests.pid:
            status = os.waitstatus_to_exitcode(ended)
            break
    measured = report(output)
    if keeps and status == 0:
        keep(measured)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
