"""A form field with the parser of a file's cell, so that forms and imports have the same limits."""

from collections.abc import Callable
from typing import Any

from django import forms

from catalog.importing.cells.texts import FieldError


class CellField(forms.Field):
    """A field that a cell parser reads.

    Args:
        parse: raises FieldError for an invalid text.
    """

    def __init__(self, parse: Callable[[Any], Any], **options: Any) -> None:
        super().__init__(**options)
        self.parse = parse

    def to_python(self, value: Any) -> Any:
        try:
            return self.parse(value)
        except FieldError as error:
            raise forms.ValidationError(str(error)) from error
