"""Removing the files of pictures that no product has any more.

Files are known by the places and names that this shop gives them, so that whatever else lies in a
folder stays there.
"""

import re
import time
from collections.abc import Callable, Iterator
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
"""Seconds for which a file stays in any case: whoever wrote it may be about to commit its row."""

CHUNK = 1000
UNFINISHED = r"\.new-[a-z0-9_]{8}"
"""What `catalog.media.atomic_write.write_whole` leaves where it is killed."""


@dataclass(frozen=True, slots=True)
class Store:
    """A folder of pictures: of the files below `root` that `glob` finds, those whose path from
    there is like `pattern` are the shop's.

    The group `path` of `pattern` is the `product_image.path` that keeps a file; a file without it
    is of no use to anybody.
    """

    name: str
    root: Path
    glob: str
    pattern: re.Pattern[str]


@dataclass(slots=True)
class Pruned:
    """What became of the files of a store; `size` is the bytes of those `removed`."""

    removed: int = 0
    size: int = 0
    kept: int = 0
    young: int = 0
    failed: list[str] = field(default_factory=list)


def media() -> Store:
    """The product pictures themselves. They are copies that import and fetching made."""
    pattern = re.compile(rf"(?P<path>{PATH})|{FOLDER}/[0-9a-f]{{2}}/{UNFINISHED}")
    return Store("product pictures", config.media_root(), f"{FOLDER}/[0-9a-f][0-9a-f]/*", pattern)


def has_pictures() -> bool:
    """Whether any product has one."""
    with connect() as connection:
        return bool(connection.execute(select(exists().select_from(PRODUCT_IMAGE))).scalar())


def prune(
    store: Store, *, dry_run: bool = False, progress: Callable[[int], None] = lambda files: None
) -> Pruned:
    """Remove the files of `store` that no product names; a `dry_run` only counts them.

    `progress` is told how many files have been looked at.
    """
    pruned = Pruned()
    files = _files(store)
    while batch := list(islice(files, CHUNK)):
        named = _named({path for _, path in batch if path})
        for file, path in batch:
            if path in named:
                pruned.kept += 1
            else:
                _remove(file, pruned, dry_run)
        progress(len(batch))
    return pruned


def _files(store: Store) -> Iterator[tuple[Path, str | None]]:
    """The shop's files in a store, each with the path in the catalogue that would keep it."""
    for file in store.root.glob(store.glob):
        if match := store.pattern.fullmatch(file.relative_to(store.root).as_posix()):
            yield file, match["path"]


def _named(paths: set[str]) -> set[str]:
    with connect() as connection:
        query = select(PRODUCT_IMAGE.c.path).where(PRODUCT_IMAGE.c.path.in_(paths))
        return set(connection.execute(query).scalars())


def _remove(file: Path, pruned: Pruned, dry_run: bool) -> None:
    try:
        found = file.lstat()  # as late as can be: an import may have made the file young again
        if not S_ISREG(found.st_mode):
            return
        if found.st_mtime > time.time() - AGE:
            pruned.young += 1
            return
        if not dry_run:
            file.unlink()
    except FileNotFoundError:
        return  # another process was faster
    except OSError as error:
        pruned.failed.append(f"{file}: {error.strerror}")
    else:
        pruned.removed += 1
        pruned.size += found.st_size
