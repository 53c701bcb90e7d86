"""Absolute addresses of products and their pictures, made for many hits at once."""

import re
from urllib.parse import quote

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import RFC3986_SUBDELIMS

from catalog.media.store import PATH
from shop.converters import SkuConverter
from shop.thumbnails import SIZES, THUMBNAILS

PATH_PATTERN = re.compile(PATH)
_sku = SkuConverter()


class Addresses:
    """The addresses that a response contains, on `site`, such as "https://shop.example".

    Like `reverse`, which would be slow for many hits.
    """

    def __init__(self, site: str) -> None:
        self._site = site
        self._product = self._site + reverse("product", args=["-"])[:-1]
        self._media = f"{self._site}{reverse('search')}media/{THUMBNAILS}"

    def absolute(self, path: str) -> str:
        """The address of a path of this site."""
        return self._site + path

    def product(self, sku: str) -> str:
        """The page of a product."""
        return self._product + quote(_sku.to_url(sku), safe=RFC3986_SUBDELIMS + "/~:@")

    def pictures(self, path: str | None) -> dict[str, str] | None:
        """A picture in each of `SIZES`, by name; None if there is none."""
        if path is None or PATH_PATTERN.fullmatch(path) is None:
            return None
        return {name: f"{self._media}/{width}/{path}" for name, width in SIZES.items()}


def addresses_of(request: HttpRequest) -> Addresses:
    """Addresses on the host that a request was sent to."""
    return Addresses(f"{request.scheme}://{request.get_host()}")
