"""The storefront in a real browser with the real model."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from catalog.db.connection import connect
from tests.browser.conftest import take_screenshot

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
NO_SCRIPTS = {"java_script_enabled": False}
DARK = {"color_scheme": "dark"}


def search(page: Page, words: str) -> None:
    page.locator("#q").fill(words)
    page.locator("#q").press("Enter")
    expect(page).to_have_url(re.compile(r"[?&]q="))
    expect(page.locator("#results-heading")).to_contain_text(re.compile("match|product"))


def open_advanced(page: Page) -> None:
    options = page.locator("#advanced")
    if options.get_attribute("open") is None:
        options.locator("summary").click()
    expect(page.locator("#limit")).to_be_visible()


def titles(page: Page) -> list[str]:
    page.wait_for_load_state("domcontentloaded")
    return page.locator(".card-title").all_text_contents()


def types_on_page(page: Page, first: int) -> list[str]:
    with connect() as connection:
        rows = connection.exec_driver_sql("SELECT title, product_type FROM product")
        known = dict(map(tuple, rows))
    return [known[title] for title in titles(page)[:first]]


def drawn_picture(demo_folder: Path, product_type: str) -> Path:
    with connect() as connection:
        sku = connection.exec_driver_sql(
            "SELECT sku FROM product WHERE product_type = %(type)s ORDER BY sku LIMIT 1",
            {"type": product_type},
        ).scalar()
    lines = (demo_folder / "products.csv").read_text().splitlines()
    line = next(line for line in lines if line.startswith(f"{sku},"))
    found = re.search(r"[\w-]+\.jpg", line)
    assert found
    return demo_folder / "images" / found[0]


def upload(page: Page, picture: Path) -> None:
    page.locator("#file").set_input_files(picture)
    expect(page).to_have_url(re.compile(r"picture=[0-9a-f]{64}"))


@pytest.mark.parametrize("page", [{}, DARK], indirect=True, ids=["light", "dark"])
def test_front_page_shows_the_catalogue(page: Page) -> None:
    expect(page.locator(".card")).to_have_count(24)
    expect(page.locator("#results-heading")).to_contain_text("72 products")
    page.get_by_role("link", name="Page 2").click()
    expect(page).to_have_url(re.compile("page=2"))


@pytest.mark.parametrize("page", [{}, NO_SCRIPTS], indirect=True, ids=["scripts", "no-scripts"])
def test_search_with_words(page: Page) -> None:
    search(page, "sneakers")
    assert types_on_page(page, 2) == ["Sneakers", "Sneakers"]
    assert page.locator("#q").input_value() == "sneakers"
    expect(page.locator(".card").first.locator(".match")).to_contain_text("%")


def test_filter_is_applied_shown_and_removed(page: Page) -> None:
    search(page, "sneakers")
    men = page.locator('#facets input[name="gender"][value="Men"]')
    men.check()
    expect(page).to_have_url(re.compile("gender=Men"))
    chip = page.locator(".filter-chips .chip")
    expect(chip).to_have_count(1)
    page.reload()
    expect(men).to_be_checked()
    chip.click()
    expect(page).not_to_have_url(re.compile("gender="))
    page.go_back()
    expect(page).to_have_url(re.compile("gender=Men"))
    expect(chip).to_have_count(1)


def test_facet_count_is_the_number_of_results(page: Page) -> None:
    option = page.locator("#facets .option").first
    count = option.locator(".number").inner_text()
    option.locator("input").check()
    expect(page.locator("#results-heading")).to_have_text(re.compile(rf"^{count} product"))


def test_uploaded_picture_finds_its_product_and_is_shown(page: Page, demo_folder: Path) -> None:
    upload(page, drawn_picture(demo_folder, "Boots"))
    expect(page.locator(".query-picture :is(img, image)")).to_be_visible()
    assert types_on_page(page, 1) == ["Boots"]
    address = page.url
    page.goto("/")
    page.goto(address)
    expect(page.locator(".query-picture :is(img, image)")).to_be_visible()
    page.get_by_role("link", name="Remove the picture").click()
    expect(page).not_to_have_url(re.compile("picture="))


def test_picture_dropped_on_the_page(page: Page, demo_folder: Path) -> None:
    content = drawn_picture(demo_folder, "Boots").read_bytes()
    page.evaluate(
        """(bytes) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "a.jpg", { type: "image/jpeg" }));
            for (const type of ["dragenter", "dragover", "drop"])
                document.body.dispatchEvent(
                    new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
        }""",
        list(content),
    )
    expect(page).to_have_url(re.compile(r"picture=[0-9a-f]{64}"))
    assert types_on_page(page, 1) == ["Boots"]


@pytest.mark.parametrize("page", [NO_SCRIPTS], indirect=True, ids=["no-scripts"])
def test_picture_without_scripts(page: Page, demo_folder: Path) -> None:
    page.locator("#file").set_input_files(drawn_picture(demo_folder, "Boots"))
    page.get_by_role("button", name="Search with it").click()
    expect(page).to_have_url(re.compile(r"picture=[0-9a-f]{64}"))
    assert types_on_page(page, 1) == ["Boots"]


def test_slider_blends_words_and_picture(page: Page, demo_folder: Path) -> None:
    upload(page, drawn_picture(demo_folder, "Boots"))
    expect(page.locator("#blend")).to_have_count(0)
    search(page, "dress")
    slider = page.locator("#blend")
    expect(slider).to_be_visible()
    slider.fill("0")
    expect(page).to_have_url(re.compile("blend=0"))
    expect(page.locator(".card").first).to_be_visible()
    assert types_on_page(page, 1) == ["Dresses"]
    slider.fill("1")
    expect(page).to_have_url(re.compile("blend=1"))
    assert types_on_page(page, 1) == ["Boots"]


def test_words_that_mean_nothing_leave_the_picture(page: Page, demo_folder: Path) -> None:
    upload(page, drawn_picture(demo_folder, "Sandals"))
    found = titles(page)
    search(page, "blorptuna")
    expect(page.locator(".note").filter(has_text="“blorptuna”")).to_be_visible()
    assert titles(page) == found
    expect(page.locator("#blend")).to_have_count(0)


def test_file_without_a_picture_is_rejected(page: Page, tmp_path: Path) -> None:
    (tmp_path / "lies.jpg").write_text("no picture")
    page.locator("#file").set_input_files(tmp_path / "lies.jpg")
    expect(page).to_have_url(re.compile("refused="))


@pytest.mark.parametrize("page", [NO_SCRIPTS], indirect=True, ids=["no-scripts"])
def test_too_large_picture_is_rejected(page: Page, tmp_path: Path) -> None:
    (tmp_path / "large.jpg").write_bytes(bytes(45 * 2**20))
    page = page.context.new_page()  # its console is not checked, since it reports the status
    page.goto("/")
    page.locator("#file").set_input_files(tmp_path / "large.jpg")
    page.get_by_role("button", name="Search with it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This picture is too large")


@pytest.mark.parametrize("page", [{}, PHONE], indirect=True, ids=["desktop", "phone"])
def test_product_page_shows_similar_products(page: Page) -> None:
    search(page, "red dress")
    title = titles(page)[0]
    page.get_by_role("link", name=title, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    similar = page.locator(".card")
    expect(similar).to_have_count(8)
    assert title not in similar.locator(".card-title").all_text_contents()


@pytest.mark.parametrize("page", [PHONE, PHONE | DARK], indirect=True, ids=["light", "dark"])
def test_phone_has_no_horizontal_scrolling(page: Page) -> None:
    search(page, "shoes")
    wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wider <= 0
    page.get_by_role("button", name="Filters").click()
    expect(page.locator("#filters")).to_be_visible()
    page.locator('#facets input[name="gender"][value="Men"]').check()
    page.get_by_role("button", name="Show the products").click()
    expect(page).to_have_url(re.compile("gender=Men"))


WIDTHS_OF_PICTURES = """() => {
    const loaded = [...document.querySelectorAll(".tile img")]
        .filter(picture => picture.complete && picture.naturalWidth);
    return loaded.length > 4
        && loaded.map(picture => [picture.naturalWidth, picture.clientWidth]);
}"""
"""The width of each picture according to `srcset` and `sizes`, and its actual width; false until
enough pictures are loaded."""


WIDTHS = (390, 700, 800, 1000, 1100, 1280, 1440, 1600)


@pytest.mark.parametrize(
    "page",
    [{"viewport": {"width": width, "height": 900}, "start": ""} for width in WIDTHS],
    indirect=True,
    ids=map(str, WIDTHS),
)
def test_sizes_of_pictures_match_their_width(page: Page) -> None:
    with connect() as connection:
        sku = connection.exec_driver_sql(
            "SELECT sku FROM product JOIN product_image i ON i.product_id = product.id"
            " WHERE i.position = 1 ORDER BY sku LIMIT 1"
        ).scalar_one()
    for address in ("/", f"/product/{sku}"):
        page.goto(address)
        found = page.wait_for_function(WIDTHS_OF_PICTURES).json_value()
        for claimed, shown in found:
            assert 0.97 < claimed / shown < 1.2


def test_keyboard_only(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("hat")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("q=hat"))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement !== document.body")


def test_missing_and_empty_pages_help(page: Page) -> None:
    answer = page.request.get("/product/NOPE")
    assert answer.status == 404
    assert 'name="q"' in answer.text()
    page.goto("/?max_price=0.01")
    expect(page.locator(".empty")).to_be_visible()
    page.goto("/?colour=Mauve")
    expect(page.locator("#results .note")).to_contain_text("No product has “Mauve”")
    expect(page.locator(".card")).to_have_count(24)


def test_each_variant_by_itself(page: Page) -> None:
    search(page, "striped dress")
    expect(page.locator(".all-variants").first).to_be_visible()
    cards = page.locator("#products .card").count()
    open_advanced(page)
    page.get_by_label("Each variant by itself").check()
    expect(page).to_have_url(re.compile("q=striped.dress.*group_variants=0"))
    assert page.locator("#products .card").count() > cards


def test_pictures_are_added_and_removed(page: Page, demo_folder: Path) -> None:
    upload(page, drawn_picture(demo_folder, "Boots"))
    upload(page, drawn_picture(demo_folder, "Dresses"))
    expect(page.locator(".query-picture")).to_have_count(2)
    expect(page).to_have_url(re.compile("picture=.*picture="))
    page.get_by_role("link", name="Remove the picture").first.click()
    expect(page.locator(".query-picture")).to_have_count(1)
    assert types_on_page(page, 1) == ["Dresses"]


def test_words_refine_similar_products(page: Page) -> None:
    search(page, "red dress")
    page.locator(".similar").first.click()
    expect(page.locator(".query-picture")).to_have_count(1)
    search(page, "in blue")
    expect(page).to_have_url(re.compile("like="))
    page.locator("#blend").fill("0.9")
    expect(page).to_have_url(re.compile("blend=0.9"))
    assert types_on_page(page, 1) == ["Dresses"]
    page.get_by_role("link", name="Remove the product").click()
    expect(page).not_to_have_url(re.compile("like="))


def test_typo_is_corrected_and_can_be_undone(page: Page) -> None:
    search(page, "red drses")
    expect(page.locator(".corrected strong")).to_have_text("red dress")
    assert types_on_page(page, 1) == ["Dresses"]
    page.get_by_role("link", name="Search instead for red drses").click()
    expect(page.locator(".corrected")).to_have_count(0)
    search(page, "red skrit")  # other words are corrected again
    expect(page.locator(".corrected strong")).to_have_text("red skirt")


@pytest.mark.parametrize("page", [{}, NO_SCRIPTS], indirect=True, ids=["scripts", "no-scripts"])
def test_no_match_shows_nearest_products(page: Page) -> None:
    page.goto("/?q=blorptuna")
    expect(page.locator("#results-heading")).to_have_text("Nothing matches")
    expect(page.locator(".is-close .card")).not_to_have_count(0)
    page.goto("/?q=blorptuna&min_match=0")
    expect(page.locator(".is-close")).to_have_count(0)
    expect(page.locator(".card").first).to_be_visible()


@pytest.mark.parametrize(
    "page", [{}, PHONE, NO_SCRIPTS], indirect=True, ids=["desktop", "phone", "no-scripts"]
)
def test_what_the_shop_lacks_is_said_above_the_closest_products(page: Page) -> None:
    page.goto("/?q=red+lipstick")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("We have no lipstick in our range. These come closest:")
    expect(page.locator("#status")).to_have_text("We have no lipstick in our range.")
    boxes = [
        page.locator(selector).first.bounding_box()
        for selector in ("#results-heading", "#products .card", ".samples")
    ]
    tops = [box["y"] for box in boxes if box]
    assert len(tops) == 3
    assert tops == sorted(tops)
    expect(page.get_by_label("Sort")).to_be_visible()
    take_screenshot(page, "lacking")


def test_landscape_matches_no_product(page: Page) -> None:
    from sklearn.datasets import load_sample_images  # not in each process that collects tests

    upload(page, Path(load_sample_images().filenames[0]))
    expect(page.locator("#results-heading")).to_have_text("Nothing matches")


def test_slider_sets_the_minimum_match(page: Page) -> None:
    search(page, "red dress")
    expect(page.locator(".card").first).to_be_visible()
    open_advanced(page)
    page.locator("#min-match").fill("60")
    expect(page).to_have_url(re.compile("min_match=60"))
    shown = [int(text.split("%")[0]) for text in page.locator(".match").all_inner_texts()]
    assert min(shown) >= 60


def test_card_explains_its_match(page: Page) -> None:
    search(page, "red dress")
    expect(page.locator(".match").first).to_be_hidden()
    open_advanced(page)
    page.locator(".match summary").first.click()
    expect(page.locator(".why").first).to_contain_text("Your words")
    expect(page.locator(".why").first).to_contain_text("Picture")


def test_diversity_changes_the_order_and_the_address(page: Page) -> None:
    search(page, "red dress")
    page.locator(".similar").first.click()
    open_advanced(page)
    expect(page.locator("#diversity")).to_be_visible()
    before = titles(page)
    page.locator("#diversity").check()
    expect(page).to_have_url(re.compile("diversity=0.5"))
    expect(page.locator(".card").first).to_be_visible()
    assert titles(page) != before


@pytest.mark.parametrize("page", [{}, NO_SCRIPTS], indirect=True, ids=["scripts", "no-scripts"])
def test_search_is_logged_once(page: Page) -> None:
    with connect() as connection:
        connection.exec_driver_sql("DELETE FROM query_log")
    search(page, "green shirt")
    open_advanced(page)
    for name, value in (("sort", "price"), ("limit", "12")):
        page.locator(f"#{name}").select_option(value)
        if page.get_by_role("button", name="Apply", exact=True).is_visible():
            page.get_by_role("button", name="Apply", exact=True).click()
            open_advanced(page)
        expect(page).to_have_url(re.compile(f"{name}={value}"))
    search(page, "blue jeans")
    expect(page).to_have_url(re.compile("q=blue"))
    with connect() as connection:
        rows = connection.exec_driver_sql("SELECT text, searches FROM query_log")
        assert dict(map(tuple, rows)) == {"green shirt": 1, "blue jeans": 1}


def test_icon_and_robots_txt(page: Page) -> None:
    kinds = {
        "/favicon.ico": "image/x-icon",
        "/apple-touch-icon.png": "image/png",
        "/robots.txt": "text/plain",
    }
    for address, kind in kinds.items():
        answer = page.request.get(address)
        assert answer.status == 200
        assert answer.headers["content-type"].startswith(kind)
    rules = page.request.get("/robots.txt").text().splitlines()
    assert {"Disallow: /*?", "Allow: /?page="} <= set(rules)
    links = page.locator('a[href*="?"]:not([rel~="nofollow"])')
    followed = {link.get_attribute("href") for link in links.all()}
    assert followed
    assert all(re.fullmatch(r"/\?page=\d+", link or "") for link in followed)
    page.locator(".card-title a").first.click()
    expect(page.locator(".facts")).to_be_visible()
    assert links.count() == 0
