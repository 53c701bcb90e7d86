"""What may stand in the shop's addresses. Only these shapes ever reach a file or a query."""

import re
from urllib.parse import unquote

from catalog.media.store import PATH
from shop.thumbnails import SIZES


class SkuConverter:
    """A SKU, whatever characters it is made of, as one segment of the path.

    Browsers, proxies and WSGI servers give slashes, backslashes and names made of dots a meaning
    of their own, so these are escaped once more than usual.
    """

    regex = r"(?s:.+)"

    def to_python(self, value: str) -> str:
        sku = unquote(value)
        if "\x00" in sku:
            raise ValueError("no SKU holds a NUL")
        return sku

    def to_url(self, value: str) -> str:
        return re.sub(r"[%/\\\x00-\x1f]|^\.+$", _escape, value)


def _escape(match: re.Match[str]) -> str:
    return "".join(f"%{ord(character):02X}" for character in match[0])


class DigestConverter:
    """A SHA-256 in hexadecimal digits."""

    regex = r"[0-9a-f]{64}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class WidthConverter:
    """The width of one of `SIZES`."""

    regex = "|".join(map(str, SIZES.values()))

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


class ImagePathConverter(DigestConverter):
    """A `product_image.path`, which the importer makes of the file's hash."""

    regex = PATH
