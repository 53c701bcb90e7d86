"""No page has a violation that axe-core finds: light, dark, on a phone, and at 400 % zoom."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from catalog.db.connection import connect
from tests.browser.axe import check
from tests.browser.test_compare import session
from tests.browser.test_storefront import DARK, PHONE

pytestmark = pytest.mark.browser
__all__ = ["session"]

WIDE: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}
MODES: dict[str, dict[str, Any]] = {
    "light": WIDE,
    "dark": WIDE | DARK,
    "phone": PHONE,
    "zoom": {"viewport": {"width": 320, "height": 256}, "device_scale_factor": 4},
}
"""At 400 % zoom, a window of 1280 by 1024 pixels has 320 by 256 CSS pixels."""

PAGES = {
    "home": "/",
    "results": "/?q=red+dress",
    "filtered": "/?q=shoes&gender=Men&in_stock=1&max_price=90",
    "product": "/product/{sku}",
    "empty": "/?colour=Red&max_price=0.01",
    "nothing": "/?q=asdfghjkl",
    "error": "/product/NOPE",
    "compare": "/compare/?q=red+dress",
}


@pytest.fixture(scope="module", params=MODES)
def page(
    request: pytest.FixtureRequest, browser: Browser, shop: str, session: str
) -> Iterator[Page]:
    """A window for all pages of a mode."""
    context = browser.new_context(
        base_url=shop,
        # Colours are compared as they are, not in the middle of a transition.
        **MODES[request.param] | {"reduced_motion": "reduce"},
    )
    context.add_cookies([{"name": "sessionid", "value": session, "url": shop}])
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_page_has_no_violation(page: Page, name: str) -> None:
    with connect() as connection:
        sku = connection.exec_driver_sql(
            "SELECT sku FROM product p JOIN product_variant v ON v.product_id = p.id"
            " WHERE EXISTS (SELECT FROM product_variant o WHERE o.leader_id = v.leader_id"
            " AND o.product_id <> p.id) ORDER BY sku LIMIT 1"
        ).scalar_one()
    page.goto(PAGES[name].format(sku=sku))
    check(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_open_parts_have_no_violation(page: Page) -> None:
    page.goto("/?q=red+dress")
    if page.get_by_role("button", name="Filters").is_visible():
        page.get_by_role("button", name="Filters").click()
        expect(page.get_by_role("dialog")).to_be_visible()
    page.locator("#advanced summary").click()
    expect(page.locator("#min-match")).to_be_visible()
    check(page)
