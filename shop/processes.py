"""Runs the processes of the server: starts them, starts dead ones again, and stops them.

Page processes are forked from this one, which has imported the shop but no model: they share its
memory and its listening socket. It has neither threads nor connections, which a fork would break.
"""

import logging
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from types import FrameType

import psutil

from shop.metrics import forget_process

MAX_PROCESSES = 4
"""The maximum number of page processes by default."""

ENOUGH_MEMORY = 2 * 2**30
"""Bytes of memory below which there is one process by default, which has the models too."""

CONTROL_GROUP_LIMIT = "/sys/fs/cgroup/memory.max"

HEALTHY_SECONDS = 30.0
"""A process that ran for this long is started again at once when it dies."""

MAX_BACK_OFF = 30.0
"""The maximum number of seconds before another attempt to start a process that keeps dying."""

STOP_SECONDS = 20.0
"""How long the page processes may take to stop; they are killed then."""

STOP_LAST_SECONDS = 5.0
"""The same for the processes that stop after them."""

END_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""What ends the server: a service manager, Ctrl-C, and a terminal that is closed."""

logger = logging.getLogger(__name__)

Main = Callable[[], None]


@dataclass(slots=True)
class Child:
    """A process to keep running: its name in the log, and what it does, which ends the process."""

    name: str
    main: Main
    stops_last: bool = False
    """Whether the others need it until they have stopped."""
    pid: int = 0
    """0 while it does not run."""
    started_at: float = 0.0
    due_at: float = 0.0
    """When it starts again, by `time.monotonic`."""
    failures: int = 0
    """How often it died soon after its start, since it last ran well."""


def default_processes() -> int:
    """As many as cores, at most `MAX_PROCESSES`; one on a machine with little memory."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return 1 if _memory() < ENOUGH_MEMORY else min(cores, MAX_PROCESSES)


def _memory() -> int:
    """The bytes of memory that this process may use at most."""
    total = int(psutil.virtual_memory().total)
    with suppress(OSError, ValueError), open(CONTROL_GROUP_LIMIT) as file:  # "max" is no limit
        return min(total, int(file.read()))
    return total


def handle_end(handler: Callable[[int, FrameType | None], None]) -> None:
    """Set the handler of all signals that end the server and are not ignored, as by `nohup`."""
    for signum in END_SIGNALS:
        if signal.getsignal(signum) is not signal.SIG_IGN:
            signal.signal(signum, handler)


class Supervisor:
    """Keeps `children` running until one of `END_SIGNALS`.

    If this process is killed, the children end too: each waits for the end of a pipe whose other
    end only this process has open.

    Args:
        on_stop: is called before the children are stopped.
    """

    def __init__(self, children: Iterable[Child], on_stop: Main = lambda: None) -> None:
        self._children, self._on_stop = list(children), on_stop
        self._end, self._own_end = os.pipe()
        self._signals, self._wake = os.pipe()
        os.set_blocking(self._signals, False)
        os.set_blocking(self._wake, False)
        self._is_stopping = False

    def run(self) -> Main | None:
        """Start the children, and return None when all have stopped.

        It also returns in each child: what this process, the child, has to do.
        """
        handle_end(_ignore)  # the file descriptor below tells
        signal.signal(signal.SIGCHLD, _ignore)
        signal.set_wakeup_fd(self._wake)
        while not self._is_stopping:
            if main := self._start_due():
                return main
            self._wait(self._next_due())
            self._reap()
        self._stop()
        return None

    def _start_due(self) -> Main | None:
        for child in self._children:
            if not child.pid and child.due_at <= time.monotonic():
                child.started_at = time.monotonic()
                child.pid = os.fork()
                if not child.pid:
                    self._become_child()
                    return child.main
                logger.info("%s (%s) has started", child.name, child.pid)
        return None

    def _become_child(self) -> None:
        """Undo in a child what this process has set up, and watch for its end."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for signum in (signal.SIGINT, signal.SIGHUP):  # the parent gets them too, and stops it
            signal.signal(signum, signal.SIG_IGN)
        for descriptor in (self._own_end, self._signals, self._wake):
            os.close(descriptor)
        Thread(target=_end_with_parent, args=(self._end,), daemon=True).start()

    def _next_due(self) -> float:
        """Seconds until a child has to start again."""
        waiting = [child.due_at for child in self._children if not child.pid]
        return max(0.0, min(waiting) - time.monotonic()) if waiting else MAX_BACK_OFF

    def _wait(self, seconds: float) -> None:
        """Wait for a signal, at most so long."""
        select.select([self._signals], [], [], seconds)
        with suppress(BlockingIOError):
            received = os.read(self._signals, 100)
            self._is_stopping |= bool(set(END_SIGNALS) & set(received))

    def _reap(self) -> None:
        """Note which children have ended, and when to start them again."""
        for child in self._children:
            if not child.pid:
                continue
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if not pid:
                continue
            child.pid = 0
            forget_process(pid)
            if self._is_stopping:
                continue
            ran_well = time.monotonic() - child.started_at >= HEALTHY_SECONDS
            child.failures = 0 if ran_well else child.failures + 1
            pause = 0.0 if ran_well else min(MAX_BACK_OFF, 2.0 ** (child.failures - 1))
            child.due_at = time.monotonic() + pause
            logger.warning(
                "%s (%s) %s: it starts again in %.0f s", child.name, pid, _how(status), pause
            )

    def _stop(self) -> None:
        """Stop all children: pages in progress are answered first, and what is left is killed."""
        self._on_stop()
        self._end_children([it for it in self._children if not it.stops_last], STOP_SECONDS)
        self._end_children([it for it in self._children if it.stops_last], STOP_LAST_SECONDS)

    def _end_children(self, children: Sequence[Child], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        _send(children, signal.SIGTERM)
        while any(child.pid for child in children) and time.monotonic() < deadline:
            self._wait(0.1)
            self._reap()
        _send(children, signal.SIGKILL)
        for child in children:
            if child.pid:
                logger.warning("%s (%s) did not stop, so it was killed", child.name, child.pid)
                os.waitpid(child.pid, 0)
                child.pid = 0


def _send(children: Iterable[Child], signum: signal.Signals) -> None:
    for child in children:
        if child.pid:
            with suppress(ProcessLookupError):
                os.kill(child.pid, signum)


def _end_with_parent(descriptor: int) -> None:
    os.read(descriptor, 1)  # nobody writes, so it returns at the parent's end
    os.kill(os.getpid(), signal.SIGTERM)


def _how(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"was ended by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"has ended with status {os.waitstatus_to_exitcode(status)}"


def _ignore(_signal: int, _frame: FrameType | None) -> None:
    pass
