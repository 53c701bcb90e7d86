"""Fields that propose the values of the catalogue."""

from typing import Any

from django.contrib.admin.widgets import AdminTextInputWidget

from catalog.db.connection import connect

MAX_PROPOSED = 300
"""The maximum number of proposals, the most frequent values."""

VALUES = """
SELECT value FROM search.facet_value
 WHERE facet = ANY(%(facets)s)
 ORDER BY products DESC, value
 LIMIT %(limit)s
"""


def frequent_values(*facets: str) -> list[str]:
    """The most frequent values of facets, in alphabetical order."""
    with connect() as connection:
        found = connection.exec_driver_sql(VALUES, {"facets": list(facets), "limit": MAX_PROPOSED})
        return sorted(found.scalars(), key=str.casefold)


class ListedTextWidget(AdminTextInputWidget):
    """A text field with a list of the values that products have; other values may be typed."""

    template_name = "admin/shop/listed_text.html"

    def __init__(self, facet: str) -> None:
        super().__init__(attrs={"autocomplete": "off"})
        self.facet = facet

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        context["list"] = f"{context['widget']['attrs'].get('id', name)}_values"
        context["widget"]["attrs"]["list"] = context["list"]
        context["proposed"] = frequent_values(self.facet)
        return context
