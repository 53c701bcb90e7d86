"""What was understood of a query, in a real browser: chips, corrections and messages."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.test_storefront import (
    DARK,
    NO_SCRIPTS,
    PHONE,
    drawn_picture,
    open_advanced,
    search,
    upload,
)

pytestmark = pytest.mark.browser


def chip(page: Page, label: str) -> Locator:
    return page.locator(".query-chips > li").filter(has_text=re.compile(rf"^\s*{label}\b"))


@pytest.mark.parametrize("page", [{}, NO_SCRIPTS], indirect=True, ids=["scripts", "no-scripts"])
def test_chip_is_removed(page: Page) -> None:
    search(page, "red sneakers for boys under 90")
    expect(page.locator(".query-chips > li")).to_have_count(4)
    page.get_by_role("link", name="Remove for boys").click()
    expect(page).to_have_url(re.compile(r"q=red\+sneakers\+under\+90$"))
    expect(page.locator(".query-chips > li")).to_have_count(3)
    page.go_back()
    expect(chip(page, "for boys")).to_have_count(1)


def test_box_shows_the_changed_text(page: Page) -> None:
    search(page, "red dress not blue")
    page.get_by_role("link", name="Remove not blue").click()
    expect(page.locator("#q")).to_have_value("red dress")
    page.locator("#q").press("Enter")
    expect(page).to_have_url(re.compile(r"q=red\+dress$"))


@pytest.mark.parametrize("page", [{}, NO_SCRIPTS], indirect=True, ids=["scripts", "no-scripts"])
def test_part_is_replaced_by_another_value(page: Page) -> None:
    search(page, "red dress")
    red = chip(page, "red")
    menu = red.locator(".menu")
    expect(menu).to_be_hidden()
    red.locator("summary").click()
    expect(menu).to_be_visible()
    other = menu.get_by_role("link").first
    value = other.inner_text().strip()
    other.click()
    expect(page).to_have_url(re.compile(rf"q={value.replace(' ', '.')}\+dress$"))
    expect(chip(page, value)).to_have_count(1)


@pytest.mark.parametrize("page", [{}, NO_SCRIPTS], indirect=True, ids=["scripts", "no-scripts"])
def test_part_is_searched_as_words(page: Page) -> None:
    search(page, "dress not blue")
    chip(page, "not blue").locator("summary").click()
    page.get_by_role("link", name="Just the words “blue”").click()
    expect(page).to_have_url(re.compile(r"q=dress\+not\+%22blue%22$"))
    expect(page.locator(".query-chips > li")).to_have_count(2)
    expect(page.get_by_role("link", name="Remove without blue")).to_be_visible()


def test_menu_with_the_keyboard(page: Page) -> None:
    search(page, "red dress")
    red, dress = chip(page, "red"), chip(page, "dress")
    red.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(red.locator(".menu")).to_be_visible()
    page.keyboard.press("Escape")
    expect(red.locator(".menu")).to_be_hidden()
    expect(red.locator("summary")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(red.locator(".menu a").first).to_be_focused()
    dress.locator("summary").click()
    expect(red.locator(".menu")).to_be_hidden()
    expect(dress.locator(".menu")).to_be_visible()
    page.get_by_role("heading", level=1).click()
    expect(dress.locator(".menu")).to_be_hidden()


@pytest.mark.parametrize("page", [PHONE, PHONE | DARK], indirect=True, ids=["light", "dark"])
def test_menu_fits_on_a_phone(page: Page) -> None:
    search(page, "red striped dress for women under 90 not blue")
    for summary in page.locator(".query-chips summary").all():
        summary.tap()
        box = page.locator(".query-chips details[open] .menu").bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


@pytest.mark.parametrize("page", [{}, PHONE], indirect=True, ids=["desktop", "phone"])
def test_page_says_what_was_given_up(page: Page) -> None:
    search(page, "sneakers for women")
    expect(page.locator(".given-up")).to_contain_text("No sneakers for women.")
    search(page, "sneakers for men")
    expect(page.locator(".given-up")).to_have_count(0)


@pytest.mark.parametrize("page", [{}, PHONE], indirect=True, ids=["desktop", "phone"])
def test_close_products_stand_apart(page: Page) -> None:
    search(page, "navy blue sneakers")
    expect(page.get_by_role("heading", name="Close to what you asked for")).to_be_visible()
    hits = page.locator(".results > .grid .card-title").all_text_contents()
    close = page.locator(".is-close .card-title").all_text_contents()
    assert hits
    assert close
    assert not set(hits) & set(close)


def test_slider_that_nobody_moved_stays_out_of_the_address(page: Page, demo_folder: Path) -> None:
    upload(page, drawn_picture(demo_folder, "Sandals"))
    search(page, "sandal")
    expect(page.locator("#blend")).to_be_visible()
    page.get_by_role("link", name="Remove the picture").click()
    expect(page).to_have_url(re.compile(r"/\?q=sandal$"))
    count = page.locator("#results-heading").inner_text()
    page.goto("/?q=sandal")
    expect(page.locator("#results-heading")).to_have_text(count)
    open_advanced(page)
    page.locator("#min-match").fill("70")
    expect(page).to_have_url(re.compile("min_match=70"))
    search(page, "sandals")
    expect(page).to_have_url(re.compile("min_match=70"))


@pytest.mark.parametrize("page", [NO_SCRIPTS], indirect=True, ids=["no-scripts"])
def test_slider_without_scripts(page: Page) -> None:
    search(page, "sandal")
    page.locator("#sort").select_option("price")
    page.get_by_role("button", name="Apply", exact=True).click()
    expect(page).to_have_url(re.compile(r"/\?q=sandal&sort=price$"))


@pytest.mark.parametrize("page", [{}, PHONE], indirect=True, ids=["desktop", "phone"])
def test_filter_of_the_last_search_is_one_click_away(page: Page) -> None:
    page.goto("/?q=top&colour=Mint")
    search(page, "sneakers")
    expect(page).to_have_url(re.compile("colour=Mint"))
    expect(page.locator(".empty h2")).to_have_text("Nothing matches “sneakers” with these filters")
    page.locator(".way-out").click()
    expect(page).not_to_have_url(re.compile("colour="))
    expect(page.locator(".results > .grid .card")).not_to_have_count(0)


@pytest.mark.parametrize("query", ["-", "without", "-red", "under 40"])
def test_query_without_words_shows_the_catalogue(page: Page, query: str) -> None:
    search(page, query)
    expect(page.locator(".results > .grid .card").first).to_be_visible()
    expect(page.locator("#results-heading")).to_contain_text("product")
    expect(page.locator("#min-match")).to_have_count(0)
