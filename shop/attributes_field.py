"""The attributes of a product as Django reads them: of any shape, but not of any depth."""

from typing import Any

from django.db import models

MAX_DEPTH = 16
"""How deep values may be nested; deeper ones are left out. Pages and JSON cannot show any depth."""


class AttributesField(models.JSONField):
    """A JSON field whose values are never nested deeper than `MAX_DEPTH`."""

    def from_db_value(self, value: Any, *arguments: Any) -> Any:
        try:
            return _cut(super().from_db_value(value, *arguments), MAX_DEPTH)
        except RecursionError:  # Python reads about a thousand levels
            return {}

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs


def _cut(value: Any, depth: int) -> Any:
    if isinstance(value, dict):
        return {name: _cut(it, depth - 1) for name, it in value.items()} if depth else {}
    if isinstance(value, list):
        return [_cut(it, depth - 1) for it in value] if depth else []
    return value
