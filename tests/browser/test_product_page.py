"""The page of a product in a real browser: the viewer, and what was recently looked at."""

import re

import pytest
from playwright.sync_api import Page, expect

from catalog.db.connection import connect
from tests.browser.test_storefront import NO_SCRIPTS, PHONE

pytestmark = pytest.mark.browser
START = ""


@pytest.fixture(scope="module")
def products(shop: str) -> list[str]:
    """The SKUs of three products; the first has a second picture."""
    with connect() as connection:
        return list(
            connection.exec_driver_sql(
                "SELECT sku FROM product p ORDER BY EXISTS (SELECT FROM product_image i"
                " WHERE i.product_id = p.id AND i.position = 1) DESC, sku LIMIT 3"
            ).scalars()
        )


def test_viewer_opens_zooms_turns_and_closes_with_the_keyboard(
    page: Page, products: list[str]
) -> None:
    scripts: list[str] = []
    page.on("request", lambda request: scripts.append(request.url))
    page.goto(f"/product/{products[0]}")
    page.wait_for_load_state("networkidle")
    assert not [url for url in scripts if "photoswipe" in url]  # loaded when it is needed
    first = page.locator(".gallery a.tile").first
    first.focus()
    page.keyboard.press("Enter")
    viewer = page.get_by_role("dialog")
    expect(viewer).to_be_visible()
    expect(page.locator(".pswp__counter")).to_have_text("1 / 2")
    expect(page.locator(".pswp")).to_be_focused()  # it has opened
    page.keyboard.press("ArrowRight")
    expect(page.locator(".pswp__counter")).to_have_text("2 / 2")
    page.keyboard.press("ArrowLeft")
    page.get_by_role("button", name="Zoom").click()
    expect(page.locator(".pswp")).to_have_class(re.compile("pswp--zoomed-in"))
    page.keyboard.press("Escape")
    expect(viewer).to_have_count(0)
    expect(first).to_be_focused()
    assert page.url.endswith(f"/product/{products[0]}")


@pytest.mark.parametrize("page", [NO_SCRIPTS], indirect=True, ids=["no-scripts"])
def test_without_scripts_a_picture_leads_to_the_large_one(page: Page, products: list[str]) -> None:
    page.goto(f"/product/{products[0]}")
    expect(page.locator("#recent")).to_be_hidden()
    large = page.locator(".gallery a.tile").first.get_attribute("href") or ""
    assert "/1280/" in large
    assert page.request.get(large).headers["content-type"] == "image/webp"


@pytest.mark.parametrize("page", [PHONE], indirect=True, ids=["phone"])
def test_several_pictures_are_swiped_on_a_phone(page: Page, products: list[str]) -> None:
    page.goto(f"/product/{products[0]}")
    gallery = page.locator(".gallery")
    assert gallery.evaluate("it => it.scrollWidth > it.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_recently_looked_at_stays_in_the_browser_and_can_be_removed(
    page: Page, products: list[str]
) -> None:
    recent = page.locator("#recent li")
    for sku in products:
        page.goto(f"/product/{sku}")
    hrefs = [it.get_attribute("href") for it in recent.locator("a").all()]
    assert hrefs == [f"/product/{sku}" for sku in (products[1], products[0])]
    recent.first.get_by_role("button").click()
    expect(recent).to_have_count(1)
    page.reload()
    expect(recent).to_have_count(1)
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#recent")).to_be_hidden()
    page.reload()
    expect(page.locator("#recent")).to_be_hidden()


def test_what_others_wrote_into_the_list_runs_nothing(page: Page, products: list[str]) -> None:
    page.goto(f"/product/{products[0]}")
    page.evaluate(
        """localStorage.setItem("recently-looked-at", JSON.stringify([
            { sku: "1", url: "javascript:alert(1)", title: "bad" },
            { sku: "2", url: "//elsewhere.example/", title: "bad" },
            { sku: "3", url: "/product/3", title: "<img src=x onerror=alert(1)>", picture: "" },
            null, 7]))"""
    )
    page.reload()
    expect(page.locator("#recent li")).to_have_count(1)
    expect(page.locator("#recent li a")).to_have_attribute("href", "/product/3")
    page.evaluate("localStorage.setItem('recently-looked-at', 'no list')")
    page.reload()
    expect(page.locator("#recent")).to_be_hidden()
