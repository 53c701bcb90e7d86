"""No page has a violation that axe-core finds: light, dark, on a phone, and at 400 % zoom.

Each page is visited in a wide window and on a phone. The other modes are set in the same window:
another look costs less than another visit.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import RequestFactory
from playwright.sync_api import Browser, Page, ViewportSize, expect

from catalog.db.connection import DatabaseError, connect
from shop.middleware import ErrorPages, SetUpPage
from shop.rates import TooManyRequests
from shop.refused_uploads import with_refusal
from shop.upload_decoder import DecoderBusy
from tests.browser.axe import check
from tests.browser.conftest import take_screenshot
from tests.browser.test_compare import session
from tests.browser.test_crop import open_dialog, scene
from tests.browser.test_storefront import PHONE, upload
from tests.browser.test_suggestions import suggest

pytestmark = pytest.mark.browser
__all__ = ["scene", "session"]

WIDE: ViewportSize = {"width": 1280, "height": 900}
ZOOMED: ViewportSize = {"width": 320, "height": 256}
"""At 400 % zoom, a window of 1280 by 1024 pixels has so many CSS pixels."""

PAGES = {
    "home": "/",
    "results": "/?q=red+dress",
    "filtered": "/?q=shoes&gender=Men&in_stock=1&max_price=90",
    "close": "/?q=dress+under+1",
    "lacking": "/?q=red+lipstick+for+women",
    "product": "/product/{sku}",
    "empty": "/?colour=Red&max_price=0.01",
    "nothing": "/?q=asdfghjkl",
    "invalid": "/?max_price=cheap&page=x",
    "expired": f"/?picture={'0' * 64}",
    "error": "/product/NOPE",
    "refused": "{refused}",
    "compare": "/compare/?q=red+dress",
}


ADMIN_PAGES = (
    *("", "shop/product/", "shop/product/{id}/change/", "shop/facet/", "shop/embeddingfailure/"),
    *("shop/synonym/", "shop/synonym/unanswered/", "shop/searchweights/"),
)
EMPTY_HEADERS = ("empty-table-header",)
"""Django's tables of inlines have a column without a heading."""


def missing_table() -> Exception:
    error = RuntimeError()
    error.__cause__ = psycopg.errors.UndefinedTable()
    return error


ERRORS: dict[str, Exception] = {
    "429": TooManyRequests(300, 7),
    "503-database": DatabaseError("it does not answer"),
    "503-uploads": DecoderBusy(),
    "setup": missing_table(),
}


@pytest.fixture(scope="module", params=["wide", "phone"])
def page(
    request: pytest.FixtureRequest, browser: Browser, shop: str, session: str
) -> Iterator[Page]:
    """A window for all pages."""
    options: dict[str, Any] = PHONE if request.param == "phone" else {"viewport": WIDE}
    # Colours are compared as they are, not in the middle of a transition.
    context = browser.new_context(base_url=shop, reduced_motion="reduce", **options)
    context.add_cookies([{"name": "sessionid", "value": session, "url": shop}])
    yield context.new_page()
    context.close()


def look(page: Page, name: str, without: tuple[str, ...] = ()) -> None:
    """Check the page as it is in the modes of this window, and return to the first mode."""
    is_wide = (page.viewport_size or WIDE)["width"] == WIDE["width"]
    kind = "wide" if is_wide else "phone"
    look_once(page, f"{kind}-{name}", without)
    page.emulate_media(color_scheme="dark")
    look_once(page, f"{kind}-dark-{name}", without)
    page.emulate_media(color_scheme="light")
    if is_wide:
        page.set_viewport_size(ZOOMED)
        look_once(page, f"zoom-{name}", without)
        page.set_viewport_size(WIDE)


def look_once(page: Page, name: str, without: tuple[str, ...] = ()) -> None:
    check(page, without=without)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    take_screenshot(page, f"axe-{name}")


@pytest.mark.parametrize("name", PAGES)
def test_page_has_no_violation(page: Page, name: str) -> None:
    with connect() as connection:
        sku = connection.exec_driver_sql(
            "SELECT sku FROM product p JOIN product_variant v ON v.product_id = p.id"
            " WHERE EXISTS (SELECT FROM product_variant o WHERE o.leader_id = v.leader_id"
            " AND o.product_id <> p.id) ORDER BY sku LIMIT 1"
        ).scalar_one()
    refused = with_refusal("/", "the file is empty")
    page.goto(PAGES[name].format(sku=sku, refused=refused))
    look(page, name)


@pytest.mark.parametrize("path", ADMIN_PAGES)
def test_admin_page_has_no_violation(page: Page, path: str) -> None:
    User.objects.filter(username="ada").update(is_superuser=True)
    with connect() as connection:
        number = connection.exec_driver_sql("SELECT min(id) FROM product").scalar_one()
    response = page.goto(f"/admin/{path.format(id=number)}")
    assert response is not None
    assert response.status == 200
    look(page, f"admin-{path.split('/')[-2] if path else 'start'}", EMPTY_HEADERS)


@pytest.mark.parametrize("name", ERRORS)
def test_page_of_an_error_has_no_violation(page: Page, name: str) -> None:
    request = RequestFactory().get("/")
    kind = SetUpPage if name == "setup" else ErrorPages
    response = kind(lambda request: HttpResponse()).process_exception(request, ERRORS[name])
    assert response is not None
    content = response.content.decode()
    page.route(
        f"**/error/{name}",
        lambda route: route.fulfill(
            status=response.status_code, body=content, content_type="text/html"
        ),
    )
    page.goto(f"/error/{name}")
    look(page, name)


def test_filters_and_advanced_options_have_no_violation(page: Page) -> None:
    page.goto("/?q=red+dress")
    if page.get_by_role("button", name="Filters").is_visible():
        page.get_by_role("button", name="Filters").click()
        expect(page.get_by_role("dialog")).to_be_visible()
    page.locator("#advanced summary").click()
    expect(page.locator("#min-match")).to_be_visible()
    look(page, "filters")


def test_filter_sheet_at_400_percent_has_no_violation(page: Page) -> None:
    original = page.viewport_size or WIDE
    page.set_viewport_size(ZOOMED)
    page.goto("/?q=red+dress")
    page.get_by_role("button", name="Filters").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    look_once(page, "zoom-sheet")
    page.set_viewport_size(original)


def test_suggestions_have_no_violation(page: Page) -> None:
    page.goto("/")
    suggest(page, "sne")
    look(page, "suggestions")


def test_picture_and_crop_dialog_have_no_violation(page: Page, scene: Path) -> None:
    page.goto("/")
    upload(page, scene)
    look(page, "picture")
    open_dialog(page)
    look(page, "crop")


def test_documents_of_the_api_have_no_violation(page: Page) -> None:
    page.goto("/api/docs")
    expect(page.locator("#operations-Search-search")).to_be_visible()
    look(page, "api", without=("heading-order",))  # of Swagger UI
