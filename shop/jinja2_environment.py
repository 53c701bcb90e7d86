"""The environment of the Jinja templates: the parts of a page that are repeated many times.

Jinja compiles a template to Python and renders these parts much faster than Django does
(`docs/performance.md`). All other templates are Django's, whose blocks a shop can replace.
"""

from typing import Any

from django.utils.translation import gettext
from jinja2 import Environment

from shop.facet_labels import facet_label
from shop.templatetags import storefront


def environment(**options: Any) -> Environment:
    """Called by Django with the options of the backend."""
    found = Environment(**options, keep_trailing_newline=True)  # as Django does
    found.globals |= {"_": gettext, "swatch_icon": storefront.swatch_icon}
    found.filters |= {
        "element_id": storefront.element_id,
        "facet_label": facet_label,
        "thousands": storefront.thousands,
    }
    return found
