"""Bounds the folder of query pictures, and what one client can take from the others.

The file `.clients` in the folder has a line for each picture and each client that sent it: the
digest, the client and the size. It is read and written under a lock, so the bound also holds while
several processes store pictures. If it is lost, the pictures count as those of one unknown client.
"""

import heapq
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import fasteners

from embedding.atomic_write import write_atomically

SWEEP_SECONDS = 10
"""The minimum time between two searches for expired pictures, which read the whole folder."""

FILE_BYTES = 8 * 2**10
"""What a picture takes beside its content: its sidecar, and the rest of the last blocks."""

EVICTED_TO = 0.95
"""The part of the maximum that is kept if it is exceeded, so that few uploads remove pictures."""

LOCK_SECONDS = 5.0
"""How long an upload waits for the others."""

SIDECAR = ".json"
"""The suffix of the file with the regions that were found in a picture; see `picture_regions`."""

CLIENTS, LOCK, SWEPT = ".clients", ".lock", ".swept"

UNKNOWN = "-"
"""The client of pictures whose line was lost."""

_one_thread = Lock()


class FolderBusy(RuntimeError):
    """Too many pictures are being stored; a later attempt can succeed."""


@dataclass(slots=True)
class _Picture:
    """A stored picture: its size in bytes with `FILE_BYTES`, when it was last used in seconds since
    the epoch, and who sent it."""

    size: int
    used: float = 0.0
    clients: set[str] = field(default_factory=set)


def store_within(
    path: Path, content: bytes, client: str, *, most: int, has_expired: Callable[[float], bool]
) -> None:
    """Write a picture to `path`, and remove others if the folder takes more than `most` bytes.

    Expired pictures go first, then the least recently used ones of the client with the most bytes.
    A picture that several clients have sent stays until it was removed for each of them.

    Raises:
        FolderBusy: see there.
    """
    folder, digest = path.parent, path.stem
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        pictures = _read(folder)
        picture = pictures.setdefault(digest, _Picture(len(content) + FILE_BYTES))
        is_known = client in picture.clients
        picture.clients.add(client)
        total = sum(it.size for it in pictures.values())
        if total > most or _is_sweep_due(folder):
            picture.used = time.time()
            _sweep(folder, pictures, digest, has_expired)
            _evict(folder, pictures, digest, most)
            lines = (_line(it, one) for it in pictures.items() for one in it[1].clients)
            write_atomically(folder / CLIENTS, "".join(lines).encode())
        elif not is_known:
            with (folder / CLIENTS).open("a") as file:
                file.write(_line((digest, picture), client))
        write_atomically(path, content)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = fasteners.InterProcessLock(folder / LOCK)  # not one of threads
    if not _one_thread.acquire(timeout=LOCK_SECONDS):
        raise FolderBusy("too many pictures are being stored at the moment")
    try:
        if not lock.acquire(timeout=LOCK_SECONDS, delay=0.01, max_delay=0.05):
            raise FolderBusy("too many pictures are being stored at the moment")
        try:
            yield
        finally:
            lock.release()
    finally:
        _one_thread.release()


def _line(item: tuple[str, _Picture], client: str) -> str:
    digest, picture = item
    return f"{digest} {client} {picture.size}\n"


def _read(folder: Path) -> dict[str, _Picture]:
    """The pictures by their digests, as the folder's file has them."""
    pictures: dict[str, _Picture] = {}
    with suppress(FileNotFoundError), (folder / CLIENTS).open(errors="replace") as lines:
        for line in lines:
            with suppress(ValueError):  # the rest of a line after a power failure
                digest, client, size = line.split()
                pictures.setdefault(digest, _Picture(int(size))).clients.add(client)
    return pictures


def _is_sweep_due(folder: Path) -> bool:
    swept = folder / SWEPT
    with suppress(FileNotFoundError):
        if abs(time.time() - swept.stat().st_mtime) < SWEEP_SECONDS:
            return False
    swept.touch()
    return True


def _sweep(
    folder: Path, pictures: dict[str, _Picture], new: str, has_expired: Callable[[float], bool]
) -> None:
    """Read the folder: correct `pictures`, and remove files that have expired."""
    found: set[str] = {new}
    for file in os.scandir(folder):
        if file.name in (CLIENTS, LOCK, SWEPT):
            continue
        with suppress(FileNotFoundError):  # a reader's temporary file
            stat, path = file.stat(), Path(file.path)
            if has_expired(stat.st_mtime) and path.stem != new:
                path.unlink()
            elif path.suffix == ".jpg":
                found.add(path.stem)
                picture = pictures.setdefault(path.stem, _Picture(0, clients={UNKNOWN}))
                picture.size, picture.used = stat.st_size + FILE_BYTES, stat.st_mtime
    for digest in set(pictures) - found:
        del pictures[digest]


def _evict(folder: Path, pictures: dict[str, _Picture], new: str, most: int) -> None:
    """Remove pictures until all together fit, but not the new one."""
    total = sum(it.size for it in pictures.values())
    if total <= most:
        return
    sent: dict[str, list[tuple[float, str]]] = defaultdict(list)  # the newest first
    for digest, picture in sorted(pictures.items(), key=lambda it: it[1].used, reverse=True):
        for client in picture.clients:
            sent[client].append((picture.used, digest))
    heaviest = [
        (-sum(pictures[digest].size for _, digest in own), own[-1][0], client)
        for client, own in sent.items()
    ]
    heapq.heapify(heaviest)
    while total > EVICTED_TO * most and heaviest:
        weight, _, client = heapq.heappop(heaviest)
        _, digest = sent[client].pop()
        if digest != new:
            picture = pictures[digest]
            weight += picture.size
            picture.clients.discard(client)
            if not picture.clients:
                total -= picture.size
                del pictures[digest]
                for suffix in (".jpg", SIDECAR):
                    (folder / f"{digest}{suffix}").unlink(missing_ok=True)
        if sent[client]:
            heapq.heappush(heaviest, (weight, sent[client][-1][0], client))
