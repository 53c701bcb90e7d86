"""Feeds of other systems: each is recognised by its header and read as its system means it."""

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.importing.cells import stock
from catalog.importing.cells.dates import DateOrder, parse_dates
from catalog.importing.feeds.formats import feed_formats, normalise_name, recognise
from catalog.importing.row_notes import FileError
from tests.catalog.feed_files import ReadFile, read
from tests.data import CASES, needs_cases

FEEDS = Path(__file__).parent.parent / "fixtures" / "feeds"


def prices(found: ReadFile) -> dict[str, str]:
    return {sku: str(price) for sku, price in found.values("price").items()}


def out_of_stock(found: ReadFile) -> list[str]:
    return sorted(sku for sku, in_stock in found.values("in_stock").items() if in_stock is False)


def attributes(found: ReadFile, sku: str) -> dict[str, object]:
    """Those that are not empty."""
    return dict(found.rows[sku].values["attributes"])


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("google_merchant.txt", "google_merchant"),
        ("shopify.csv", "shopify"),
        ("woocommerce.csv", "woocommerce"),
        ("magento.csv", "magento"),
        ("amazon.txt", "amazon"),
        ("styles.csv", "kaggle_styles"),
    ],
)
def test_each_feed_is_recognised_and_every_row_is_accounted_for(file: str, name: str) -> None:
    found = ReadFile(FEEDS / file)
    assert found.columns.format.startswith(feed_formats()[name].label)
    accounted = [*found.errors, *found.left_out, *(row.line for row in found.rows.values())]
    assert len(accounted) == len(set(accounted))
    assert not set(found.columns.attributes) & set(found.columns.ignored)
    assert not found.columns.looks_like


def test_formats_have_only_known_keys_and_labels() -> None:
    for name, feed in feed_formats().items():
        assert feed.label, name
        assert recognise(map(normalise_name, feed.recognised_by[0].split("|"))).name == ""


def test_google_merchant() -> None:
    found = ReadFile(FEEDS / "google_merchant.txt")
    assert prices(found) == {"N-100": "90.00", "N-101": "120.00", "N-102": "9.50", "N-103": "8.50"}
    assert set(found.values("currency").values()) == {"EUR"}
    assert out_of_stock(found) == ["N-101"]
    jacket = found.rows["N-100"]
    assert jacket.values["title"] == 'Trail "Fell" jacket'
    path = [jacket.values[name] for name in ("category", "subcategory", "product_type")]
    assert path == ["Clothing", "Outdoor", "Jackets"]
    assert jacket.addresses == (
        *("https://img.invalid/100.jpg", "https://img.invalid/100b.jpg"),
        "https://img.invalid/100c.jpg?a=1&b=2",
    )
    assert attributes(found, "N-100")["gtin"] == "4000000000011"
    assert found.values("product_type")["N-102"] == "Mugs"  # from Google's own category
    assert found.values("category")["N-103"] == "Plates"  # which may be a number


def test_age_group_and_gender_say_whom_a_product_is_for(tmp_path: Path) -> None:
    rows = (
        *(("adult", "male", "Men"), ("Adult", "Female", "Women"), ("adult", "unisex", "Unisex")),
        *(("kids", "male", "Boys"), ("kids", "female", "Girls"), ("toddler", "unisex", "Kids")),
        *(("kids", "", "Kids"), ("infant", "female", "Baby girls"), ("newborn", "", "Babies")),
        *(("", "male", "Men"), ("adult", "", ""), ("all ages", "female", "female")),
    )
    lines = ["id,title,availability,price,link,age_group,gender"]
    lines += [f"P{n},Boot,in stock,5 EUR,x,{age},{sex}" for n, (age, sex, _) in enumerate(rows)]
    found = read(tmp_path, "\n".join(lines))
    assert list(found.values("gender").values()) == [person for *_, person in rows]
    assert found.columns.attributes == []
    without = read(tmp_path, "id,title,availability,price,link,age_group\nA,Boot,,5 EUR,x,kids\n")
    assert without.values("gender") == {"A": "Kids"}


RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>
<title>Shop</title><link>https://shop.example</link>
<item>
  <g:id>N-1</g:id><title>Ignored</title><g:title>Trail &quot;Fell&quot; jacket</g:title>
  <description><![CDATA[<p>Warm &amp; dry</p>]]></description>
  <link>https://shop.example/1</link><g:image_link>https://img.invalid/1.jpg</g:image_link>
  <g:additional_image_link>https://img.invalid/2.jpg</g:additional_image_link>
  <g:additional_image_link>https://img.invalid/3.jpg</g:additional_image_link>
  <g:availability>out_of_stock</g:availability><g:price>90.00 EUR</g:price>
  <g:product_type>Clothing &gt; Jackets</g:product_type><g:product_type>Sale</g:product_type>
  <g:shipping><g:country>DE</g:country><g:price>5 EUR</g:price></g:shipping>
  <g:material>Wool</g:material>
