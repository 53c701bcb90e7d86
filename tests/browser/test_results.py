"""The results as a shopper sees them: cards, filters on a telephone, advanced options."""

import re
from collections.abc import Iterator
from http import HTTPStatus

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from catalog.db.connection import connect
from tests.browser.conftest import Windows
from tests.browser.test_storefront import PHONE

pytestmark = pytest.mark.browser
START = ""

NARROW = {"viewport": {"width": 320, "height": 568}, "has_touch": True, "is_mobile": True}
TOP = "element => element.getBoundingClientRect().top"


@pytest.fixture(scope="module")
def two_pictures(shop: str) -> str:
    """The title of a product with a second picture."""
    with connect() as connection:
        title: str = connection.exec_driver_sql(
            "SELECT title FROM product JOIN product_image i ON i.product_id = product.id"
            " WHERE i.position = 1 ORDER BY sku LIMIT 1"
        ).scalar_one()
    return title


@pytest.fixture(scope="module")
def colours(shop: str) -> Iterator[list[str]]:
    """The SKUs of three products that are variants in three colours; the last is out of stock."""
    with connect() as connection:
        skus = list(
            connection.exec_driver_sql(
                "SELECT min(p.sku) FROM product p JOIN product_variant v ON v.product_id = p.id"
                " WHERE p.in_stock AND v.leader_id = p.id AND NOT EXISTS (SELECT FROM"
                " product_variant o WHERE o.leader_id = p.id AND o.product_id <> p.id)"
                " GROUP BY p.colour ORDER BY 1 LIMIT 3"
            ).scalars()
        )
        before = connection.exec_driver_sql(
            "SELECT v.product_id, v.leader_id FROM product_variant v JOIN product p"
            " ON p.id = v.product_id WHERE p.sku = ANY(%(skus)s)",
            {"skus": skus},
        ).all()
        connection.exec_driver_sql(
            "UPDATE product_variant v SET leader_id = (SELECT id FROM product"
            " WHERE sku = %(first)s) FROM product p"
            " WHERE p.id = v.product_id AND p.sku = ANY(%(skus)s)",
            {"first": skus[0], "skus": skus},
        )
        connection.exec_driver_sql(
            "UPDATE product SET in_stock = false WHERE sku = %(sku)s", {"sku": skus[2]}
        )
    yield skus
    with connect() as connection:
        for product, leader in before:
            connection.exec_driver_sql(
                "UPDATE product_variant SET leader_id = %(leader)s WHERE product_id = %(id)s",
                {"leader": leader, "id": product},
            )
        connection.exec_driver_sql(
            "UPDATE product SET in_stock = true WHERE sku = %(sku)s", {"sku": skus[2]}
        )


def open_search(page: Page, query: str) -> None:
    page.goto(f"/?{query}")
    expect(page.locator("#products")).to_be_visible()


def card_of(page: Page, sku: str) -> Locator:
    return page.locator(".card").filter(has=page.locator(f'.card-title a[href="/product/{sku}"]'))


@pytest.mark.parametrize("page", [PHONE], indirect=True, ids=["phone"])
def test_products_show_on_the_first_screen_of_a_phone(page: Page) -> None:
    open_search(page, "q=shoes")
    assert page.locator("#products").evaluate(TOP) < 0.4 * 740
    page.evaluate("scrollTo(0, 900)")
    bar = page.locator(".bar")
    assert bar.evaluate(TOP) == 0  # it stays
    expect(bar.get_by_role("button", name="Filters")).to_be_in_viewport()
    expect(bar.get_by_label("Sort")).to_be_in_viewport()


@pytest.mark.parametrize("page", [PHONE], indirect=True, ids=["phone"])
def test_a_page_without_results_has_only_what_helps(page: Page) -> None:
    open_search(page, "q=blorptuna")
    expect(page.locator("#sort")).to_be_hidden()
    expect(page.get_by_text("Nothing matches “blorptuna”")).to_be_visible()
    pictures = page.locator(".sample-pictures")
    assert pictures.evaluate("list => list.scrollWidth > list.clientWidth")
    first = pictures.locator("a").first.bounding_box()
    assert first
    assert first["x"] >= 0, "nobody can scroll to it"


