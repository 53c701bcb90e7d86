"""Django's view of the catalogue's tables: models derived from them, never typed a second time."""

from typing import Any

from django.db import models
from sqlalchemy import Column, Numeric, Text, UniqueConstraint
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import BigInteger, Boolean, DateTime, Integer, TypeDecorator
from sqlmodel import SQLModel

from catalog import tables

FIELDS: dict[type, type[models.Field]] = {
    BigInteger: models.BigIntegerField,
    Integer: models.IntegerField,
    Boolean: models.BooleanField,
    DateTime: models.DateTimeField,
    Text: models.TextField,
    postgresql.JSONB: models.JSONField,
}


def unmanaged(table_class: type[SQLModel], **options: Any) -> type[models.Model]:
    """A Django model that reads and writes the table of `table_class`, and never alters it.

    Generated columns stay away: PostgreSQL alone writes them.
    """
    table = table_class.__table__  # type: ignore[attr-defined]
    meta = type("Meta", (), {"managed": False, "db_table": table.name, **options})
    fields = {column.name: _field(column) for column in table.columns if not column.computed}
    namespace = {name.removesuffix("_id"): field for name, field in fields.items()}
    attributes = {"__module__": __name__, "__doc__": table_class.__doc__, "Meta": meta}
    return type(table_class.__name__, (models.Model,), {**namespace, **attributes})


def _field(column: Column[Any]) -> models.Field:
    if column.primary_key:
        return models.BigAutoField(primary_key=True)
    null = bool(column.nullable)
    options: dict[str, Any] = {"null": null, "blank": null}
    for key in column.foreign_keys:
        target = key.column.table.name.replace("_", " ").title().replace(" ", "")
        kind = models.DO_NOTHING  # the table's own ON DELETE CASCADE does it
        return models.ForeignKey(target, kind, related_name="+", **options)
    type_ = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
    if isinstance(type_, Numeric):
        return models.DecimalField(
            max_digits=type_.precision or 12, decimal_places=type_.scale or 2, **options
        )
    if column.server_default is not None:
        options |= _default(column, type_)
    field = next(FIELDS[base] for base in type(type_).__mro__ if base in FIELDS)
    return field(unique=_is_unique(column), **options)


def _default(column: Column[Any], type_: Any) -> dict[str, Any]:
    """A value for forms, where the database has a default of its own."""
    if isinstance(type_, DateTime):
        return {"auto_now_add": column.onupdate is None, "auto_now": column.onupdate is not None}
    if isinstance(type_, postgresql.JSONB):
        return {"default": dict, "blank": True}
    if isinstance(type_, Boolean):
        return {"default": True}
    return {"default": "", "blank": True}


def _is_unique(column: Column[Any]) -> bool:
    return any(
        isinstance(constraint, UniqueConstraint) and list(constraint.columns) == [column]
        for constraint in column.table.constraints
    )


Product: Any = unmanaged(tables.Product, ordering=["-id"])
ProductImage: Any = unmanaged(tables.ProductImage, ordering=["product_id", "position"])
EmbeddingFailure: Any = unmanaged(tables.EmbeddingFailure, ordering=["-failed_at"])
Product.__str__ = lambda self: f"{self.sku} {self.title}"