</item>
<item>
  <g:id>N-2</g:id><title>Hat</title><g:price>9 EUR</g:price><g:sale_price>7 EUR</g:sale_price>
  <g:product_highlight>Light</g:product_highlight><g:product_highlight>Dry</g:product_highlight>
</item>
<item><g:id>N-3</g:id></item>
</channel></rss>
"""


def test_google_merchant_in_rss(tmp_path: Path) -> None:
    found = read(tmp_path, RSS, "feed.xml")
    assert found.columns.format == "Google Merchant Center feed in XML"
    jacket = found.rows["N-1"]
    assert jacket.values["title"] == 'Trail "Fell" jacket'
    assert jacket.values["description"] == "Warm & dry"
    assert [jacket.values[it] for it in ("category", "product_type")] == ["Clothing", "Jackets"]
    assert jacket.addresses == tuple(f"https://img.invalid/{number}.jpg" for number in (1, 2, 3))
    assert (jacket.line, out_of_stock(found)) == (4, ["N-1"])
    assert prices(found) == {"N-1": "90.00", "N-2": "7.00"}
    assert attributes(found, "N-1") == {"material": "Wool"}
    assert attributes(found, "N-2") == {"product_highlight": ["Light", "Dry"]}
    assert "material" in found.rows["N-2"].attribute_names  # is emptied
    assert found.errors == {19: "title is missing"}


def test_google_merchant_in_atom(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0">'
        "<title>Shop</title><id>tag:shop</id><entry><id>tag:1</id><title>Hat</title>"
        '<link href="https://shop.example/1"/><summary>x</summary><g:id>A-1</g:id>'
        "<g:price>9 EUR</g:price></entry></feed>",
        "feed.atom",
    )
    assert found.values("title") == {"A-1": "Hat"}
    assert prices(found) == {"A-1": "9.00"}


def test_xml_without_google_is_read_by_the_names_of_its_elements(tmp_path: Path) -> None:
    content = "<products><item><sku>A</sku><name>Mug</name><farbe>Rot</farbe></item></products>"
    found = read(tmp_path, content, "feed.xml", mapping={"farbe": "colour"})
    assert (found.values("title"), found.values("colour")) == ({"A": "Mug"}, {"A": "Rot"})


def bomb() -> str:
    entities = "".join(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 9))
    return f'<!DOCTYPE x [<!ENTITY e0 "ha">{entities}]><rss><item><id>&e8;</id></item></rss>'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (bomb(), "declares entities or other files, which is refused"),
        (
            '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><rss><item><id>&a;</id></item>'
            "</rss>",
            "declares entities or other files, which is refused",
        ),
        ("<rss><item><id>A</id></item>", "not well-formed: no element found: line 1"),
        ("<rss><item><id>A&nbsp;</id></item></rss>", "not well-formed: undefined entity"),
        ("<rss><channel><title>x</title></channel></rss>", "no products"),
        ("", "not well-formed"),
        ("<rss><item><id>A</id></item></rss>", "no column for title"),
        (f"<rss><item><id>{'x' * 1_000_001}</id></item></rss>", "more than 1,000,000 characters"),
    ],
)
def test_xml_that_is_refused(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(FileError, match=message):
        read(tmp_path, content, "feed.xml")


def test_shopify() -> None:
    found = ReadFile(FEEDS / "shopify.csv")
    assert sorted(found.rows) == [
        *("0042", "OS-B", "OS-C", "OS-N", "rag-rug", "tall-vase-extra-large")
    ]
    assert set(found.values("brand").values()) == {"Holt"}
    stools = {sku: row for sku, row in found.rows.items() if sku.startswith("OS")}
    assert {row.values["title"] for row in stools.values()} == {"Oak stool"}
    assert {row.values["description"] for row in stools.values()} == {"Solid oak"}
    assert found.values("colour")["OS-B"] == "Black"
    assert attributes(found, "OS-B") == {"Finish": "Oiled", "Tags": ["oak", "seat"]}
    assert attributes(found, "rag-rug") == {}
    assert str(found.values("regular_price")["OS-N"]) == "100.00"
    assert found.values("regular_price")["OS-B"] is None
    # The black one is sold out. The grey one, too, but can be ordered; the rug is not counted.
    assert out_of_stock(found) == ["OS-B"]
    shared = tuple(f"https://img.invalid/os{number}.jpg" for number in (1, 2, 3))
    assert found.rows["OS-N"].addresses == shared
    assert found.rows["OS-B"].addresses == ("https://img.invalid/os-black.jpg", *shared)
    assert sorted(found.left_out) == [6, 10, 11]
    assert "Option1 Name" in found.columns.by_format
    assert "Variant Grams" in found.columns.ignored


def test_a_broken_row_does_not_divide_the_variants_of_a_product(tmp_path: Path) -> None:
    content = (
        "Handle,Title,Vendor,Variant SKU,Variant Price\n"
        "mug,Mug,Holt,M-1,5\nmug,,,M-2\nmug,,,M-3,6\n"
    )
    found = read(tmp_path, content)
    assert found.values("title") == {"M-1": "Mug", "M-3": "Mug"}
    assert found.errors == {3: "4 cells, but the header has 5"}


def test_shopify_without_skus(tmp_path: Path) -> None:
    content = (
        "Handle,Title,Option1 Name,Option1 Value,Variant Price,Image Src\n"
        "mug,Mug,Size,S,5,https://i.example/1.jpg\nmug,,,L,6,\nmug,,,,,https://i.example/2.jpg\n"
        "pot,Pot,Title,Default Title,7,\n"
    )
    found = read(tmp_path, content)
    assert prices(found) == {"mug-s": "5.00", "mug-l": "6.00", "pot": "7.00"}
    assert found.left_out == {4: "adds a picture to mug"}


def test_shopify_with_its_newer_column_names(tmp_path: Path) -> None:
    content = (
        "Title,URL handle,Vendor,Status,SKU,Option1 name,Option1 value,Price,Compare-at price,"
        "Inventory tracker,Inventory quantity,Continue selling when out of stock,"
        "Product image URL\n"
        "Mug,mug,Holt,Active,M-1,Color,Red,5,6,shopify,0,FALSE,https://i.example/1.jpg\n"
        ",mug,,,M-2,,Blue,5,,shopify,0,TRUE,https://i.example/2.jpg\nPot,pot,Holt,Draft,P,,,7,,,,,\n"
    )
    found = read(tmp_path, content)
    assert found.columns.format.startswith("Shopify")
    assert found.values("colour") == {"M-1": "Red", "M-2": "Blue"}
    assert out_of_stock(found) == ["M-1"]
    assert all(len(row.addresses or ()) == 2 for row in found.rows.values())
    assert sorted(found.left_out) == [4]


def test_woocommerce_writes_line_ends_in_descriptions_as_escapes(tmp_path: Path) -> None:
    content = (
        "ID,Type,SKU,Name,Published,Description,In stock?,Regular price\n"
        r"1,simple,A,Tee \new,1,Soft\n\nWash at 30,1,5" + "\n"
        r"2,simple,B,Tee,1,C:\\new,1,5" + "\n"
    )
    found = read(tmp_path, content)
    assert found.values("description") == {"A": "Soft\n\nWash at 30", "B": r"C:\\new"}
    assert found.values("title")["A"] == r"Tee \new"


def test_woocommerce() -> None:
    found = ReadFile(FEEDS / "woocommerce.csv")
    assert prices(found) == {
        **{"WC-1": "9.00", "WC-2-SAND": "20.00", "WC-2-SEA": "20.00"},
        **{"14": "5.00", "WC-5": "3.00", "WC-8": "50.00"},
    }
    assert out_of_stock(found) == ["14", "WC-2-SAND"]
    comb = found.rows["WC-1"]
    assert comb.addresses == ("https://img.invalid/c1.jpg", "https://img.invalid/c2.jpg")
    path = [comb.values[name] for name in ("category", "subcategory", "product_type")]
    assert path == ["Care", "Hair", "Combs"]
    assert attributes(found, "WC-1") == {"Tags": ["bamboo", "hair"], "Material": "Bamboo"}
    # variations have what their parent has
    assert found.rows["WC-2-SAND"].addresses == ("https://img.invalid/t.jpg",)
    assert found.rows["WC-2-SEA"].addresses == ("https://img.invalid/sea.jpg",)
    assert found.values("description")["WC-2-SEA"] == "Soft"
    assert found.values("colour")["WC-2-SEA"] == "Sea"
    assert sorted(found.left_out) == [3, 8, 9]


def test_magento() -> None:
    found = ReadFile(FEEDS / "magento.csv")
    assert out_of_stock(found) == ["MA-2", "MA-3"]
    assert prices(found)["MA-1"] == "25.00"
    bag = found.rows["MA-1"]
    path = [bag.values[name] for name in ("category", "subcategory", "product_type")]
    assert path == ["Bags", "Canvas", "Satchels"]
    assert bag.images == ("f/i/field.jpg", "f/i/field2.jpg", "f/i/field3.jpg")
    assert bag.values["colour"] == "Olive"
    assert attributes(found, "MA-1") == {
        "material": ["Canvas", "Leather"],
        "care": "Wipe, do not wash",
    }
    assert found.rows["MA-2"].images == ()
    assert sorted(found.left_out) == [6, 7]


def test_texts_of_other_store_views_of_magento_are_left_out(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "sku,store_view_code,name,attribute_set_code,product_type,price\n"
        "A,,Mug,Default,simple,9.000000\nA,de,Becher,Default,simple,\nB,admin,Pot,Default,simple,8\n",
    )
    assert found.values("title") == {"A": "Mug", "B": "Pot"}
    assert found.left_out == {3: "texts of another store view (store_view_code)"}
    assert found.errors == {}


def test_grouped_products_of_woocommerce_cost_what_the_cheapest_does(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "ID,Type,SKU,Name,Published,Regular price,Sale price,In stock?,Parent,Grouped products\n"
        '1,grouped,SET,Set,1,,,1,,"A, id:3,MUG"\n'
        "2,simple,A,Plate,1,20,,1,,\n3,simple,,Bowl,1,15,12,1,,\n"
        "4,variable,MUG,Mug,1,,,1,,\n5,variation,MUG-S,Mug,1,14,,1,id:4,\n"
        "6,simple,CHEAP,Draft,-1,1,,1,,\n"
        '7,grouped,TWO,Two,1,,,1,,"MUG,CHEAP,gone"\n8,grouped,NONE,None,1,,,1,,\n'
        "9,grouped,OWN,Own,1,99,,1,,A\n10,grouped,OLD,Old,1,,,1,,\n11,simple,C,Cup,1,7,,1,OLD,\n",
    )
    assert prices(found)["SET"] == "12.00"
    assert str(found.values("regular_price")["SET"]) == "15.00"
    assert {sku: prices(found)[sku] for sku in ("TWO", "NONE", "OWN", "OLD")} == {
        **{"TWO": "14.00", "NONE": "None", "OWN": "99.00", "OLD": "7.00"}
    }
    assert found.warnings == {"NONE": ("none of its products has a price",)}
    assert found.rows["SET"].line == 2
    assert (sorted(found.left_out), found.errors) == ([5, 7], {})


def test_grouped_products_of_magento(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "sku,name,attribute_set_code,product_type,price,associated_skus\n"
        'SET,Set,Default,grouped,,"A=2.0000,B=1.0000"\nA,Mug,Default,simple,9,\n'
        "B,Pot,Default,simple,8,\n",
    )
    assert prices(found) == {"A": "9.00", "B": "8.00", "SET": "8.00"}
    assert not found.columns.attributes


def test_rows_without_an_sku_continue_a_product_of_magento_1(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "sku,_store,_attribute_set,_type,_category,name,price,qty,is_in_stock,status,image,"
        "_media_image,_associated_sku\n"
        "A,,Default,simple,Bags,Bag,9,5,1,1,/a/1.jpg,/a/1.jpg,\n"
        ',,,,"Bags/Day, night/Small",,,,,,,/a/2.jpg,\n'
        ",german,,,,Tasche,,,,,,,\n,,,,,,,,,,,/a/3.jpg,\n"
        "B,,Default,simple,,Pin,8,0,1,1,,,\nC,,Default,simple,,Old,7,5,1,2,,,\n"
        "D,,Default,grouped,,Set,,,1,1,,,A\n,,,,,,,,,,,,B\n",
    )
    bag = found.rows["A"]
    assert bag.values["title"] == "Bag"
    assert bag.images == ("a/1.jpg", "a/2.jpg", "a/3.jpg")
    path = [bag.values[name] for name in ("category", "subcategory", "product_type")]
    assert path == ["Bags", "Day, night", "Small"]
    assert prices(found) == {"A": "9.00", "B": "8.00", "D": "8.00"}
    assert out_of_stock(found) == ["B"]
    assert found.left_out[3] == "continues A"
    assert sorted(found.left_out) == [3, 4, 5, 7, 9]
    assert (found.columns.attributes, found.errors) == ([], {})


def test_amazon() -> None:
    found = ReadFile(FEEDS / "amazon.txt")
    assert "header on line 3" in found.columns.format
    assert found.values("title") == {"AZ-1": 'Desk 47" white', "AZ-2": "Chair red"}
    assert found.values("description")["AZ-1"] == 'A "good" desk'
    assert found.values("description")["AZ-2"] == "A chair"
    assert found.rows["AZ-1"].addresses == tuple(f"https://img.invalid/d{n}.jpg" for n in (1, 2, 3))
    assert prices(found) == {"AZ-1": "199.00", "AZ-2": "59.00"}
    assert out_of_stock(found) == ["AZ-2"]
    assert found.left_out == {5: "its variations are the products"}


def test_amazon_listings(tmp_path: Path) -> None:
    content = (
        "item-name\titem-description\tlisting-id\tseller-sku\tprice\tquantity\timage-url\n"
        'Mug 3"\tBig\t0101\tM-1\t5.00\t0\t\n'
    )
    found = read(tmp_path, content, "listings.txt")
    assert (found.values("title"), out_of_stock(found)) == ({"M-1": 'Mug 3"'}, ["M-1"])
    assert found.columns.attributes == []


def test_amazon_listings_that_are_not_on_sale(tmp_path: Path) -> None:
    lines = ["item-name\tseller-sku\tprice\tquantity\tstatus"]
    lines += ["Mug\tA\t5\t3\tActive", "Pot\tB\t5\t3\tInactive", "Pan\tC\t5\t3\tIncomplete"]
    found = read(tmp_path, "\n".join(lines), "listings.txt")
    assert (sorted(found.rows), out_of_stock(found)) == (["A", "B"], ["B"])
    assert found.left_out == {4: "an incomplete listing (status)"}
    assert found.columns.attributes == []


def test_kaggle_styles() -> None:
    found = ReadFile(FEEDS / "styles.csv")
    assert sorted(found.rows) == ["501", "502"]
    sandals = found.rows["502"].values
    assert (sandals["colour"], sandals["usage"]) == ("", "")
    assert sandals["product_type"] == "Sandals"
    assert found.errors == {4: "11 cells, but the header has 10", 5: "title is missing"}


def test_format_can_be_chosen_and_columns_mapped_on_top(tmp_path: Path) -> None:
    content = "id,title,availability,price,link,product_type\nA,Mug,in stock,5 EUR,x,Home > Mugs\n"
    assert read(tmp_path, content).values("product_type") == {"A": "Mugs"}
    plain = read(tmp_path, content, format="none")
    assert plain.values("product_type") == {"A": "Home > Mugs"}
    assert plain.columns.attributes == ["link"]
    mapped = read(tmp_path, content, mapping={"link": "brand"})
    assert (mapped.values("brand"), mapped.values("category")) == ({"A": "x"}, {"A": "Home"})
    short = read(tmp_path, "id,title,product_type\nA,Mug,Home > Mugs\n", format="google_merchant")
    assert short.values("product_type") == {"A": "Mugs"}
    with pytest.raises(FileError, match=r"no format 'x'; formats are .*shopify"):
        read(tmp_path, content, format="x")


# -- columns and cells of any file


@pytest.mark.parametrize(
    ("price", "currency", "expected"),
    [
        *[("49.90 USD", "", "49.90 USD"), ("USD 1,299.00", "", "1299.00 USD")],
        *[
            ("€ 49,90", "", "49.90 EUR"),
            ("49,90€", "", "49.90 EUR"),
            ("$1,299.00", "", "1299.00 USD"),
        ],
        *[("$49.90 USD", "", "49.90 USD"), ("C$5", "", "5.00 CAD"), ("Rs. 500", "", "500.00 INR")],
        *[("1.299,- €", "", "1299.00 EUR"), ("1 299,50 kr", "", "1299.50 SEK")],
        *[("$5", "CAD", "5.00 CAD"), ("5 eur", "EUR", "5.00 EUR"), ("5", "€", "5.00 EUR")],
        *[("5", "gbp", "5.00 GBP"), ("", "EUR", "None EUR"), ("5 USD", "usd", "5.00 USD")],
    ],
)
def test_amount_and_currency(tmp_path: Path, price: str, currency: str, expected: str) -> None:
    found = read(tmp_path, f"sku\ttitle\tprice\tcurrency\nA\tMug\t{price}\t{currency}\n")
    values = found.rows["A"].values
    assert f"{values['price']} {values['currency']}" == expected
    assert not found.warnings


def test_contradicting_and_unknown_currencies_are_named(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "sku,title,price,currency\nA,Mug,5 USD,EUR\nB,Pot,5,ZZZ\nC,Pan,5 QQQ,\nD,Cup,€5 USD,\n",
    )
    assert found.errors == {
        2: "price '5 USD' is not in the row's currency EUR",
        5: "price '€5 USD' is in two currencies",
    }
    assert "'ZZZ' is no code" in found.warnings["B"][0]
    assert "'QQQ' is no code" in found.warnings["C"][0]


@pytest.mark.parametrize(
    ("header", "row", "price", "regular"),
    [
        ("price,sale_price", "100,60", "60.00", "100.00"),
        ("price,Special Price", "100,", "100.00", None),
        ("price,sale_price", "100,0", "100.00", None),
        ("price,sale_price", "100,100", "100.00", None),
        ("price,sale_price", ",60", "60.00", None),
        ("price,compare_at_price", "60,100", "60.00", "100.00"),
        ("price,msrp", "60,50", "60.00", None),
        ("price,list price", ",50", "50.00", None),
        ("price,sale price,sale_end", "100,60,2020-01-01", "100.00", None),
        ("price,sale price,sale_start", "100,60,2020-01-01 10:00", "60.00", "100.00"),
        ("price,sale_price,sale_price_effective_date", "9,6,2020-01-01/2020-02-01", "9.00", None),
    ],
)
def test_shoppers_pay_the_sale_price(
    tmp_path: Path, header: str, row: str, price: str, regular: str | None
) -> None:
    found = read(tmp_path, f"sku,title,{header}\nA,Mug,{row}\n")
    values = found.rows["A"].values
    assert str(values["price"]) == price
    assert not found.warnings
    written = values["regular_price"]
    assert (None if written is None else str(written)) == regular


def test_regular_price_alone_does_not_change_the_price(tmp_path: Path) -> None:
    values = read(tmp_path, "sku,title,msrp\nA,Mug,9\n").rows["A"].values
    assert str(values["regular_price"]) == "9.00"
    assert "price" not in values


def test_sale_price_above_the_price_and_unreadable_dates_are_named(tmp_path: Path) -> None:
    found = read(tmp_path, "sku,title,price,sale_price,sale_end\nA,Mug,5,6,\nB,Pot,6,5,soon\n")
    assert prices(found) == {"A": "5.00", "B": "5.00"}
    assert "higher than the price" in found.warnings["A"][0]
    assert "not like 2025-12-31" in found.warnings["B"][0]


@pytest.mark.parametrize(
    "text",
    [
        *("2025-03-04", "20250304", "2025/3/4", "2025.03.04", "04.03.2025", "4.3.25", "4. 3. 2025"),
        *("March 4, 2025", "4 March 2025", "4-Mar-25", "Mar 4th, 2025", "Tue, 4 Mar 2025"),
        *("4. März 2025", "4 mars 2025", "4 marzo 2025", "4 maart 2025", "4 março 2025"),
    ],
)
def test_dates(text: str) -> None:
    assert parse_dates(text, DateOrder()) == [datetime(2025, 3, 4, tzinfo=UTC)]
    (end,) = parse_dates(text, DateOrder(), is_end=True)
    assert end == datetime(2025, 3, 4, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "hour", "minute"),
    [
        *[("3/4/25, 2:05 PM", 14, 5), ("3/4/25 12:05 am", 0, 5), ("3/4/2025 14:05:00", 14, 5)],
        *[("2025-03-04T14:05+0100", 13, 5), ("3/4/25, 2:05\u202fPM", 14, 5)],
        *[("4 Mar 2025 14:05:59 GMT", 14, 5), ("2025/03/04 14:05:00 +01:00", 13, 5)],
    ],
)
def test_dates_with_a_time(text: str, hour: int, minute: int) -> None:
    for is_end in (False, True):
        (moment,) = parse_dates(text, DateOrder(month_first=True), is_end=is_end)
        expected = datetime(2025, 3, 4, hour, minute, tzinfo=UTC)
        assert moment.astimezone(UTC).replace(second=0) == expected


@pytest.mark.parametrize("text", ["soon", "31/31/2025", "32.1.2025", "1/2", "4 Xyz 2025", "5", ""])
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse_dates(text, DateOrder())


def on_sale(folder: Path, dates: list[str]) -> ReadFile:
    rows = "".join(f'A{number},Mug,9,6,"{text}"\n' for number, text in enumerate(dates))
    return read(folder, f"sku,title,price,sale_price,sale_end\n{rows}")


def test_day_and_month_are_told_apart_by_the_other_dates_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Now(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime(2025, 6, 15, tzinfo=UTC)

    monkeypatch.setattr("catalog.importing.cells.prices.datetime", Now)
    found = on_sale(tmp_path, ["5/8/2025", "5/8/2024", "7/7/2025"])
    assert list(found.warnings) == ["A0"]
    assert "may begin with the day or with the month" in found.warnings["A0"][0]
    assert list(prices(found).values()) == ["6.00", "9.00", "6.00"]
    for telling, expected in (("31/1/2025", "6.00"), ("1/31/2025", "9.00")):
        found = on_sale(tmp_path, ["5/8/2025", telling])
        assert (prices(found)["A0"], found.warnings) == (expected, {})
    magento = "sku,name,attribute_set_code,product_type,price,special_price,special_price_to_date"
    found = read(tmp_path, f'{magento}\nA,Mug,Default,simple,9,6,"5/8/25, 2:05 PM"\n')
    assert (prices(found), found.warnings) == ({"A": "9.00"}, {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *[("2020-01-01/2099-01-01", "6.00"), ("2020-01-01 - 2020-02-01", "9.00")],
        *[("1/1/20/2/1/20", "9.00"), ("1/1/2020 to 1/1/2099", "6.00"), ("2099-01-01/", "9.00")],
        *[("2020-01-01T10:00+0100/2099-02-01T10:00+0100", "6.00"), ("1 Jan 2099", "9.00")],
    ],
)
def test_both_dates_of_a_sale_in_a_cell(tmp_path: Path, text: str, expected: str) -> None:
    found = read(tmp_path, f"sku,title,price,sale_price,sale_dates\nA,Mug,9,6,{text}\n")
    assert (prices(found), found.warnings) == ({"A": expected}, {})


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        *[
            (cell, True)
            for cell in ("2.0", "1,000", "10+", "> 5", "3 pcs", "10 Stück", "0.5", "<5")
        ],
        *[(cell, False) for cell in ("0", "0.0", "-3", "0 pcs", "0,000", "out_of_stock")],
        *[(cell, True) for cell in ("in_stock", "In-Stock", "preorder", "Pre-Order", "low stock")],
        *[(cell, True) for cell in ("backorder", "auf Lager", "https://schema.org/InStock", "")],
        *[(cell, False) for cell in ("Sold Out", "ausverkauft", "http://schema.org/OutOfStock")],
    ],
)
@pytest.mark.parametrize("column", ["availability", "stock", "qty"])
def test_stock_cells(tmp_path: Path, cell: str, expected: bool, column: str) -> None:
    found = read(tmp_path, f"sku\ttitle\t{column}\nA\tMug\t{cell}\n")
    assert found.values("in_stock") == {"A": expected}


def test_unknown_stock_words_leave_the_stock_as_it_is(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "sku,title,availability,qty\nA,Mug,yes,\nB,Pot,perhaps,\nC,Pan,Perhaps?,0\nD,Cup,perhaps,\n",
    )
    assert found.values("in_stock") == {"A": True, "B": None, "C": False, "D": None}
    assert not found.errors
    warnings = list(found.columns.warnings())
    assert len(warnings) == 2
    assert (
        "availability 'perhaps' is no known word of stock (2 rows, the first on line 3)"
        in (warnings[0])
    )


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("na magazynie|dostępny|✓|en stock|auf Lager|disponible|op voorraad|pre-order", True),
        ("1 in stock|low stock|in stock (12)|In stock: 12|only 3 left|nur noch 2", True),
        ("Nog 4 op voorraad|Auf Lager (5 Stück)|in stock, ships in 24 h|Pre-Order: 12 May", True),
        ("coming soon|-|sold out|Ausverkauft!|agotado|esaurito|uitverkocht|brak|✗", False),
        (
            "in stock (0)|0 in stock|Auf Lager: 0|out of stock (3)|OUT_OF_STOCK|Sold out - wait",
            False,
        ),
        ("en rupture de stock|não disponível|brak na magazynie|nicht lieferbar", False),
    ],
)
def test_stock_in_words(tmp_path: Path, cells: str, expected: bool) -> None:
    words = cells.split("|")
    rows = "".join(f"A{number}\tMug\t{word}\n" for number, word in enumerate(words))
    found = read(tmp_path, f"sku\ttitle\tavailability\n{rows}")
    known = dict(zip(words, found.values("in_stock").values(), strict=True))
    assert known == dict.fromkeys(words, expected)


def test_no_word_of_stock_means_both() -> None:
    words: dict[str, set[str]] = {}
    for lists in tomllib.loads(stock.FILE.read_text("utf-8")).values():
        for name, listed in lists.items():
            for word in listed:
                words.setdefault(word, set()).add(name)
                assert word == " ".join(re.split(r"[\s_-]+", word.casefold())) or word in "-"
    yes, no = {"yes", "in_stock", "counted"}, {"no", "out_of_stock"}
    assert not [word for word, names in words.items() if names & yes and names & no]


def test_product_is_out_of_stock_if_one_of_the_columns_says_so(tmp_path: Path) -> None:
    found = read(tmp_path, "sku,title,is_in_stock,qty\nA,Mug,1,0\nB,Pot,0,5\nC,Pan,1,5\nD,Cup,1,\n")
    assert out_of_stock(found) == ["A", "B"]


def test_addresses_and_file_names_in_any_picture_column(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "sku,title,image,image 2,Image URL\nA,Mug,https://i.example/1.jpg,b.jpg,//i.example/2.jpg\n"
        'B,Pot,"https://i.example/1.jpg, https://i.example/2.jpg?a=1,2",,\n'
        'C,Pan,a.jpg;b.jpg,c.jpg,"[""https://i.example/1.jpg""]"\n'
        'D,Cup,,,"https://i.example/1.jpg|https://i.example/2.jpg\nhttps://i.example/3.jpg x"\n',
    )
    one, two = "https://i.example/1.jpg", "https://i.example/2.jpg"
    assert {sku: (row.images, row.addresses) for sku, row in found.rows.items()} == {
        "A": (("b.jpg",), (one, two)),
        "B": ((), (one, f"{two}?a=1,2")),
        "C": (("a.jpg", "b.jpg", "c.jpg"), (one,)),
        "D": ((), (one, two, "https://i.example/3.jpg x")),
    }


def test_long_category_paths_are_shortened_between_their_parts(tmp_path: Path) -> None:
    path = " > ".join(f"Department no {number}" for number in range(9))
    found = read(tmp_path, f"sku,title,category\nA,Mug,{path}\nB,Pot,{'x' * 101}\n")
    assert found.values("category") == {
        "A": " > ".join(f"Department no {number}" for number in range(5)),
        "B": "x" * 100,
    }
    assert sorted(found.warnings) == ["A", "B"]


def test_report_of_columns(tmp_path: Path) -> None:
    content = (
        "sku,title,Lagerbestand,Verkaufspreis,zoom,size,series,fee,condition\n"
        "A,Mug,0,5,https://i.example/1.jpg,M,GRP1,EUR 4,sold out\n"
    )
    report = read(tmp_path, content, mapping={"size": ""}).columns
    assert report.fields == {"sku": ("sku",), "title": ("title",)}
    assert (report.ignored, report.attributes[-1]) == (["size"], "condition")
    assert report.looks_like == {
        **{"Lagerbestand": "stock", "Verkaufspreis": "price"},
        **{"zoom": "pictures", "fee": "price", "condition": "stock"},
    }
    warnings = list(report.warnings())
    assert "all products count as in stock" in warnings[0]
    assert "--map 'Lagerbestand=in_stock'" in warnings[0]
    assert "--map 'zoom=image_url'" in warnings[2]
    report = read(tmp_path, content, mapping={"Lagerbestand": "in_stock"}).columns
    assert "count as in stock" not in "".join(report.warnings())


@given(st.lists(st.text("Handle,Tyk\r\n\"' #12=>|:/;", max_size=60), max_size=5))
def test_any_cells_of_a_feed_give_rows(lines: list[str]) -> None:
    headers = (
        "Handle,Title,Variant Price,Option1 Name,Option1 Value,Image Src",
        "ID,Type,SKU,Name,Regular price,Categories,Parent,Images",
        "sku,name,attribute_set_code,product_type,categories,additional_attributes,qty",
    )
    with TemporaryDirectory() as folder:
        for header in headers:
            found = read(Path(folder), "\n".join([header, *lines]))
            assert all(found.errors.values())


@needs_cases
def test_case_google_merchant() -> None:
    found = ReadFile(CASES / "google_merchant/feed.tsv")
    assert prices(found) == {"GM-1": "39.90", "GM-2": "49.90", "GM-3": "39.90", "GM-4": "1139.90"}
    assert set(found.values("currency").values()) == {"USD"}
    assert out_of_stock(found) == ["GM-2"]
    assert len(found.rows["GM-1"].addresses or ()) == 3
    bare = ReadFile(CASES / "google_merchant_noprice_ccy/feed.tsv")
    assert out_of_stock(bare) == ["GN-2"]


@needs_cases
def test_case_shopify_export() -> None:
    found = ReadFile(CASES / "shopify_export/products_export.csv")
    assert prices(found) == {"WB-R-S": "29.00", "WB-R-M": "29.00", "WB-B-S": "31.00"}
    assert set(found.values("title").values()) == {"Wool Beanie"}
    assert set(found.values("brand").values()) == {"Ovis"}
    assert found.values("description")["WB-B-S"] == "Soft wool beanie. 100% wool Hand wash"
    assert all(len(row.addresses or ()) == 4 for row in found.rows.values())
    assert found.left_out == {5: "adds a picture to wool-beanie"}


@needs_cases
def test_case_magento() -> None:
    found = ReadFile(CASES / "magento/catalog_product.csv")
    assert out_of_stock(found) == ["MG-1"]
    assert found.values("product_type") == {"MG-1": "Bags"}
    assert prices(found) == {"MG-1": "39.00"}


@needs_cases
def test_case_kaggle_styles() -> None:
    found = ReadFile(CASES / "kaggle_styles/styles.csv")
    assert sorted(found.rows) == ["90001", "90003"]
    assert found.errors == {3: "11 cells, but the header has 10", 5: "title is missing"}


@needs_cases
def test_case_picture_addresses() -> None:
    one, two = "https://img.invalid/1.jpg", "https://img.invalid/2.jpg"
    assert ReadFile(CASES / "images_urls/p.csv").rows["IU-1"].addresses == (one, two)
    found = ReadFile(CASES / "images_urls/p2.csv")
    for sku in ("IU-1", "IU-2", "IU-3", "IU-9"):
        assert found.rows[sku].addresses == (one, two)
    assert found.rows["IU-7"].addresses == ("https://img.invalid/ü.jpg?x=1&y=2",)
    assert sorted(found.warnings) == ["IU-10", "IU-5"]


@needs_cases
def test_case_values() -> None:
    assert prices(ReadFile(CASES / "sale_price/p.csv")) == {"SP-1": "60.00", "SP-2": "100.00"}
    found = ReadFile(CASES / "facets/p.csv")
    assert out_of_stock(found) == ["FA-3", "FA-5"]
    assert found.rows["FA-6"].values["brand"] == found.rows["FA-6"].values["colour"] == ""
    found = ReadFile(CASES / "currency/p.csv")
    currencies = ["EUR", "EUR", "USD", "Rs.", "JPY", "EUR", "ZZZ", ""]
    assert list(found.values("currency").values()) == currencies
    assert sorted(found.warnings) == ["CU-7"]
    found = ReadFile(CASES / "long_category/p.csv")
    assert str(found.values("category")["LC-1"]).startswith("Vehicles & Parts > Vehicle Parts &")
    found = ReadFile(CASES / "html_desc/p.csv")
    assert found.values("title") == {"HT-1": "Tent & tarp"}
    assert found.values("description") == {"HT-1": "Light tent for 2. 1.2 kg"}
    found = ReadFile(CASES / "nfc_nfd/p.csv")
    assert set(found.values("brand").values()) == {"Caf\u00e9"}
