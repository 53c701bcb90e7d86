"""The folder of a running `serve`."""

import os
import signal
import tempfile
from pathlib import Path

import pytest

from shop.run_folder import LOCK, run_folder


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_folder_is_private_and_removed_at_the_end(tmp_path: Path) -> None:
    with run_folder() as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        if pid := os.fork():
            os.waitpid(pid, 0)
            assert folder.exists()
    if not pid:
        os._exit(0)  # a page process, which leaves the block too
    assert not list(tmp_path.iterdir())


def test_folder_of_a_killed_server_is_removed_by_the_next(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        with run_folder() as folder:
            (folder / "encoder").touch()
            os.write(writer, bytes(folder))
            signal.pause()
    killed = Path(os.read(reader, 1000).decode())
    with run_folder():
        assert killed.exists()  # it is running
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    with run_folder() as folder:
        assert list(tmp_path.iterdir()) == [folder]


def test_others_are_left_alone(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    for folder in (elsewhere, tmp_path / "shop-of-another-program", tmp_path / "shop-of-a-user"):
        folder.mkdir()
    for folder in (elsewhere, tmp_path / "shop-of-a-user"):
        (folder / LOCK).touch()
    (tmp_path / "shop-link").symlink_to(elsewhere)
    (tmp_path / "shop-file").touch()
    os.chown(tmp_path / "shop-of-a-user", *other_user())
    before = set(tmp_path.iterdir())
    with run_folder():
        pass
    assert set(tmp_path.iterdir()) == before
    assert (elsewhere / LOCK).exists()


def other_user() -> tuple[int, int]:
    if os.geteuid():
        pytest.skip("only root can make a folder of another user")
    return 65534, 65534
