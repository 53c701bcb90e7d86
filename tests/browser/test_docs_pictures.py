"""The pages that README and the tour show.

    UPDATE_DOCS=1 python -m pytest tests/browser/test_docs_pictures.py

takes their screenshots again.
"""

import os
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import take_screenshot
from tests.conftest import PROJECT

pytestmark = pytest.mark.browser

START = ""
IMAGES = PROJECT / "docs" / "images"
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}
PHONE: dict[str, Any] = {
    **{"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2},
    **{"has_touch": True, "is_mobile": True, "color_scheme": "dark"},
}


def take(page: Page, name: str) -> None:
    if os.environ.get("UPDATE_DOCS"):
        page.wait_for_load_state("networkidle")
        page.screenshot(path=IMAGES / f"{name}.png")
    else:
        take_screenshot(page, name)


@pytest.mark.parametrize("page", [DESKTOP], indirect=True, ids=["desktop"])
def test_what_no_product_is(page: Page) -> None:
    page.goto("/?q=red+sneakers+for+boys+under+100")
    expect(page.get_by_text("No red sneakers for boys")).to_be_visible()
    take(page, "storefront")


@pytest.mark.parametrize("page", [PHONE], indirect=True, ids=["phone"])
def test_phone(page: Page) -> None:
    page.goto("/?q=striped+dress")
    expect(page.locator(".card").first).to_be_visible()
    take(page, "phone-dark")


@pytest.mark.parametrize("page", [DESKTOP], indirect=True, ids=["desktop"])
def test_home(page: Page) -> None:
    page.goto("/")
    expect(page.locator(".departments li").first).to_be_visible()
    expect(page.locator(".departments img").first).to_be_visible()


@pytest.mark.parametrize("page", [DESKTOP], indirect=True, ids=["desktop"])
def test_suggestions(page: Page) -> None:
    page.goto("/")
    page.locator("#q").press_sequentially("sne")
    expect(page.locator("#suggest [role=option]").first).to_be_visible()
    take(page, "suggestions")


@pytest.mark.parametrize("page", [DESKTOP], indirect=True, ids=["desktop"])
def test_product(page: Page) -> None:
    page.goto("/?q=striped+dress")
    page.locator(".card h2 a").first.click()
    expect(page.get_by_role("link", name="More like this").first).to_be_visible()
    take(page, "product")
