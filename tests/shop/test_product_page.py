"""The page of a product, and what search engines read."""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from html import unescape
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.robotparser import RobotFileParser

import pytest
from django.conf import settings
from django.test import Client, override_settings

from catalog.db.connection import connect
from catalog.search.vocabulary import refresh_vocabulary
from shop import crawlers
from tests.conftest import PROJECT, prepared_database, server_url, using_database
from tests.shop.test_pictures import PLAIN_STORAGE

CLIENT = Client(headers={"host": "localhost"})
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
EVIL = "</script><script>alert(1)</script> & more"


def picture(letter: str) -> str:
    return f"products/{letter * 2}/{letter * 64}.jpg"


def add(sku: str, title: str, letters: str = "", **values: Any) -> int:
    """A product with a picture for each letter."""
    names = ["sku", "title", *values]
    row = {"sku": sku, "title": title, **values}
    row |= {name: json.dumps(it) for name, it in row.items() if isinstance(it, dict)}
    with connect() as connection:
        product = connection.exec_driver_sql(
            f"INSERT INTO product ({', '.join(names)})"
            f" VALUES ({', '.join(f'%({name})s' for name in names)}) RETURNING id",
            row,
        ).scalar_one()
        for position, letter in enumerate(letters):
            connection.exec_driver_sql(
                "INSERT INTO product_image (product_id, position, path, sha256, width, height)"
                " VALUES (%(product)s, %(position)s, %(path)s, %(letter)s, 600, 750)",
                {
                    "product": product,
                    "position": position,
                    "path": picture(letter),
                    "letter": letter,
                },
            )
    return int(product)


def group(*products: int) -> None:
    with connect() as connection:
        connection.exec_driver_sql(
            "INSERT INTO product_variant (product_id, leader_id, family, model)"
            " SELECT id, %(leader)s, '', 'fashion' FROM unnest(%(ids)s::bigint[]) AS id",
            {"leader": products[0], "ids": list(products)},
        )


def build() -> None:
    coat = {"category": "Apparel", "subcategory": "Coats", "product_type": "Coats", "price": 80}
    coat |= {"currency": "EUR", "brand": "Nordvik"}
    group(
        add(
            "S",
            "Wool Coat",
            "ab",
            **coat,
            colour="Navy Blue",
            attributes={"size": "S", "fabric": "wool, silk"},
            description=EVIL,
            regular_price=100,
        ),
        add("M", "Wool Coat", "a", **coat, colour="Navy Blue", attributes={"size": "M"}),
        add(
            "L",
            "Wool Coat",
            "a",
            **coat,
            colour="Navy Blue",
            attributes={"size": "L"},
            in_stock=False,
        ),
        add("RED", "Red Wool Coat", "c", **coat, colour="Red", attributes={"size": "M"}),
    )
    add("HAT", "Felt Hat", "d", currency="EUR", price=20, attributes={"size": ["M", "L"]})
    add("TWIN1", "Felt Cap", "e", in_stock=False)
    add("TWIN2", "Cap of Felt", "e")
    for number in range(5):
        add(f"NONE{number}", f"Scarf {number}", "f")  # a picture that stands for a missing one
    with connect() as connection:
        connection.exec_driver_sql(
            "INSERT INTO facet (name, label, kind, position, source)"
            " VALUES ('size', 'Size', 'size', 90, 'admin') ON CONFLICT (name)"
            " DO UPDATE SET kind = 'size', enabled = true, role = ''"
        )
        refresh_vocabulary(connection)


@pytest.fixture(scope="module")
def catalogue(template: str) -> Iterator[None]:
    """Read by all tests, changed by none."""
    with (
        prepared_database(template, build) as name,
        using_database(server_url(name)),
        override_settings(STORAGES=PLAIN_STORAGE),
    ):
        yield


def get(address: str) -> str:
    response = CLIENT.get(address)
    assert response.status_code == HTTPStatus.OK
    return response.content.decode()


def links(page: str, kind: str) -> list[tuple[str, bool, bool]]:
    """The address of each link of a class, whether it is chosen, and whether it is out of stock."""
    found = re.findall(rf'<a class="{kind}( is-out)?" href="([^"]*)"( aria-current="true")?', page)
    return [(url, bool(chosen), bool(out)) for out, url, chosen in found]


