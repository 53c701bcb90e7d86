"""Pages in the language of the browser."""

import re
from collections.abc import Iterator
from decimal import Decimal
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.template.loader import render_to_string
from django.test import Client, RequestFactory, override_settings
from django.utils import translation
from PIL import Image

from catalog.db.connection import connect
from catalog.search.fusion import FUSIONS
from shop import locale_formats
from shop.facet_labels import facet_label
from shop.search_messages import translated
from shop.templatetags.storefront import amount, milliseconds, percentage, price, thousands
from tests.conftest import demo_database
from tests.shop.test_catalogues import LANGUAGES, catalogue, forms

CLIENT = Client(headers={"host": "localhost"})

ATTRIBUTES = ("title", "aria-label", "alt", "placeholder")
DATA = re.compile(
    r"data-(label|close|zoom|previous|next|failed|remove|unreachable|status|text|sending|fetching|searching|no-picture|too-large|refused)"
)

ALLOWED = {"Atelier", "SQL", "RBO", "ms", *FUSIONS}
"""Words that are not translated: names, and symbols of units."""

NUMBER = re.compile(r"%\\\(\w+\\\)s")
"""A placeholder in a text that is escaped for a pattern."""

PAGES = [
    "/",
    "/?q=red+dress",
    "/?q=red+sneakers+for+boys+under+90+not+blue",
    "/?q=cheapest+dress",
    "/?q=red+dres",
    "/?q=blorptuna",
    "/?q=dress+under+1",
    "/?q=sneakers&colour=Red&min_price=20&max_price=21&in_stock=1",
    "/?colour=Red&colour=Blue&in_stock=1&min_price=20&max_price=200",
    "/?colour=Nothing&gender=Nobody",
    "/?q=dress&page=999",
    "/?q=%3F%21",
    "/?q=%3F%21&in_stock=1",
    "/?min_price=x&sort=q&page=0&min_match=x&limit=7&blend=9&diversity=7&model=none",
    "/?min_price=9&max_price=1",
    "/?q=dress&min_match=100",
    "/?q=https://example.org/a.jpg",
    "/?like=NOPE",
    "/?like=NOPE&q=red",
    "/?picture=" + "0" * 64,
    "/product/NOPE",
    "/nowhere",
    "/suggest/?q=dre",
    "/compare/",
    "/compare/?q=red+dress",
]


