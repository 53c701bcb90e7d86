"""The page that compares searches, in a real browser."""

import re
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page, expect

from tests.browser.test_storefront import NO_SCRIPTS, PHONE

pytestmark = pytest.mark.browser
START = ""


@pytest.fixture(scope="module")
def session(shop: str) -> Iterator[str]:
    """The cookie of a member of the staff."""
    ada = User.objects.create_user("ada", is_staff=True)
    client = Client(headers={"host": "localhost"})
    client.force_login(ada)
    yield client.cookies["sessionid"].value
    ada.delete()


@pytest.mark.parametrize(
    "page", [{}, PHONE | NO_SCRIPTS], indirect=True, ids=["scripts", "phone-no-scripts"]
)
def test_columns_are_chosen_compared_and_judged(page: Page, shop: str, session: str) -> None:
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": shop}])
    page.goto("/compare/")
    page.get_by_role("group", name="Column B").get_by_label("Signals").select_option("image")
    page.locator("#q").fill("red dress")
    page.get_by_role("button", name="Compare").click()
    expect(page).to_have_url(re.compile(r"q=red\+dress&column=default&column=default%2Csignals"))
    expect(page.locator(".compare-column")).to_have_count(2)
    first, second = page.locator(".compare-column").all()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    verdict = page.get_by_role("button", name="A is better").bounding_box()
    assert verdict
    assert verdict["width"] >= 40, "wide enough for a finger"
    card = first.locator(".small-card").first
    expect(card.locator(".elsewhere")).to_contain_text(re.compile(r"B \d+"))
    sku = card.get_attribute("data-sku")
    twin = second.locator(f'.small-card[data-sku="{sku}"]')
    expect(twin).to_have_count(1)
    if page.evaluate("matchMedia('(scripting: enabled)').matches"):
        card.get_by_role("link").focus()
        expect(twin).to_have_class(re.compile("is-same"))
    page.get_by_role("button", name="A is better").click()
    expect(page.get_by_role("status")).to_contain_text("Stored: default is better")
    chosen = page.get_by_role("button", name="A is better")
    expect(chosen).to_have_attribute("aria-pressed", "true")