def structured(page: str) -> dict[str, dict[str, Any]]:
    (text,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.S)
    return {thing["@type"]: thing for thing in json.loads(text)["@graph"]}


def test_variants_are_links_by_colour_and_size_with_their_stock(catalogue: None) -> None:
    page = get("/product/S")
    looks, sizes = links(page, "look"), links(page, "pill")
    assert looks == [("/product/S", True, False), ("/product/RED", False, False)]
    assert sizes == [
        ("/product/S", True, False),
        ("/product/M", False, False),
        ("/product/L", False, True),
    ]
    # The other colour is offered in the size that was chosen.
    assert ("/product/RED", True, False) in links(get("/product/RED"), "look")
    assert ("/product/M", False, False) in links(get("/product/RED"), "look")
    alone = get("/product/HAT")
    assert not links(alone, "look")
    assert not links(alone, "pill")
    assert "Sizes:</span> M, L</p>" in alone
    assert "pill" not in alone, "nothing that cannot be chosen looks like a button"


def test_attributes_are_a_table_and_a_size_is_not_repeated(catalogue: None) -> None:
    page = get("/product/S")
    rows = re.findall(r'<tr><th scope="row">(.*?)</th><td>(.*?)</td></tr>', page)
    texts = {name: unescape(re.sub("<[^>]*>", "", value)) for name, value in rows}
    assert texts["Fabric"] == "wool, silk"
    assert texts["SKU"] == "S"
    assert "Size" not in texts


def test_breadcrumb_says_each_step_once(catalogue: None) -> None:
    (crumbs,) = re.findall(r'class="breadcrumb".*?</nav>', get("/product/S"), re.S)
    steps = re.findall(r'href="(.*?)">(.*?)</a>', crumbs)
    assert steps == [
        ("/", "Home"),
        ("/?category=Apparel", "Apparel"),
        ("/?subcategory=Coats", "Coats"),
    ]


def test_structured_data_describes_the_product(catalogue: None) -> None:
    page = get("/product/S")
    data = structured(page)
    product = data["Product"]
    assert product["url"] == "http://localhost/product/S"
    assert product["brand"]["name"] == "Nordvik"
    assert product["category"] == "Apparel > Coats"
    assert product["image"] == [
        f"http://localhost/media/v2/1280/{picture('a')}",
        f"http://localhost/media/v2/1280/{picture('b')}",
    ]
    assert product["offers"] == {
        "@type": "Offer",
        "url": "http://localhost/product/S",
        "price": "80.00",
        "priceCurrency": "EUR",
        "availability": "https://schema.org/InStock",
    }
    items = data["BreadcrumbList"]["itemListElement"]
    assert [item["position"] for item in items] == [1, 2, 3, 4]
    assert items[-1] == {
        "@type": "ListItem",
        "position": 4,
        "name": "Wool Coat",
        "item": "http://localhost/product/S",
    }
    out = structured(get("/product/L"))["Product"]["offers"]["availability"]
    assert out == "https://schema.org/OutOfStock"
    assert "offers" not in structured(get("/product/TWIN1"))["Product"]


def test_no_text_ends_the_script_of_structured_data(catalogue: None) -> None:
    page = get("/product/S")
    assert structured(page)["Product"]["description"] == EVIL
    assert "alert(1)</script>" not in page


@pytest.mark.parametrize(
    ("address", "canonical", "is_indexed"),
    [
        ("/", "/", True),
        ("/?page=2&limit=24", "/?page=2", True),
        ("/product/S", "/product/S", True),
        ("/product/S?from=mail", "/product/S", True),
        ("/?q=coat", "/?q=coat", False),
        ("/?colour=Red", "/?colour=Red", False),
        ("/?sort=price", "/?sort=price", False),
    ],
)
def test_pages_have_a_canonical_address_and_searches_are_not_indexed(
    catalogue: None, address: str, canonical: str, is_indexed: bool
) -> None:
    page = get(address)
    (found,) = re.findall(r'<link rel="canonical" href="(.*?)">', page)
    assert unescape(found) == f"http://localhost{canonical}"
    assert ('<meta name="robots" content="noindex' not in page) == is_indexed


def test_previews_have_a_title_and_an_absolute_picture(catalogue: None) -> None:
    tags = dict(re.findall(r'<meta property="og:(.*?)" content="(.*?)">', get("/product/S")))
    assert tags["title"] == "Wool Coat"
    assert tags["image"] == f"http://localhost/media/v2/1280/{picture('a')}"


