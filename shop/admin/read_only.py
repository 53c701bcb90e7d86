"""What several pages of the admin have in common."""

from typing import Any

from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from shop.templatetags.storefront import image_url


def thumbnail(path: str | None) -> SafeString | str:
    """A small picture of a product; empty without a path."""
    url = image_url(path, "small")
    return format_html('<img class="catalogue-thumbnail" src="{}" alt="">', url) if url else ""


class ReadOnly:
    """Read-only, for rows that the importer or the embedding jobs write."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
