"""The fields that columns are read as, and the names by which columns are recognised."""

import re

from catalog.importing.feeds.formats import normalise_name

TEXTS = (
    *("sku", "title", "description", "brand", "category", "subcategory", "product_type"),
    *("gender", "colour", "usage"),
)
PICTURES = ("images", "image_url")
"""Fields that are not columns of the table `product`. Several columns may be read as one."""

SALE_DATES = ("sale_start", "sale_end", "sale_dates")
PRICES = ("price", "sale_price", "regular_price", *SALE_DATES)
"""Fields from which the price and the regular price follow."""

FIELDS = (*TEXTS, *PRICES, "currency", "in_stock", "quantity", "category_path", *PICTURES)

_NAMES = {
    "sku": ("id", "productid", "articlenumber"),
    "title": ("name", "producttitle", "productname", "productdisplayname"),
    "product_type": ("type", "articletype"),
    "colour": ("color", "basecolour"),
    "category": ("maincategory", "mastercategory"),
    "in_stock": (
        *("stock", "available", "availability", "isinstock", "stockstatus", "availabilitystatus"),
    ),
    "quantity": (
        *("qty", "stockquantity", "stockqty", "quantityinstock", "stocklevel", "inventory"),
        *("inventoryquantity", "inventoryqty", "availablequantity"),
    ),
    "sale_price": ("specialprice", "saleprice", "discountprice", "discountedprice", "offerprice"),
    "regular_price": (
        *("compareatprice", "listprice", "msrp", "rrp", "uvp", "oldprice", "wasprice"),
        *("originalprice", "recommendedretailprice"),
    ),
    "sale_dates": ("salepriceeffectivedate",),
    "images": ("image", "imagefile", "imagefiles", "filename", "picture", "pictures"),
    "image_url": (
        *("imageurls", "imagelink", "imagelinks", "imageaddress", "imgurl", "imagesrc"),
        *("pictureurl", "pictureurls", "photourl", "photourls"),
        *("additionalimagelink", "additionalimagelinks", "additionalimageurl"),
    ),
}

ALIASES = {alias: field for field, aliases in _NAMES.items() for alias in aliases} | {
    normalise_name(field): field for field in FIELDS
}
"""The field of each normalised name."""

REPEATED = re.compile(r" \(\d+\)$")
"""What is added to a name that a header has again."""

LOOKS_LIKE = {
    "stock": re.compile(
        r"stock|inventory|\bqty\b|quantity|availab|bestand|\blager|verf(ü|ue)gbar|lieferbar|dispon"
        r"|giacenza|voorraad|estoque|dost(ę|e)pn|magazyn|existenc|sold ?out|back ?order|\bmenge\b"
    ),
    "price": re.compile(r"price|preis\b|\bprix\b|precio|preço|prezzo|prijs|\bcena\b|\bcost\b"),
    "pictures": re.compile(
        r"image|\bimg|picture|photo|\bfoto|\bbild(er)?\b|imagem|immagin|afbeelding|zdj(ę|e)ci|obraz"
    ),
}
"""What a column with such a name may be, in the languages of shops. Names are in lower case, and
their words are separated by spaces."""


def field_by_name(column: str) -> str | None:
    """The field of a column in a file that is no known feed; None if it is an attribute.

    Picture columns may be numbered: "image 2".
    """
    name = normalise_name(REPEATED.sub("", column))
    if (found := ALIASES.get(name)) is None:
        numbered = ALIASES.get(name.rstrip("0123456789"))
        return numbered if numbered in PICTURES else None
    return found
