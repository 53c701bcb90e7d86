"""The bound of the folder of query pictures, and what clients can take from each other."""

import hashlib
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from shop import picture_quota
from shop.picture_quota import CLIENTS, FILE_BYTES, SWEEP_SECONDS, SWEPT, FolderBusy, store_within
from tests.conftest import PROJECT

KB = 2**10
HOUR = 60 * 60
numbers = count()


def store(folder: Path, client: str, size: int = 8 * KB, most: int = 100 * KB) -> Path:
    """Store another picture of `size` bytes."""
    return put(folder, client, (next(numbers)).to_bytes(8) + bytes(size - 8), most)


def put(folder: Path, client: str, content: bytes, most: int = 100 * KB) -> Path:
    path = folder / f"{hashlib.sha256(content).hexdigest()}.jpg"
    expired = lambda used: used < time.time() - HOUR  # noqa: E731
    store_within(path, content, client, most=most, has_expired=expired)
    return path


def used(path: Path, seconds_ago: float) -> None:
    then = time.time() - seconds_ago
    os.utime(path, (then, then))


def taken(folder: Path) -> int:
    total = 0
    for file in folder.glob("*.jpg"):
        with suppress(FileNotFoundError):  # another thread has removed it
            total += file.stat().st_size + FILE_BYTES
    return total


def test_bound_holds_at_every_store(tmp_path: Path) -> None:
    for number in range(40):
        path = store(tmp_path, f"client-{number % 3}")
        assert taken(tmp_path) <= 100 * KB
        assert path.exists()
    assert taken(tmp_path) > 60 * KB


def test_least_recently_used_picture_goes_first(tmp_path: Path) -> None:
    paths = [store(tmp_path, "a", 10 * KB) for _ in range(5)]
    for path, seconds in zip(paths, (500, 400, 900, 300, 200), strict=True):
        used(path, seconds)
    sidecar = paths[2].with_suffix(".json")
    sidecar.touch()
    store(tmp_path, "a", 4 * KB)
    assert [path.exists() for path in paths] == [True, True, False, True, True]
    assert not sidecar.exists()


def test_a_client_cannot_evict_the_pictures_of_another(tmp_path: Path) -> None:
    mine = store(tmp_path, "shopper")
    used(mine, 600)
    for _ in range(30):
        store(tmp_path, "flood")
    assert mine.exists()
    assert taken(tmp_path) <= 100 * KB


def test_sending_a_picture_of_another_client_does_not_take_it_over(tmp_path: Path) -> None:
    content = b"shared" * KB
    mine = put(tmp_path, "shopper", content)
    put(tmp_path, "flood", content)
    used(mine, 600)
    for _ in range(30):
        store(tmp_path, "flood")
    assert mine.exists()


def test_concurrent_uploads_of_two_clients(tmp_path: Path) -> None:
    mine = [store(tmp_path, "shopper") for _ in range(2)]
    seen: list[int] = []

    def upload(_number: int) -> None:
        store(tmp_path, "flood", 12 * KB)
        seen.append(taken(tmp_path))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(upload, range(60)))
    # What one thread reads while another removes and writes can only be too small.
    assert max(seen) <= 100 * KB
    assert all(path.exists() for path in mine)


@pytest.mark.process
def test_bound_holds_across_processes(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path;"
        "from tests.shop.test_picture_quota import KB, put, taken;"
        "folder, name = Path(sys.argv[1]), sys.argv[2];"
        "[put(folder, name, f'{name} {number} '.encode() * KB) for number in range(40)];"
        "sys.exit(taken(folder) > 100 * KB)"
    )
    mine = store(tmp_path, "shopper")
    processes = [
        subprocess.Popen([sys.executable, "-c", code, tmp_path, name], cwd=PROJECT)
        for name in ("flood", "other")
    ]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    assert taken(tmp_path) <= 100 * KB
    assert mine.exists()


def test_expired_pictures_and_files_of_killed_processes_go(tmp_path: Path) -> None:
    old, young = store(tmp_path, "a"), store(tmp_path, "b")
    rest = tmp_path / ".new-1"
    rest.touch()
    for path in (old, rest):
        used(path, HOUR + 60)
    used(tmp_path / SWEPT, SWEEP_SECONDS + 1)
    store(tmp_path, "b")
    assert [path.exists() for path in (old, young, rest)] == [False, True, False]


@pytest.mark.parametrize("left", [b"", b"\xff nonsense\n", None])
def test_lost_lines_are_made_anew(tmp_path: Path, left: bytes | None) -> None:
    first = store(tmp_path, "a")
    if left is None:
        (tmp_path / CLIENTS).unlink()
    else:
        (tmp_path / CLIENTS).write_bytes(left)
    used(tmp_path / SWEPT, SWEEP_SECONDS + 1)
    used(first, 60)
    pictures = [store(tmp_path, "b") for _ in range(12)]
    assert taken(tmp_path) <= 100 * KB
    assert pictures[-1].exists()


def test_upload_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_quota, "LOCK_SECONDS", 0.05)
    with picture_quota._locked(tmp_path), pytest.raises(FolderBusy):
        store(tmp_path, "a")
    assert store(tmp_path, "a").exists()
