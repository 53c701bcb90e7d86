"""Reads picture files from the folder that is given to an import."""

from pathlib import Path
from unicodedata import normalize

from catalog.media.store import MAX_BYTES, Picture, check_and_store
from embedding.image_decoding import ImageError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".JPG")


def import_picture(folder: Path, name: str, known: dict[str, Picture], *, store: bool) -> Picture:
    """Check the picture file `name` in `folder` and, if `store`, copy it into the media folder.

    `known` maps hashes to pictures that were checked before.

    Raises:
        ImageError: no such file in the folder, too large, or not a complete picture.
        OSError: the media folder cannot be written.
    """
    return check_and_store(_read(folder, name), known, store=store)


def picture_named(folder: Path, sku: str) -> tuple[str, ...] | None:
    """The name of the picture in `folder` that is named after the SKU; None if there is none."""
    if not sku.strip(".") or "/" in sku or "\0" in sku:
        return None
    names = (f"{sku}{suffix}" for suffix in SUFFIXES)
    try:
        return next(((name,) for name in names if _find(folder, name)), None)
    except OSError:  # the name is too long
        return None


def _read(folder: Path, name: str) -> bytes:
    root = folder.resolve()
    try:
        file = (_find(root, name) or root / name).resolve()
        # The name comes from the file: it must not escape the folder by `..` or a symbolic link.
        if not file.is_relative_to(root):
            raise ImageError("the file is outside the picture folder")
        if not file.is_file():
            raise ImageError("no such file")
        if file.stat().st_size > MAX_BYTES:
            raise ImageError(f"the file is larger than {MAX_BYTES // 2**20} MB")
        return file.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError("the file cannot be read") from error


def _find(folder: Path, name: str) -> Path | None:
    """The file `name` in any Unicode form: macOS may write "ü" as two characters."""
    spellings = dict.fromkeys([name, normalize("NFC", name), normalize("NFD", name)])
    return next((file for it in spellings if (file := folder / it).is_file()), None)