def test_robots_txt_allows_products_and_the_sitemap_but_no_searches(catalogue: None) -> None:
    response = CLIENT.get("/robots.txt")
    assert response.headers["Content-Type"].startswith("text/plain")
    rules = RobotFileParser()
    rules.parse(response.content.decode().splitlines())
    assert rules.site_maps() == ["http://localhost/sitemap.xml"]
    assert rules.can_fetch("*", "http://localhost/product/S")
    assert rules.can_fetch("*", "http://localhost/?page=2")
    assert rules.can_fetch("*", "http://localhost/sitemap-products.xml?p=2")
    # Python's parser knows no wildcards; of two rules that match, the longer one applies.
    lines = response.content.decode().splitlines()
    assert {"Disallow: /*?", "Allow: /sitemap-"} <= set(lines)


def locations(address: str) -> list[str]:
    return [it.text or "" for it in ET.fromstring(get(address)).iter(f"{SITEMAP}loc")]


def test_sitemap_lists_every_product_in_pages(
    catalogue: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crawlers.Products, "limit", 5)
    pages = [
        page.removeprefix("http://localhost")
        for page in locations("/sitemap.xml")
        if "products" in page
    ]
    assert pages == ["/sitemap-products.xml", *(f"/sitemap-products.xml?p={n}" for n in (2, 3))]
    found = [address for page in pages for address in locations(page)]
    assert len(found) == len(set(found)) == 12
    assert "http://localhost/product/S" in found
    assert len(ET.fromstring(get(pages[0])).findall(f".//{SITEMAP}lastmod")) == 5
    for wrong in ("/sitemap-products.xml?p=9", "/sitemap-products.xml?p=x", "/sitemap-no.xml"):
        assert CLIENT.get(wrong).status_code == HTTPStatus.NOT_FOUND


def cards(page: str) -> list[str]:
    return re.findall(r'<article class="card.*?</article>', page, re.S)


def titles(page: str) -> list[str]:
    return re.findall(r'class="card-title"><a href="/product/(.*?)"', page)


def test_card_links_its_own_variants_and_colours(catalogue: None) -> None:
    page = get("/?brand=Nordvik&limit=12")
    (card,) = [it for it in cards(page) if ">Wool Coat<" in it]  # S, M and L have one picture
    assert 'class="all-variants" href="/product/M#variants">4 variants' in card
    dots = re.findall(r'class="dot( is-shown)?" href="(.*?)" title="(.*?)" data-picture', card)
    assert dots == [(" is-shown", "/product/M", "Navy Blue"), ("", "/product/RED", "Red")]
    assert 'id="variants"' in get("/product/S")


def test_twins_are_one_card_which_is_in_stock(catalogue: None) -> None:
    page = get("/")
    assert [sku for sku in titles(page) if sku.startswith("TWIN")] == ["TWIN2"]
    assert len([sku for sku in titles(page) if sku.startswith("NONE")]) == 5
    apart = titles(get("/?q=felt&min_match=0&group_variants=0"))
    assert {"TWIN1", "TWIN2"} <= set(apart)


def test_no_price_no_price_filter(database: str) -> None:
    with override_settings(STORAGES=PLAIN_STORAGE):
        add("A", "Shirt")
        page = get("/")
        assert 'name="min_price"' not in page
        assert 'value="price"' not in page
        assert "No price" not in page
        assert 'class="price' not in page


def test_shop_puts_its_basket_into_blocks(catalogue: None, tmp_path: Path) -> None:
    """As docs/storefront.md says."""
    blocks = re.findall(
        r"`TEMPLATES_DIR/(\S+)`:\n\n```html\n(.*?)```",
        (PROJECT / "docs" / "storefront.md").read_text(),
        re.S,
    )
    assert len(blocks) == 2
    for name, content in blocks:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    first, *others = settings.TEMPLATES
    templates = [{**first, "DIRS": [tmp_path]}, *others]
    with override_settings(TEMPLATES=templates):
        page = get("/product/S")
        assert '<input type="hidden" name="sku" value="S">' in page
        assert page.count('<a class="basket"') == 1
        assert '<a class="basket"' in get("/")
        assert '<button class="button" disabled' in get("/product/L")
