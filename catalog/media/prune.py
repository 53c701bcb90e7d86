"""Deletes the files of pictures that no product uses any more.

Only files whose path has the shape that this shop gives its own files are deleted.
"""

import re
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from stat import S_ISREG

from sqlalchemy import exists, select

from catalog.db.connection import connect
from catalog.media.folders import PictureFiles, media
from catalog.media.objects import ObjectStore, object_store
from catalog.media.store import FOLDER, PATH
from catalog.tables import PRODUCT_IMAGE

AGE = 60 * 60
"""Seconds during which a new file is never deleted: its row may not be committed yet."""

CHUNK = 1000
UNFINISHED = r"\.new-[a-z0-9_]{8}"
"""Name of the file that `embedding.atomic_write.write_atomically` leaves if it is killed."""


@dataclass(frozen=True, slots=True)
class PictureFolder:
    """A folder to prune: the files that match `glob` and, by relative path, `pattern`, and the
    objects of the store.

    The group `path` of `pattern` is the `product_image.path` of the picture that needs the file. A
    file for which the group is empty is never needed.
    """

    name: str
    files: PictureFiles
    glob: str
    pattern: re.Pattern[str]


@dataclass(slots=True)
class Pruned:
    """Numbers of files in a folder: deleted, still in use, and too recent to delete.

    `size` is the total size of the deleted files in bytes; `failed` are error messages.
    """

    removed: int = 0
    size: int = 0
    in_use: int = 0
    recent: int = 0
    failed: list[str] = field(default_factory=list)


def product_pictures() -> PictureFolder:
    """The folder of product pictures, which import and fetching copied there."""
    pattern = re.compile(rf"(?P<path>{PATH})|{FOLDER}/[0-9a-f]{{2}}/{UNFINISHED}")
    glob = f"{FOLDER}/[0-9a-f][0-9a-f]/*"
    return PictureFolder("product pictures", media, glob, pattern)


def any_product_has_picture() -> bool:
    """Whether any product in the database has a picture."""
    with connect() as connection:
        return bool(connection.execute(select(exists().select_from(PRODUCT_IMAGE))).scalar())


def prune(
    folder: PictureFolder,
    *,
    only: Collection[str] | None = None,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda files: None,
) -> Pruned:
    """Delete the files of `folder` that no product uses; a `dry_run` only counts them.

    With `only`, just the files of these `product_image.path`s are deleted, even recent ones.
    `progress` is called with the number of files checked since the last call.
    """
    age = AGE if only is None else 0
    pruned = _prune(_files(folder), only, age, dry_run, progress)
    store = object_store()
    if store is None:
        return pruned
    # The files are copies of objects, which count.
    objects = _prune(_objects(folder, store), only, age, dry_run, progress)
    objects.failed += pruned.failed
    return objects


@dataclass(frozen=True, slots=True)
class _Found:
    """A file or an object: the `path` of the picture that would need it, when it was changed, its
    size, and how to delete it. What is not a plain file any more has no size."""

    name: str
    path: str | None
    state: Callable[[], tuple[float, int] | None]
    delete: Callable[[], None]


def _prune(
    found: Iterator[_Found],
    only: Collection[str] | None,
    age: float,
    dry_run: bool,
    progress: Callable[[int], None],
) -> Pruned:
    pruned = Pruned()
    wanted = (it for it in found if only is None or it.path in only)
    while batch := list(islice(wanted, CHUNK)):
        used = _used_paths({it.path for it in batch if it.path})
        for it in batch:
            if it.path in used:
                pruned.in_use += 1
            else:
                _remove(it, pruned, age, dry_run)
        progress(len(batch))
    return pruned


def _files(folder: PictureFolder) -> Iterator[_Found]:
    """The shop's files in a folder."""
    root = folder.files.root
    for file in root.glob(folder.glob):
        if match := folder.pattern.fullmatch(file.relative_to(root).as_posix()):
            yield _Found(str(file), match["path"], partial(_state_of, file), file.unlink)


def _state_of(file: Path) -> tuple[float, int] | None:
    found = file.lstat()
    return (found.st_mtime, found.st_size) if S_ISREG(found.st_mode) else None


def _objects(folder: PictureFolder, store: ObjectStore) -> Iterator[_Found]:
    """The shop's objects in the store that belong to a folder."""
    start = folder.files.key("")
    for found in store.list(start):
        if match := folder.pattern.fullmatch(found.key.removeprefix(start)):
            state, delete = partial(_state_in, store, found.key), partial(store.delete, found.key)
            yield _Found(found.key, match["path"], state, delete)


def _state_in(store: ObjectStore, key: str) -> tuple[float, int] | None:
    found = store.find(key)
    return (found.changed_at, found.size) if found else None


def _used_paths(paths: set[str]) -> set[str]:
    """Those of `paths` that are in `product_image`."""
    with connect() as connection:
        query = select(PRODUCT_IMAGE.c.path).where(PRODUCT_IMAGE.c.path.in_(paths))
        return set(connection.execute(query).scalars())


def _remove(found: _Found, pruned: Pruned, age: float, dry_run: bool) -> None:
    try:
        state = found.state()  # as late as possible: an import may have just touched the file
        if state is None:
            return
        changed_at, size = state
        if age and changed_at > time.time() - age:
            pruned.recent += 1
            return
        if not dry_run:
            found.delete()
    except FileNotFoundError:
        return  # another process has deleted it
    except OSError as error:
        pruned.failed.append(f"{found.name}: {error.strerror}")
    else:
        pruned.removed += 1
        pruned.size += size
