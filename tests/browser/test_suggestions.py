"""Suggestions, recent searches and samples in a real browser."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.browser import axe

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 740}, "has_touch": True, "is_mobile": True}
NARROW = {"viewport": {"width": 320, "height": 640}}
DARK = {"color_scheme": "dark"}
NO_SCRIPTS = {"java_script_enabled": False}


def type_words(page: Page, words: str) -> None:
    page.wait_for_load_state()  # before that, nothing listens
    page.locator("#q").click()
    page.keyboard.type(words)


def suggest(page: Page, words: str) -> None:
    """Type, and wait for the suggestions for all of the words."""
    with page.expect_response(lambda answer: typed_text(answer.request) == words):
        type_words(page, words)
    expect(page.get_by_role("listbox")).to_be_visible()


def typed_text(request: Request) -> str:
    address = urlsplit(request.url)
    return parse_qs(address.query).get("q", [""])[0] if address.path == "/suggest/" else ""


def search(page: Page, words: str) -> None:
    page.goto("/")
    type_words(page, words)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?q="))
    expect(page.locator("#results")).to_have_attribute("data-text", words)


def recent(page: Page) -> list[str]:
    page.wait_for_load_state()
    page.locator("#q").fill("")
    page.locator("#q").blur()
    page.locator("#q").focus()
    expect(page.get_by_role("group", name="Your recent searches")).to_be_visible()
    return page.locator("#suggest").get_by_role("option").all_inner_texts()


@pytest.mark.parametrize(
    "page", [{}, DARK, PHONE, NARROW], indirect=True, ids=["wide", "dark", "phone", "narrow"]
)
def test_suggestions_are_shown_and_accessible(page: Page) -> None:
    suggest(page, "sne")
    expect(page.get_by_role("option", name="sneakers", exact=True)).to_be_visible()
    expect(page.get_by_role("group", name="Filters").get_by_role("option")).to_contain_text(
        ["in Sneakers"]
    )
    expect(page.get_by_role("group", name="Products").locator("img").first).to_be_visible()
    expect(page.locator("#suggest-status")).to_have_text(re.compile(r"^\d+ suggestions$"))
    box, popup = page.locator("#search").bounding_box(), page.locator("#suggest").bounding_box()
    assert box
    assert popup
    assert abs(box["width"] - popup["width"]) <= 4
    axe.check(page, context="search")


def test_arrows_and_enter_choose_a_query(page: Page) -> None:
    suggest(page, "snee")
    box = page.get_by_role("combobox", name="What are you looking for?")
    expect(box).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", "suggest-query-1")
    axe.check(page, context="search")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?q=sneakers$"))
    expect(box).to_have_value("sneakers")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(box).to_have_attribute("aria-expanded", "false")


def test_a_facet_value_is_a_filter_and_a_product_its_page(page: Page) -> None:
    suggest(page, "sne")
    page.get_by_role("group", name="Filters").get_by_role("option").first.click()
    expect(page).to_have_url(re.compile(r"/\?product_type=Sneakers$"))
    suggest(page, "sne")
    page.get_by_role("group", name="Products").get_by_role("option").first.click()
    expect(page).to_have_url(re.compile(r"/product/"))


def test_escape_closes_the_list_and_keeps_the_words(page: Page) -> None:
    suggest(page, "sne")
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(page.locator("#q")).to_have_value("sne")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("listbox")).to_be_visible()
    page.locator(".tagline").click()
    expect(page.get_by_role("listbox")).to_be_hidden()


def test_enter_without_a_choice_searches_for_what_is_typed(page: Page) -> None:
    suggest(page, "sne")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?q=sne$"))
    expect(page.get_by_role("listbox")).to_be_hidden()


def test_an_old_answer_does_not_replace_a_newer_one(page: Page) -> None:
    held: list[Route] = []

    def answer(route: Route) -> None:
        if typed_text(route.request) == "sne":
            held.append(route)
        else:
            route.continue_()

    page.route("**/suggest/**", answer)
    with page.expect_request(lambda request: typed_text(request) == "sne"):
        type_words(page, "sne")
    page.locator("#q").fill("dre")
    dress = page.get_by_role("option", name="dress", exact=True)
    expect(dress).to_be_visible()
    held[0].continue_()
    page.evaluate("fetch('/suggest/?q=x')")  # the answer above is there before this one
    expect(dress).to_be_visible()
    expect(page.get_by_role("option", name="sneakers", exact=True)).to_have_count(0)


TYPE_AT_ONCE = """(box) => {
    for (const letter of "sneakers") {
        box.value += letter;
        box.dispatchEvent(new Event("input", { bubbles: true }));
    }
}"""


def test_typing_is_debounced(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(typed_text(request)))
    page.locator("#q").focus()
    with page.expect_response(lambda answer: typed_text(answer.request) == "sneakers"):
        page.locator("#q").evaluate(TYPE_AT_ONCE)
    expect(page.get_by_role("listbox")).to_be_visible()
    assert [text for text in asked if text] == ["sneakers"]


def test_without_an_answer_the_box_works_as_before(page: Page) -> None:
    page.evaluate("() => { window.fetch = () => Promise.reject(new TypeError('offline')); }")
    type_words(page, "sneakers")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?q=sneakers$"))


def test_recent_searches_are_offered_and_removable(page: Page) -> None:
    for words in ("red dress", "blue jeans", "Red dress", "boots"):
        search(page, words)
    assert recent(page) == ["boots", "Red dress", "blue jeans"]
    axe.check(page, context="search")
    page.get_by_role("button", name="Remove “Red dress” from your recent searches").click()
    expect(page.locator("#suggest [role=option]")).to_have_text(["boots", "blue jeans"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Delete")
    expect(page.locator("#suggest [role=option]")).to_have_text(["blue jeans"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?q=blue\+jeans$"))
    recent(page)
    page.get_by_role("button", name="Remove all").click()
    expect(page.get_by_role("listbox")).to_be_hidden()
    page.locator("#q").blur()
    page.locator("#q").focus()
    expect(page.get_by_role("listbox")).to_be_hidden()


def test_a_recent_search_is_no_markup(page: Page) -> None:
    search(page, "<img src=x onerror=alert(1)> dress")
    assert recent(page) == ["<img src=x onerror=alert(1)> dress"]


@pytest.mark.parametrize("page", [{"once": True}], indirect=True, ids=[""])
def test_a_browser_that_stores_nothing_is_no_problem(page: Page) -> None:
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('denied') }})"
    )
    search(page, "red dress")
    page.locator("#q").fill("")
    suggest(page, "sne")


@pytest.mark.parametrize("page", [NO_SCRIPTS], indirect=True, ids=["no-scripts"])
def test_without_scripts_the_box_is_plain(page: Page) -> None:
    box = page.get_by_role("searchbox")
    box.fill("sneakers")
    expect(page.locator("#suggest")).to_be_hidden()
    box.press("Enter")
    expect(page).to_have_url(re.compile(r"\?q=sneakers"))
    expect(page.locator(".card").first).to_be_visible()


def test_samples_can_be_tried(page: Page) -> None:
    samples = page.get_by_role("region", name="Something to try")
    axe.check(page, context=".samples")
    query = samples.locator(".chip").first.inner_text()
    samples.locator(".chip").first.click()
    expect(page.locator("#q")).to_have_value(query)
    expect(page.locator(".card").first).to_be_visible()
    page.goto("/")
    samples.get_by_role("link", name=re.compile("^Search with the picture of")).first.click()
    expect(page).to_have_url(re.compile(r"\?like="))
    expect(page.locator(".query-picture img")).to_be_visible()
    page.goto("/?q=sneakers&min_match=100")
    expect(page.locator(".empty .samples .chip").first).to_be_visible()
