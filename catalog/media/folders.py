"""Folders of pictures. With `MEDIA_STORE`, their files are copies of objects in a store.

A file that is missing is fetched when it is needed, so hosts need no common disk, and the copies
can be deleted at any time. Without a store, the files are all there is.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from catalog import config
from catalog.media.objects import ObjectStore, object_store
from embedding.atomic_write import write_atomically

REQUESTS = 16
"""How many objects are requested at the same time."""


class PictureFiles:
    """The files of a folder, and the objects whose keys begin with `name`.

    `path` is relative to the folder. All methods raise `StoreError`, an `OSError`, if the store
    cannot be used.
    """

    def __init__(self, name: str, root: Callable[[], Path]) -> None:
        self.name = name
        self._root = root

    @property
    def root(self) -> Path:
        """The folder."""
        return self._root()

    def key(self, path: str) -> str:
        """The key of the object of a file."""
        return f"{self.name}/{path}"

    def local(self, path: str) -> Path:
        """The file, which is fetched if it is missing. It does not exist if there is no object."""
        file = self.root / path
        if (store := object_store()) and not file.exists():
            _fetch(store, self.key(path), file)
        return file

    def fetch(self, paths: Iterable[str]) -> None:
        """Fetch missing files, several at the same time."""
        store = object_store()
        if store is None:
            return
        root = self.root
        missing = [path for path in dict.fromkeys(paths) if not (root / path).exists()]
        with ThreadPoolExecutor(REQUESTS, "fetch") as requests:
            fetched = [
                requests.submit(_fetch, store, self.key(path), root / path) for path in missing
            ]
            for each in fetched:
                each.result()

    def read(self, path: str) -> bytes | None:
        """The content of a file; None if there is none."""
        with suppress(FileNotFoundError):
            return (self.root / path).read_bytes()
        with suppress(FileNotFoundError):
            return self.local(path).read_bytes()
        return None

    def write(self, path: str, content: bytes) -> None:
        """Write a file, and first its object.

        Raises:
            OSError: one of them cannot be written.
        """
        if store := object_store():
            store.put(self.key(path), content)
        write_atomically(self.root / path, content)

    def size(self, path: str) -> int | None:
        """The size in bytes; None if there is no such file."""
        if store := object_store():
            found = store.find(self.key(path))
            return found.size if found else None
        try:
            return (self.root / path).stat().st_size
        except OSError:
            return None

    def sizes(self, paths: Iterable[str]) -> list[int]:
        """The sizes in bytes; 0 for files that do not exist."""
        if object_store() is None:
            return [self.size(path) or 0 for path in paths]
        with ThreadPoolExecutor(REQUESTS, "sizes") as requests:
            return [size or 0 for size in requests.map(self.size, paths)]

    def changed_at(self, path: str) -> float | None:
        """When a file was changed, in seconds since the epoch; None if there is no such file."""
        if store := object_store():
            found = store.find(self.key(path))
            return found.changed_at if found else None
        try:
            # A copy may keep the time of modification, hence the time of change.
            return (self.root / path).stat().st_ctime
        except OSError:
            return None

    def touch(self, path: str) -> None:
        """Make a file as recent as a new one.

        Raises:
            OSError: there is no such file.
        """
        if store := object_store():
            store.touch(self.key(path))
        else:
            (self.root / path).touch()


def _fetch(store: ObjectStore, key: str, file: Path) -> None:
    if (content := store.get(key)) is not None:
        write_atomically(file, content)


media = PictureFiles("media", lambda: config.settings().media_root)
"""The pictures of products; paths are those of `product_image`."""