@pytest.mark.parametrize("page", [PHONE], indirect=True, ids=["phone"])
def test_a_card_says_the_brand_once(page: Page) -> None:
    open_search(page, "q=dress")
    card = page.locator(".card").filter(has=page.locator(".card-title .visually-hidden")).first
    brand = card.locator(".brand").inner_text()
    title = card.locator(".card-title").text_content() or ""
    assert title.startswith(f"{brand} ")
    shown = card.locator(".card-title a").evaluate("link => link.lastChild.textContent")
    assert shown == title.removeprefix(f"{brand} ")
    expect(card.get_by_role("link", name=title, exact=True)).to_be_visible()


@pytest.mark.parametrize("page", [PHONE], indirect=True, ids=["phone"])
def test_filters_are_a_sheet_that_closes_and_returns_the_focus(page: Page) -> None:
    open_search(page, "q=shoes")
    opener = page.get_by_role("button", name="Filters")
    sheet = page.get_by_role("dialog", name="Filters")
    expect(sheet).to_have_count(0)
    for close in ("Escape", "backdrop", "button"):
        opener.click()
        expect(sheet).to_be_visible()
        assert page.evaluate("document.activeElement.closest('dialog') !== null")
        if close == "Escape":
            page.keyboard.press("Escape")
        elif close == "backdrop":
            page.mouse.click(180, 20)
        else:
            sheet.get_by_role("button", name="Close").click()
        expect(sheet).to_have_count(0)
        expect(opener).to_be_focused()
    opener.click()
    sheet.locator('#facets input[name="gender"][value="Men"]').check()
    expect(page).to_have_url(re.compile("gender=Men"))
    expect(sheet).to_be_visible()  # several filters can be chosen
    count = page.locator("#results-heading").text_content() or ""
    expect(sheet.get_by_role("status")).to_have_text(count)
    sheet.get_by_role("button", name="Show the products").click()
    expect(page.locator(".filter-chips .chip")).to_have_count(1)
    expect(page.locator("#filters")).to_be_hidden()


def test_filters_stand_beside_the_products_of_a_wide_screen(page: Page) -> None:
    open_search(page, "q=shoes")
    expect(page.locator("#filters")).to_be_visible()
    expect(page.get_by_role("button", name="Filters")).to_be_hidden()
    page.set_viewport_size({"width": 600, "height": 900})
    page.get_by_role("button", name="Filters").click()
    expect(page.get_by_role("dialog", name="Filters")).to_be_visible()
    page.set_viewport_size({"width": 1280, "height": 900})
    expect(page.get_by_role("dialog", name="Filters")).to_have_count(0)
    expect(page.locator("#filters")).to_be_visible()


@pytest.mark.parametrize(
    "page",
    [PHONE | {"java_script_enabled": False}],
    indirect=True,
    ids=["phone-no-scripts"],
)
def test_filters_without_scripts(page: Page) -> None:
    open_search(page, "q=shoes")
    page.get_by_role("link", name="Filters").click()
    page.locator('#facets input[name="gender"][value="Men"]').check()
    page.get_by_role("button", name="Apply the filters").click()
    expect(page).to_have_url(re.compile("gender=Men"))


@pytest.mark.parametrize("page", [PHONE], indirect=True, ids=["phone"])
def test_keyboard_of_a_phone_goes_away_after_a_search(page: Page) -> None:
    page.goto("/")
    box = page.locator("#q")
    box.fill("dress")
    box.press("Enter")
    expect(page).to_have_url(re.compile("q=dress"))
    expect(box).not_to_be_focused()


