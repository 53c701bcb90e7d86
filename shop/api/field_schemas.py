"""What the fields of the API's forms accept: as JSON Schema for the documents, and in words for
errors. Derived from the fields, so that both say what the forms do."""

from collections.abc import Iterable
from typing import Any

from django import forms

from catalog.importing.cells.texts import DEFAULT_MAX_LENGTH
from shop.forms import (
    MAX_QUERY_LENGTH,
    MAX_VALUES,
    PicturesField,
    PriceField,
    QueryField,
    ValuesField,
)
from shop.query_pictures import DIGEST
from shop.search_params import MAX_PICTURES

JsonSchema = dict[str, Any]
SWITCHES = {"true": True, "1": True, "false": False, "0": False}
NO_NUL = r"^[^\u0000]*$"
PRICE = r"^[0-9]{1,10}(\.[0-9]{1,2})?$"


class SwitchField(forms.Field):
    """`true` or `false`; None if it is not given."""

    def to_python(self, value: Any) -> bool | None:
        if value in self.empty_values:
            return None
        if value not in SWITCHES:
            raise forms.ValidationError("Must be true or false.")
        return SWITCHES[value]


def json_schema(field: forms.Field) -> JsonSchema:
    """The JSON Schema of the values that a field accepts."""
    match field:
        case SwitchField():
            return {"type": "boolean"}
        case PriceField():
            return {"type": "string", "pattern": PRICE}
        case forms.FloatField():
            return {"type": "number", "minimum": field.min_value, "maximum": field.max_value}
        case forms.IntegerField():
            return {"type": "integer", "minimum": field.min_value, "maximum": field.max_value}
        case forms.ChoiceField():
            choices: Iterable[tuple[object, object]] = field.widget.choices
            values = [str(value) for value, _ in choices if value]
            return {"type": "string", "enum": values}
        case PicturesField():
            name = {
                "type": "string",
                "pattern": f"^{DIGEST.pattern}((-(1000|[0-9]{{1,3}})){{4}})?$",
            }
            return {"type": "array", "items": name, "maxItems": MAX_PICTURES}
        case ValuesField():
            value = {"type": "string", "maxLength": DEFAULT_MAX_LENGTH, "pattern": NO_NUL}
            return {"type": "array", "items": value, "maxItems": MAX_VALUES}
        case QueryField():
            return {"type": "string", "maxLength": MAX_QUERY_LENGTH}
        case forms.CharField():
            return {"type": "string", "maxLength": field.max_length, "pattern": NO_NUL}
    raise TypeError(f"no schema for {type(field).__name__}")


def in_words(schema: JsonSchema) -> str:
    """What the values of a schema are, after "must be"."""
    if values := schema.get("enum"):
        return f"one of {', '.join(values)}"
    match schema["type"]:
        case "boolean":
            return "true or false"
        case "number":
            return f"a number from {schema['minimum']} to {schema['maximum']}"
        case "integer":
            return f"a whole number from {schema['minimum']} to {schema['maximum']}"
        case "array":
            return f"at most {schema['maxItems']} values"
    if schema.get("pattern") == PRICE:
        return "a price such as 25 or 49.90"
    return f"at most {schema['maxLength']} characters, none of them a NUL"
