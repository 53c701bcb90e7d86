"""Taking in picture files."""

from pathlib import Path

from catalog.media.store import MAX_BYTES, Picture, take_content
from embedding.image_decoding import ImageError


def take_picture(folder: Path, name: str, known: dict[str, Picture], *, store: bool) -> Picture:
    """Check the file `name` of `folder` and, if `store`, copy it into the media folder.

    `known` holds by hash the pictures that need no second check.

    Raises:
        ImageError: no such file in the folder, too large, or not a whole picture.
    """
    return take_content(_read(folder, name), known, store=store)


def _read(folder: Path, name: str) -> bytes:
    root = folder.resolve()
    try:
        file = (root / name).resolve()
        # A name from outside must not lead out of the folder, by dots or by a link.
        if not file.is_relative_to(root):
            raise ImageError("the name leads out of the picture folder")
        if not file.is_file():
            raise ImageError("there is no such file")
        if file.stat().st_size > MAX_BYTES:
            raise ImageError(f"the file is larger than {MAX_BYTES // 2**20} MB")
        return file.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError("the file cannot be read") from error