@pytest.mark.parametrize("page", [NARROW], indirect=True, ids=["320"])
def test_no_page_is_wider_than_320_pixels(page: Page, two_pictures: str) -> None:
    with connect() as connection:
        sku = connection.exec_driver_sql(
            "SELECT sku FROM product WHERE title = %(title)s", {"title": two_pictures}
        ).scalar_one()
    addresses = [
        *("/", "/?q=red+dress", "/?q=shoes&gender=Men&in_stock=1&max_price=90&colour=Black"),
        *("/?q=asdfghjkl", "/?colour=Red&max_price=0.01", "/?page=99", f"/?like={sku}"),
        f"/product/{sku}",
    ]
    for address in addresses:
        page.goto(address)
        wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0, address
    missing = page.context.new_page()  # its console, which reports the status, is not checked
    missing.goto("/product/NOPE")
    assert missing.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_search_without_a_price_filter(page: Page) -> None:
    page.goto("/")
    page.locator(".prices").evaluate("it => it.remove()")  # as in a shop without prices
    page.locator("#in-stock").check()
    expect(page).to_have_url(re.compile("in_stock=1"))
    page.locator(".filter-chips .chip").click()
    expect(page.locator("#in-stock")).not_to_be_checked()


def test_skip_link_leads_to_the_products(page: Page) -> None:
    open_search(page, "q=dress")
    page.keyboard.press("Tab")
    link = page.get_by_role("link", name="Skip to the products")
    expect(link).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#products")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#products .card') !== null")


def test_advanced_options_stay_open_on_the_next_page(page: Page) -> None:
    open_search(page, "q=dress")
    options = page.locator("#advanced")
    expect(page.locator(".match").first).to_be_hidden()
    options.locator("summary").click()
    expect(page.locator(".match").first).to_be_visible()
    page.locator("#min-match").fill("50")  # swaps the options
    expect(page).to_have_url(re.compile("min_match=50"))
    expect(page.locator("#limit")).to_be_visible()
    open_search(page, "q=shirt")
    expect(page.locator("#limit")).to_be_visible()
    options.locator("summary").click()
    open_search(page, "q=shirt")
    expect(page.locator("#limit")).to_be_hidden()


@pytest.mark.parametrize("close", ["Escape", "outside"])
def test_popovers_close_with_escape_and_outside(page: Page, close: str) -> None:
    open_search(page, "q=red+dress")
    page.locator("#advanced summary").click()
    popovers = page.locator("details.popover[open]")
    for summary in (".match summary", ".query-chips summary"):
        page.locator(summary).first.click()
        expect(popovers).to_have_count(1)
        if close == "Escape":
            page.keyboard.press("Escape")
            expect(page.locator(summary).first).to_be_focused()
        else:
            page.locator(".masthead").click(position={"x": 5, "y": 5})
        expect(popovers).to_have_count(0)


def test_second_picture_is_loaded_and_shown_under_the_mouse(page: Page, two_pictures: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"/?q={two_pictures}&limit=12")
    card = page.locator("#products .card").filter(has_text=two_pictures).first
    picture = card.locator(".tile img")
    other = picture.get_attribute("data-other")
    assert other
    page.wait_for_load_state("networkidle")
    assert not [url for url in asked if url.endswith(other)]
    page.wait_for_function("picture => picture.complete", arg=picture.element_handle())
    own = picture.evaluate("picture => picture.currentSrc")
    card.locator(".card-title a").hover()
    expect(picture).to_have_attribute("srcset", other)
    page.locator(".masthead").hover(position={"x": 5, "y": 5})
    expect(picture).not_to_have_attribute("srcset", other)
    page.wait_for_function(
        "([picture, own]) => picture.currentSrc === own", arg=[picture.element_handle(), own]
    )


@pytest.mark.parametrize("page", [PHONE], indirect=True, ids=["phone"])
def test_second_picture_is_not_loaded_without_a_mouse(page: Page, two_pictures: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"/?q={two_pictures}&limit=12")
    card = page.locator("#products .card").filter(has_text=two_pictures).first
    other = card.locator(".tile img").get_attribute("data-other")
    assert other
    card.locator(".card-title a").focus()
    page.wait_for_load_state("networkidle")
    assert not [url for url in asked if url.endswith(other)]


