"""Path converters of the shop's URLs. Only values of these forms reach a file or a query."""

import re
from urllib.parse import unquote

from catalog.media.store import PATH
from shop.thumbnails import SIZES


class SkuConverter:
    """A SKU with any characters, as one segment of the path.

    Slashes, backslashes and names that consist of dots have a special meaning for browsers, proxies
    and WSGI servers, so they are escaped twice.
    """

    regex = r"(?s:.+)"

    def to_python(self, value: str) -> str:
        sku = unquote(value)
        if "\x00" in sku:
            raise ValueError("a SKU cannot contain a NUL")
        return sku

    def to_url(self, value: str) -> str:
        return re.sub(r"[%/\\\x00-\x1f]|^\.+$", _escape, value)


def _escape(match: re.Match[str]) -> str:
    return "".join(f"%{ord(character):02X}" for character in match[0])


class PictureConverter:
    """The name of a query picture or a part of it: a SHA-256 digest, with or without a region."""

    regex = r"[0-9a-f]{64}(?:-[0-9]{1,4}){0,4}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class WidthConverter:
    """One of the widths in `SIZES`, in pixels."""

    regex = "|".join(map(str, SIZES.values()))

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


class ImagePathConverter(PictureConverter):
    """A `product_image.path`, which the importer derives from the file's hash."""

    regex = PATH
