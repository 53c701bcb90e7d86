"""Deletes the files of pictures that no product uses any more.

Only files whose path has the shape that this shop gives its own files are deleted.
"""

import re
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from stat import S_ISREG

from sqlalchemy import exists, select

from catalog import config
from catalog.db.connection import connect
from catalog.media.store import FOLDER, PATH
from catalog.tables import PRODUCT_IMAGE

AGE = 60 * 60
"""Seconds during which a new file is never deleted: its row may not be committed yet."""

CHUNK = 1000
UNFINISHED = r"\.new-[a-z0-9_]{8}"
"""Name of the file that `embedding.atomic_write.write_atomically` leaves if it is killed."""


@dataclass(frozen=True, slots=True)
class PictureFolder:
    """A folder to prune: the files below `root` that match `glob` and, by relative path, `pattern`.

    The group `path` of `pattern` is the `product_image.path` of the picture that needs the file. A
    file for which the group is empty is never needed.
    """

    name: str
    root: Path
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
    return PictureFolder("product pictures", config.settings().media_root, glob, pattern)


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
    pruned = Pruned()
    age = AGE if only is None else 0
    files = ((file, path) for file, path in _files(folder) if only is None or path in only)
    while batch := list(islice(files, CHUNK)):
        used = _used_paths({path for _, path in batch if path})
        for file, path in batch:
            if path in used:
                pruned.in_use += 1
            else:
                _remove(file, pruned, age, dry_run)
        progress(len(batch))
    return pruned


def _files(folder: PictureFolder) -> Iterator[tuple[Path, str | None]]:
    """The shop's files in a folder, each with the `product_image.path` that would need it."""
    for file in folder.root.glob(folder.glob):
        if match := folder.pattern.fullmatch(file.relative_to(folder.root).as_posix()):
            yield file, match["path"]


def _used_paths(paths: set[str]) -> set[str]:
    """Those of `paths` that are in `product_image`."""
    with connect() as connection:
        query = select(PRODUCT_IMAGE.c.path).where(PRODUCT_IMAGE.c.path.in_(paths))
        return set(connection.execute(query).scalars())


def _remove(file: Path, pruned: Pruned, age: float, dry_run: bool) -> None:
    try:
        found = file.lstat()  # as late as possible: an import may have just touched the file
        if not S_ISREG(found.st_mode):
            return
        if age and found.st_mtime > time.time() - age:
            pruned.recent += 1
            return
        if not dry_run:
            file.unlink()
    except FileNotFoundError:
        return  # another process has deleted it
    except OSError as error:
        pruned.failed.append(f"{file}: {error.strerror}")
    else:
        pruned.removed += 1
        pruned.size += found.st_size
