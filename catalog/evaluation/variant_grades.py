"""Grades for a page that shows the variants of a product as one card."""

from collections.abc import Iterable, Mapping

from catalog.evaluation.product_lookup import Product


def grade_cards(
    relevant: Mapping[str, int], shown: Iterable[str], products: Mapping[str, Product]
) -> dict[str, int]:
    """The grades of relevant groups of variants, each by the SKU of one product of the group.

    A group counts once, because the page shows it once. If its card shows a relevant product, the
    group has the grade of that product, because shoppers see no other. Otherwise the group is
    missed: it has the highest grade in it, by a product that is not shown.

    Args:
        relevant: the grades, from 1, of the relevant products.
        shown: the SKUs of the products that the cards show.
        products: all products by SKU.
    """
    visible = {products[sku].leader: sku for sku in shown if sku in relevant}
    best: dict[str, str] = {}
    for sku in sorted(relevant, key=lambda sku: -relevant[sku]):
        best.setdefault(products[sku].leader, sku)
    return {sku: relevant[sku] for sku in (best | visible).values()}
