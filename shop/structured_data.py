"""Structured data (schema.org in JSON-LD), by which search engines and previews read a product."""

import json
import re
from collections.abc import Sequence
from typing import Any

from django.utils.safestring import SafeString, mark_safe

from shop.models import Product
from shop.templatetags.storefront import currency_code

ESCAPES = {ord(sign): f"\\u{ord(sign):04X}" for sign in "<>&\u2028\u2029"}
"""Without these signs, no text can end the script element that contains it."""

CURRENCY = re.compile("[A-Z]{3}")


def script(*things: dict[str, Any]) -> SafeString:
    """The content of a script element of the type `application/ld+json`."""
    graph = {"@context": "https://schema.org", "@graph": things}
    text = json.dumps(graph, ensure_ascii=False, separators=(",", ":"))
    return mark_safe(text.translate(ESCAPES))


def product_data(product: Product, url: str, pictures: Sequence[str]) -> dict[str, Any]:
    """A `Product`, with an `Offer` if it has a price.

    Args:
        url: the address of its page, absolute like those of `pictures`.
    """
    kinds = [product.category, product.subcategory, product.product_type]
    data: dict[str, Any] = {
        "@type": "Product",
        "name": product.title,
        "sku": product.sku,
        "url": url,
        "image": list(pictures),
        "description": product.description,
        "color": product.colour,
        "category": " > ".join(dict.fromkeys(filter(None, kinds))),
    }
    if product.brand:
        data["brand"] = {"@type": "Brand", "name": product.brand}
    if product.price is not None:
        data["offers"] = _offer(product, url)
    return {name: value for name, value in data.items() if value}


def _offer(product: Product, url: str) -> dict[str, Any]:
    stock = "InStock" if product.in_stock else "OutOfStock"
    offer: dict[str, Any] = {
        "@type": "Offer",
        "url": url,
        "price": f"{product.price:.2f}",
        "availability": f"https://schema.org/{stock}",
    }
    code = currency_code(product.currency)
    if CURRENCY.fullmatch(code):
        offer["priceCurrency"] = code
    return offer


def breadcrumb_list(steps: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """A `BreadcrumbList` of labels and absolute addresses."""
    return {
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": place, "name": label, "item": url}
            for place, (label, url) in enumerate(steps, start=1)
        ],
    }