@pytest.fixture(scope="module")
def shop(
    template_with_synonyms: str, demo_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """A drawn catalogue, and the setting that opens the page that compares."""
    media = tmp_path_factory.mktemp("media")
    queries = tmp_path_factory.mktemp("queries")
    with (
        demo_database(template_with_synonyms, demo_folder, media),
        override_settings(COMPARE_OPEN=True, QUERY_PICTURE_DIR=queries),
    ):
        yield


@pytest.fixture(autouse=True)
def _language() -> Iterator[None]:
    """The language that a request sets is not that of the next test."""
    with translation.override("en-gb"):
        yield


class Texts(HTMLParser):
    """The texts of a page that people see or hear."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.skipped = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.skipped += tag in ("script", "style", "code")
        for name, value in attributes:
            if value and (name in ATTRIBUTES or DATA.fullmatch(name)):
                self.add(value)

    def handle_endtag(self, tag: str) -> None:
        self.skipped -= tag in ("script", "style", "code")

    def handle_data(self, data: str) -> None:
        if not self.skipped:
            self.add(data)

    def add(self, text: str) -> None:
        text = " ".join(text.split())
        if re.search(r"[^\W\d_]{2}", text):
            self.found.add(text)


def texts(html: str) -> set[str]:
    parser = Texts()
    parser.feed(re.sub("</?b>", "", html))  # marks parts of words
    return parser.found


def get(address: str, language: str, **headers: str) -> Any:
    return CLIENT.get(address, headers={"Accept-Language": language, **headers})


def html(address: str, language: str) -> str:
    return get(address, language).content.decode()


def skus(where: str) -> list[str]:
    with connect() as connection:
        statement = f"SELECT sku FROM product WHERE {where} ORDER BY sku"
        return list(connection.exec_driver_sql(statement).scalars())


def catalogue_words() -> set[str]:
    """The words of the products in lower case, besides descriptions."""
    columns = "title, brand, colour, category, subcategory, product_type, gender, usage, sku"
    with connect() as connection:
        rows = [
            *connection.exec_driver_sql(f"SELECT {columns}, currency FROM product"),
            *connection.exec_driver_sql("SELECT attributes::text FROM product"),
            *connection.exec_driver_sql("SELECT label FROM model"),
        ]
        labels = connection.exec_driver_sql("SELECT label FROM facet").scalars().all()
    own = [label for label in labels if facet_label(label) == label]
    return set(words(" ".join([*own, *(str(value) for row in rows for value in row)])))


def words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]{2,}", text.casefold())


def unchanged(language: str) -> set[str]:
    """The texts whose translation is the same."""
    return {
        text
        for it in catalogue(language)
        if it.id
        for text, string in zip(*map(forms, (it.id, it.string)), strict=True)
        if text == string
    }


def leftovers(english: str, other: str, language: str, data: set[str]) -> set[str]:
    """The texts of a page that are the same in English and consist of more than names and data."""
    known = data | {word for text in ALLOWED for word in words(text)}
    same = re.compile(
        "|".join(NUMBER.sub(r"[\\d.,]+", re.escape(it)) for it in unchanged(language))
    )
    return {
        text
        for text in texts(english) & texts(other)
        if not same.fullmatch(text) and not set(words(text)) <= known
    }


@pytest.fixture(scope="module")
def english_pages(shop: None) -> dict[str, str]:
    """The pages in English by their addresses, without the description of a product."""
    first = skus("true")[0]
    (variant, *_) = skus("id IN (SELECT id FROM product_variant)")
    pages = [*PAGES, f"/?like={first}", f"/?like={first}&q=red"]
    pages += [f"/product/{sku}" for sku in (first, variant)]
    description = re.compile(r'<div class="description">.*?</div>', re.DOTALL)
    return {address: description.sub("", html(address, "en")) for address in pages}


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_have_no_english_left(english_pages: dict[str, str], language: str) -> None:
    data = catalogue_words()
    wrong = {}
    for address, english in english_pages.items():
        other = html(address, language)
        if not address.startswith("/suggest"):
            assert f'<html lang="{language}">' in other
        typed = set(words(unquote_plus(address)))
        if found := leftovers(english, other, language, data | typed):
            wrong[address] = found
    assert not wrong


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_errors_and_empty_pages_have_no_english_left(shop: None, language: str) -> None:
    request = RequestFactory().get("/")
    cases: list[tuple[str, dict[str, Any]]] = [
        *[(f"{code}.html", {}) for code in ("400", "403_csrf", "429", "431", "500", "setup")],
        ("413.html", {"most": 2**20}),
        *[("503.html", {"reason": it}) for it in ("uploads", "installation", "database")],
        ("search/empty/no_catalogue.html", {}),
        ("search/empty/not_embedded.html", {"liked": True}),
        ("search/empty/not_embedded.html", {"models": [1, 2]}),
        ("search/empty/nothing_matches.html", {"pictures": [1], "results": {"words": ""}}),
    ]
    for name, context in cases:
        english = render_to_string(name, context, request)
        with translation.override(language):
            other = render_to_string(name, context, request)
        assert not leftovers(english, other, language, set()), name


def upload(content: bytes, language: str) -> Any:
    file = SimpleUploadedFile("a.jpg", content, "image/jpeg")
    headers = {"Accept-Language": language}
    return CLIENT.post("/picture/", {"file": file, "state": ""}, headers=headers, follow=True)


@pytest.mark.slow
def test_refused_upload_is_explained_in_the_language_of_the_reader(shop: None) -> None:
    response = upload(b"no picture", "de")
    assert "Dieses Bild ist nicht verwendbar: kein Bild in einem bekannten Format" in (
        response.content.decode()
    )
    address = response.redirect_chain[-1][0]
    assert "Cette image ne peut pas être utilisée" in html(address, "fr").replace("\u00a0", " ")


@pytest.mark.slow
def test_picture_of_the_query(shop: None) -> None:
    encoded = BytesIO()
    Image.new("RGB", (60, 60), "red").save(encoded, "JPEG")
    page = upload(encoded.getvalue(), "de")
    assert "Produkte wie auf dem Bild." in page.content.decode()
    address = page.redirect_chain[-1][0]
    blended = html(f"{address}&q=red+dress&blend=0.35&diversity=0.5", "de")
    # What the browser sends back keeps its form.
    assert 'name="blend" min="0" max="1" step="0.05" value="0.35"' in blended
    assert 'name="diversity" value="0.5"' in blended
    assert "35\u00a0%" in blended


@pytest.mark.slow
def test_inputs_keep_decimal_points(shop: None) -> None:
    page = html("/?min_price=20.5&max_price=1299.95", "de")
    assert 'value="20.5"' in page
    assert 'value="1299.95"' in page
    assert "ab 20,50" in page
    assert "bis 1.299,95" in page


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        *[("de", "de"), ("de-AT,de;q=0.9,en;q=0.5", "de"), ("fr-CH, fr;q=0.9", "fr")],
        *[("es-MX", "es"), ("en-US", "en-gb"), ("nl", "en-gb"), ("nl,es;q=0.3", "es")],
        *[("", "en-gb"), ("*", "en-gb"), ("\x00;;q=x" * 40, "en-gb")],
    ],
)
@pytest.mark.slow
def test_language_is_the_browsers(shop: None, asked: str, given: str) -> None:
    response = get("/nowhere", asked)
    assert response.headers["Content-Language"] == given
    assert "Accept-Language" in response.headers["Vary"]
    assert f'<html lang="{given}">' in response.content.decode()


@pytest.mark.slow
def test_caches_keep_a_fragment_for_each_language(shop: None) -> None:
    response = get("/suggest/?q=dre", "fr")
    assert "Accept-Language" in response.headers["Vary"]
    assert response.headers["Content-Language"] == "fr"
    assert "public" in response.headers["Cache-Control"]
    assert 'aria-label="Produits"' in response.content.decode()


@pytest.mark.slow
@pytest.mark.parametrize("address", ["/robots.txt", "/sitemap.xml", "/api/v1/search?q=red"])
def test_files_and_the_api_have_no_language(shop: None, address: str) -> None:
    response = get(address, "de")
    assert "Accept-Language" not in response.headers.get("Vary", "")
    assert "Content-Language" not in response.headers


@pytest.mark.slow
def test_the_admin_and_errors_of_the_api_are_english(shop: None) -> None:
    assert "Log in" in html("/admin/login/", "de")
    german, english = (
        it.json()
        for it in (
            get("/api/v1/search?q=red&limit=x", "de"),
            CLIENT.get("/api/v1/search?q=red&limit=x"),
        )
    )
    assert german.pop("request_id") != english.pop("request_id")
    assert german == english


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en-gb", ["€1,299.00", "$50", "49.90 CHF", "¥1,500", "12,345", "87%", "3.4 ms"]),
        ("de", ["1.299,00 €", "50 $", "49,90 CHF", "1.500 ¥", "12.345", "87 %", "3,4 ms"]),
        ("fr", ["1 299,00 €", "50 $", "49,90 CHF", "1 500 ¥", "12 345", "87 %", "3,4 ms"]),
        ("es", ["1.299,00 €", "50 $", "49,90 CHF", "1.500 ¥", "12.345", "87 %", "3,4 ms"]),
    ],
)
def test_numbers_and_prices(language: str, shown: list[str]) -> None:
    with translation.override(language):
        found = [
            *[price(Decimal(1299), "EUR"), amount(Decimal(50), "USD")],
            *[price(Decimal("49.9"), "CHF"), price(Decimal(1500), "JPY")],
            *[thousands(12345), percentage(87), milliseconds(0.0034)],
        ]
    assert [re.sub("[\u00a0\u202f]", " ", it) for it in found] == shown


@pytest.mark.parametrize(
    ("language", "both", "either"),
    [
        *[("en-gb", "a, b and c", "a or b"), ("de", "a, b und c", "a oder b")],
        *[("fr", "a, b et c", "a ou b"), ("es", "a, b y c", "a o b")],
    ],
)
def test_lists(language: str, both: str, either: str) -> None:
    with translation.override(language):
        assert locale_formats.listed(["a", "b", "b", "c"]) == both
        assert locale_formats.listed(["a", "b"], "or") == either
        assert locale_formats.listed([]) == ""


@pytest.mark.parametrize(
    ("language", "none", "one", "many"),
    [
        ("de", "0 Produkte", "1 Produkt", "1.000.000 Produkte"),
        ("fr", "0 produit", "1 produit", "1 000 000 produits"),
        ("es", "0 productos", "1 producto", "1.000.000 productos"),
    ],
)
def test_plural_forms(language: str, none: str, one: str, many: str) -> None:
    with translation.override(language):
        for total, shown in ((0, none), (1, one), (10**6, many)):
            found = render_to_string("search/_count.html", {"results": {"total": total}})
            assert found.replace("\u202f", " ") == shown


def test_messages_of_other_packages_are_translated_with_their_values() -> None:
    with translation.override("de"):
        assert translated("no model is in use; only products with these words are shown") == (
            "kein Modell ist in Gebrauch; nur Produkte mit diesen Wörtern werden gezeigt"
        )
        nested = "this picture cannot be used: the picture has more than 25,000,000 pixels"
        assert translated(nested) == (
            "dieses Bild ist nicht verwendbar: das Bild hat mehr als 25.000.000 Pixel"
        )
        assert translated("something that nobody has translated") == (
            "something that nobody has translated"
        )


def test_labels_that_a_shop_has_chosen_stay() -> None:
    with translation.override("de"):
        assert facet_label("Colour") == "Farbe"
        assert facet_label("Heel height") == "Heel height"
