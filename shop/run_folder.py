"""The folder of a running `serve`: the socket of its encoder process and the figures of /metrics.

A killed `serve` leaves its folder behind, which the next one removes. A lock says whether it is in
use: all processes of the server hold it.
"""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "shop-"
LOCK = "serve.lock"


@contextmanager
def run_folder() -> Iterator[Path]:
    """A new folder, which only this user can open. It is removed at the end, but not by a process
    that was forked meanwhile."""
    _remove_abandoned()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))  # a short path, as sockets need
    owner = os.getpid()
    with (folder / f"{LOCK}.new").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (folder / f"{LOCK}.new").rename(folder / LOCK)  # from now on it can be found, and is locked
        try:
            yield folder
        finally:
            if os.getpid() == owner:
                shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # in use, or of somebody else
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
                continue
            with (folder / LOCK).open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