def test_colour_switches_the_picture_and_leads_to_its_product(
    page: Page, colours: list[str]
) -> None:
    with connect() as connection:
        words = connection.exec_driver_sql(
            "SELECT title FROM product WHERE sku = %(sku)s", {"sku": colours[0]}
        ).scalar_one()
    page.goto(f"/?q={words}&limit=12")
    card = card_of(page, colours[0]).first
    dots = card.locator(".dot")
    expect(dots).to_have_count(3)
    picture = card.locator(".tile img")
    dots.nth(1).hover()
    expect(picture).to_have_attribute("srcset", dots.nth(1).get_attribute("data-picture") or "")
    dots.nth(2).focus()  # also with the keyboard
    expect(picture).to_have_attribute("srcset", dots.nth(2).get_attribute("data-picture") or "")
    dots.nth(1).click()
    expect(page).to_have_url(re.compile(f"/product/{colours[1]}$"))
    expect(page.locator(".look[aria-current]")).to_have_attribute("href", f"/product/{colours[1]}")


def test_variants_of_a_card_are_its_own(page: Page, colours: list[str]) -> None:
    with connect() as connection:
        words = connection.exec_driver_sql(
            "SELECT title FROM product WHERE sku = %(sku)s", {"sku": colours[0]}
        ).scalar_one()
    page.goto(f"/?q={words}&limit=12")
    card_of(page, colours[0]).first.get_by_role("link", name="3 variants").click()
    expect(page).to_have_url(re.compile(f"/product/{colours[0]}#variants$"))
    looks = page.locator(".look")
    expect(looks).to_have_count(len(colours))
    assert {it.get_attribute("href") for it in looks.all()} == {
        f"/product/{sku}" for sku in colours
    }
    out = page.locator(".look.is-out")
    expect(out).to_have_count(1)
    expect(out).to_have_attribute("href", f"/product/{colours[2]}")
    expect(out.get_by_role("img")).to_have_accessible_name(re.compile("out of stock"))


def test_products_out_of_stock_sink_among_similar_ones(page: Page, colours: list[str]) -> None:
    with connect() as connection:
        near = list(
            connection.exec_driver_sql(
                "SELECT sku FROM search.similar(%(sku)s) LIMIT 2", {"sku": colours[0]}
            ).scalars()
        )
        connection.exec_driver_sql(
            "UPDATE product SET in_stock = false WHERE sku = ANY(%(skus)s)", {"skus": near}
        )
    try:
        page.goto(f"/?like={colours[0]}&min_match=0&limit=96&group_variants=0")
        out = page.locator("#products > li").evaluate_all(
            "items => items.map(item => item.querySelector('.is-out') !== null)"
        )
        assert out == sorted(out)
        assert sum(out) >= 2
    finally:
        with connect() as connection:
            connection.exec_driver_sql(
                "UPDATE product SET in_stock = true WHERE sku = ANY(%(skus)s)", {"skus": near}
            )


@pytest.mark.parametrize("status", [HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.NOT_FOUND])
def test_picture_without_a_free_decoder_is_asked_for_again(
    page: Page, windows: Windows, status: HTTPStatus
) -> None:
    """One that is missing is not."""
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) > 3:
            route.fallback()
        else:
            route.fulfill(status=status, headers={"Retry-After": "0"})

    page.goto("/?q=dress")
    address = page.locator(".card img").first.evaluate("image => image.currentSrc")
    page.goto("about:blank")
    page.route(address, answer)
    page.goto("/?q=dress")
    picture = page.locator(".card img").first
    if status == HTTPStatus.NOT_FOUND:
        page.wait_for_load_state("networkidle")
        assert len(asked) <= 2
    else:
        expect(picture).not_to_have_js_property("naturalWidth", 0)
        assert len(asked) >= 4
    windows.complaints.clear()  # of the answers
