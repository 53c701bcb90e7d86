"""The page of a product."""

import re

from django.test import Client

from catalog.indexing.variants import find_variants
from tests.catalog.test_variants import calibrated, shop

CLIENT = Client(headers={"host": "localhost"})
__all__ = ["calibrated", "shop"]


def test_variants_link_lists_the_variants_first(shop: dict[str, int]) -> None:
    find_variants("fashion")
    page = CLIENT.get("/product/BAG").content.decode()
    assert re.findall(r'class="variants"[^>]* href="([^"]*)"', page) == [
        "/?like=RED&amp;group_variants=0"
    ]
    found = CLIENT.get("/?like=RED&group_variants=0").content.decode()
    titles = re.findall(r'class="card-title"><a href="/product/(.*?)"', found)
    assert titles[:2] == ["TWIN", "BLUE"]
