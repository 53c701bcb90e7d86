"""The labels of facets in the language of the page."""

from django.utils.translation import pgettext_lazy

BUILT_IN = {
    "Category": pgettext_lazy("facet", "Category"),
    "Subcategory": pgettext_lazy("facet", "Subcategory"),
    "Type": pgettext_lazy("facet", "Type"),
    # Translators: whom a product is for, such as women
    "For": pgettext_lazy("facet", "For"),
    "Colour": pgettext_lazy("facet", "Colour"),
    "Brand": pgettext_lazy("facet", "Brand"),
    # Translators: what a product is for, such as sports
    "Use": pgettext_lazy("facet", "Use"),
}
"""The labels that the migrations gave to the facets, which the table `facet` contains."""


def facet_label(label: str) -> str:
    """A label of the table `facet` to show. One that the shop has chosen itself is not changed."""
    return str(BUILT_IN.get(label, label))
