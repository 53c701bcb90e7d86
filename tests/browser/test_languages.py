"""Pages in other languages in a real browser: their words fit, also on a narrow phone."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import check
from tests.browser.conftest import take_screenshot

pytestmark = pytest.mark.browser
START = ""

NARROW = {"viewport": {"width": 320, "height": 700}, "has_touch": True, "is_mobile": True}
GERMAN = {"locale": "de-DE"}

OVERFLOWING = """() => {
  const scrolls = (it) =>
    it && (getComputedStyle(it).overflowX !== "visible" || scrolls(it.parentElement));
  return [...document.querySelectorAll("body *")]
    .filter((it) => it.checkVisibility() && !it.closest(".visually-hidden, svg"))
    .filter((it) => it.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .filter((it) => !scrolls(it))
    .map((it) => it.outerHTML.slice(0, 120));
}"""

ADDRESSES = {
    "home": "/",
    "results": "/?q=red+sneakers+for+boys+under+90",
    "nothing": "/?q=dress+under+1",
    "lacking": "/?q=red+lipstick+or+perfume",
}


@pytest.mark.parametrize(
    "page",
    [
        GERMAN,
        GERMAN | NARROW,
        {"locale": "fr-FR"} | NARROW,
        {"locale": "es-ES"} | NARROW,
    ],
    indirect=True,
    ids=["de-1280", "de-320", "fr-320", "es-320"],
)
def test_words_of_other_languages_fit(page: Page, request: pytest.FixtureRequest) -> None:
    language = request.node.callspec.id
    for name, address in ADDRESSES.items():
        page.goto(address)
        if name == "home":
            product = page.locator(".card-title a").first.get_attribute("href")
        see(page, f"language-{language}-{name}")
    page.goto(product or "")
    see(page, f"language-{language}-product")


def see(page: Page, name: str) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not page.evaluate(OVERFLOWING)
    take_screenshot(page, name, full_page=True)


@pytest.mark.parametrize("page", [GERMAN, GERMAN | NARROW], indirect=True, ids=["desktop", "phone"])
def test_german_pages_are_accessible(page: Page) -> None:
    page.goto("/")
    check(page)
    page.goto("/?q=red+sneakers+for+boys+under+90")
    check(page)


@pytest.mark.parametrize("page", [GERMAN], indirect=True, ids=["german"])
def test_texts_of_scripts_are_german(page: Page) -> None:
    page.goto("/?q=red+dress")
    page.locator("#advanced summary").click()
    output = page.locator(".min-match output")
    expect(output).to_have_text(re.compile(r"^\d+\s%$"))
    page.locator("#min-match").evaluate(
        "it => { it.value = 42; it.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    expect(output).to_have_text(re.compile(r"^42\s%$"))
    page.locator("#q").fill("dre")
    expect(page.get_by_role("listbox", name="Vorschläge")).to_be_visible()
    expect(page.get_by_role("group", name="Produkte")).to_be_visible()
