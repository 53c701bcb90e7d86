"""Django's models match the tables of the catalogue."""

from typing import Any

import pytest
from django.apps import apps
from django.db import models
from sqlalchemy import Column, Numeric, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import (
    BigInteger,
    Boolean,
    DateTime,
    Double,
    Integer,
    TypeDecorator,
    TypeEngine,
)

from catalog import tables

MODELS = list(apps.get_app_config("shop").get_models())
FIELDS: "dict[type[TypeEngine[Any]], type[models.Field[Any, Any]]]" = {
    BigInteger: models.BigIntegerField,
    Integer: models.IntegerField,
    Double: models.FloatField,
    Boolean: models.BooleanField,
    DateTime: models.DateTimeField,
    Text: models.TextField,
    JSONB: models.JSONField,
    Numeric: models.DecimalField,
}
WHAT_TO_DO = "shop/models.py and catalog/tables.py differ: change shop/models.py to match"


def column_says(column: Column[Any]) -> dict[str, object]:
    type_ = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
    (key,) = column.foreign_keys or (None,)
    return {
        "type": next(FIELDS[base] for base in type(type_).__mro__ if base in FIELDS),
        "null": bool(column.nullable),
        "primary key": column.primary_key,
        "unique": column.primary_key
        or any(
            isinstance(constraint, UniqueConstraint) and list(constraint.columns) == [column]
            for constraint in column.table.constraints
        ),
        "digits": (type_.precision, type_.scale) if isinstance(type_, Numeric) else None,
        "refers to": key.column.table.name if key else None,
        "has a default": column.server_default is not None,
    }


def field_says(field: "models.Field[Any, Any]") -> dict[str, object]:
    target = field.target_field if isinstance(field, models.ForeignKey) else field
    kind = next(base for base in type(target).__mro__ if base in FIELDS.values())
    decimal = isinstance(field, models.DecimalField)
    return {
        "type": kind,
        "null": field.null,
        "primary key": field.primary_key,
        "unique": field.unique,
        "digits": (field.max_digits, field.decimal_places) if decimal else None,  # type: ignore[attr-defined]
        "refers to": field.related_model._meta.db_table if field.is_relation else None,  # type: ignore[union-attr]
        "has a default": field.has_default()
        or field.has_db_default()
        or bool(getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False))
        or isinstance(field, models.AutoField),
    }


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_model_has_the_columns_of_its_table(model: type[models.Model]) -> None:
    table = tables.metadata.tables[model._meta.db_table]
    assert not model._meta.managed
    described = {field.column: field_says(field) for field in model._meta.concrete_fields}
    expected = {
        column.name: column_says(column)
        for column in table.columns
        if not column.computed and column.name not in tables.FILLED_BY_TRIGGER
    }
    assert described == expected, WHAT_TO_DO


def test_only_tables_of_the_admin_have_models() -> None:
    assert {model.__name__ for model in MODELS} == {
        *("Product", "ProductImage", "Facet", "EmbeddingFailure", "SearchWeights", "Synonym")
    }
