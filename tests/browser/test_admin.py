"""A day of an admin, in a real browser.

    UPDATE_DOCS=1 python -m pytest tests/browser/test_admin.py

also takes the screenshots of docs/admin.md.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from catalog.db.connection import connect
from catalog.indexing.heartbeat import Heartbeat
from catalog.indexing.worker import Worker
from embedding.encoder import get_encoder
from shop.meaning_refresh import wait_for_refresh
from tests.browser.conftest import take_screenshot
from tests.conftest import PROJECT, demo_database
from tests.serving import serving

pytestmark = pytest.mark.browser

DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}
NARROW: dict[str, Any] = {"viewport": {"width": 320, "height": 700}, "has_touch": True}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
DARK: dict[str, Any] = {"color_scheme": "dark"}
IMAGES = PROJECT / "docs" / "images"
QUERIES = {"red dress": 9, "sneakers": 6, "blue jeans": 4, "handbag": 3}
UNANSWERED = "qzwampjes"


@dataclass(frozen=True)
class Office:
    """A running shop, and the cookie of its admin."""

    address: str
    cookie: str


def log_queries() -> None:
    """Two weeks of searches; some get more frequent, others less."""
    rows = [
        (words, date.today() - timedelta(days=ago), count, 0, 12, 40 * count, 55)
        for number, (words, most) in enumerate(QUERIES.items())
        for ago in range(14)
        if (count := most + (-ago if number % 2 else ago) // 3) > 0
    ]
    rows.append((UNANSWERED, date.today(), 5, 5, 0, 300, 90))
    rows.append(("zzkettle", date.today(), 2, 2, 0, 90, 60))
    with connect() as connection:
        for row in rows:
            connection.exec_driver_sql(
                "INSERT INTO query_log (text, day, searches, unanswered, results, total_ms,"
                " slowest_ms) VALUES (%s, %s, %s, %s, %s, %s, %s)",
                row,
            )


@pytest.fixture(scope="module")
def office(
    chromium: str,
    template_with_synonyms: str,
    demo_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Office]:
    """A shop of this module's own, since these tests change the catalogue."""
    media = tmp_path_factory.mktemp("media")
    get_encoder("fashion").encode_texts(["loaded before a page waits for it"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODELS", "fashion")
        with demo_database(template_with_synonyms, demo_folder, media), serving(threads=4) as port:
            log_queries()
            ada = User.objects.create_superuser("ada", "ada@example.org")
            client = Client(headers={"host": "localhost"})
            client.force_login(ada)
            yield Office(f"http://127.0.0.1:{port}", client.cookies["sessionid"].value)


@pytest.fixture(params=[DESKTOP], ids=[""])
def page(request: pytest.FixtureRequest, browser: Browser, office: Office) -> Iterator[Page]:
    """A window of the admin. Errors in the console fail the test."""
    context = browser.new_context(base_url=office.address, **request.param)
    context.add_cookies([{"name": "sessionid", "value": office.cookie, "url": office.address}])
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if message.type == "error" else None,
    )
    yield page
    assert not complaints
    context.close()


def shoot(page: Page, name: str) -> None:
    if os.environ.get("UPDATE_DOCS"):
        page.wait_for_load_state("networkidle")
        page.screenshot(path=IMAGES / f"{name}.png")
    else:
        take_screenshot(page, name)


def product_id(sku: str = "") -> int:
    with connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT id FROM product WHERE sku = %(sku)s OR %(sku)s = '' ORDER BY id LIMIT 1",
            {"sku": sku},
        )
        return int(found.scalar_one())


def fail_once(reason: str) -> None:
    """The first product's text has failed and has no embedding."""
    with connect() as connection:
        connection.exec_driver_sql("DELETE FROM embedding_failure")
        connection.exec_driver_sql(
            "INSERT INTO embedding_failure (model, product_id, source, reason)"
            " SELECT 'fashion', id, document_md5, %(reason)s FROM product WHERE id = %(id)s",
            {"reason": reason, "id": product_id()},
        )
        connection.exec_driver_sql(
            "DELETE FROM fashion_text WHERE product_id = %(id)s", {"id": product_id()}
        )


PAGES = (
    *("", "shop/product/", "shop/product/add/", "shop/product/ID/change/", "shop/facet/"),
    *("shop/embeddingfailure/", "shop/synonym/", "shop/synonym/add/", "shop/synonym/import/"),
    *("shop/synonym/suggestions/", "shop/synonym/unanswered/", "shop/searchweights/"),
    "shop/searchweights/languages/?languages=english&languages=german&searches=die+roten+Schuhe",
)


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(DESKTOP, id="desktop"),
        pytest.param(NARROW, id="narrow"),
        pytest.param(PHONE | DARK, id="phone-dark"),
        pytest.param(
            DESKTOP | DARK,
            id="desktop-dark",
            marks=pytest.mark.skipif(
                not os.environ.get("TAKE_SCREENSHOTS"), reason="only for screenshots"
            ),
        ),
    ],
    indirect=True,
)
def test_every_page_fits_the_window(page: Page, request: pytest.FixtureRequest) -> None:
    fail_once("the text is empty")
    Heartbeat().beat()
    how = request.node.callspec.id
    wide = []
    for path in PAGES:
        response = page.goto(f"/admin/{path.replace('ID', str(product_id()))}")
        assert response is not None
        assert response.status == 200, path
        if not page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
            wide.append(path)
        name = path.split("?")[0].strip("/").replace("shop/", "").replace("/", "-") or "start"
        take_screenshot(page, f"admin-{name}-{how}", full_page=True)
    assert not wide
    if how == "desktop":
        page.goto("/admin/shop/product/")
        fits = page.locator("#result_list").evaluate(
            "table => table.getBoundingClientRect().right <= table.parentElement"
            ".getBoundingClientRect().right + 1"
        )
        assert fits, "the list of products scrolls sideways"
        for column in ("formatted_price", "in_stock", "changed"):
            box = page.locator(f".field-{column}").first.bounding_box()
            assert box is not None
            assert box["x"] + box["width"] <= 1280
        shoot(page, "admin-products")
        page.goto("/admin/")
        shoot(page, "admin-start")
    if how == "phone-dark":
        page.goto("/admin/")
        shoot(page, "admin-phone")


def test_a_product_with_pictures_becomes_findable(
    page: Page, demo_folder: Path, tmp_path: Path
) -> None:
    drawn = sorted((demo_folder / "images").rglob("*.*"))[:2]
    (tmp_path / "hostile.png").write_bytes(b"\x89PNG\r\n\x1a\n<script>")
    page.goto("/admin/shop/product/")
    page.get_by_role("link", name="Add product").click()
    page.get_by_label("Sku").fill("NEW-1")
    page.get_by_label("Title").fill("Quilted messenger bag")
    page.get_by_label("Product type").fill("Messenger Bags")
    expect(page.locator("#id_gender_values option").nth(1)).to_be_attached()
    page.locator("#id_price").fill("49.90")
    page.get_by_label("Add pictures").set_input_files(tmp_path / "hostile.png")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".field-new_pictures .errorlist")).to_contain_text("hostile.png")
    page.get_by_label("Add pictures").set_input_files(drawn)
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.locator(".messagelist")).to_contain_text("was added successfully")
    rows = page.locator(".inline-related .form-row.has_original")
    expect(rows).to_have_count(2)
    first = rows.nth(0).locator("img").get_attribute("src") or ""
    rows.nth(0).get_by_role("spinbutton").fill("1")
    page.get_by_role("button", name="Save and continue editing").click()
    expect(rows.nth(1).locator("img")).to_have_attribute("src", first)
    shoot(page, "admin-product")
    page.goto("/admin/shop/product/?embeddings=missing")
    expect(page.locator("#result_list")).to_contain_text("NEW-1")
    worker = Worker()
    while worker.embed_products():
        pass
    worker.refresh_derived()
    page.goto("/admin/shop/product/?q=NEW-1")
    expect(page.locator(".field-state")).to_have_text("embedded")
    page.get_by_role("link", name="Quilted messenger bag").click()
    page.get_by_role("link", name="View on site").click()
    expect(page).to_have_url(re.compile("/product/NEW-1"))
    page.goto("/?q=quilted+messenger+bag")
    expect(page.get_by_text("Quilted messenger bag").first).to_be_visible()


def test_products_are_embedded_again_and_leave_the_stock(page: Page) -> None:
    page.goto("/admin/shop/product/?q=dress")
    page.locator("#action-toggle").check()
    page.get_by_label("Action:").select_option(label="Embed the selected products now")
    page.get_by_role("button", name="Go").click()
    expect(page.locator(".messagelist")).to_contain_text("the worker")
    expect(page.locator(".field-state").first).to_have_text("stale")
    worker = Worker()
    while worker.embed_products():
        pass
    page.reload()
    expect(page.locator(".field-state").first).to_have_text("embedded")
    page.locator("#action-toggle").check()
    page.get_by_label("Action:").select_option(label="Selected products are out of stock")
    page.get_by_role("button", name="Go").click()
    expect(page.locator('.field-in_stock img[alt="True"]')).to_have_count(0)


@pytest.mark.parametrize("page", [PHONE], indirect=True, ids=["phone"])
def test_a_failure_is_tried_again(page: Page) -> None:
    fail_once("the text was too strange")
    page.goto("/admin/")
    page.locator(".coverage .is-bad").first.click()
    expect(page.locator("#result_list")).to_contain_text("the text was too strange")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".messagelist")).to_contain_text("1 failure is tried again")
    expect(page.locator("#result_list")).to_have_count(0)
    assert Worker().embed_products() == 1


def test_an_unanswered_query_becomes_a_synonym(page: Page) -> None:
    page.goto(f"/?q={UNANSWERED}")
    expect(page.get_by_text(UNANSWERED).first).to_be_visible()
    page.goto("/admin/")
    row = page.locator(".unanswered li", has_text=UNANSWERED)
    row.get_by_text("Make it a synonym").click()
    meaning = row.get_by_label(f"What {UNANSWERED} means")
    meaning.fill("sneakers")
    shoot(page, "admin-synonym")
    row.get_by_role("button", name="Add synonym").click()
    expect(page.locator(".messagelist")).to_contain_text(f"“{UNANSWERED}” means “sneakers”")
    expect(row).to_contain_text("means sneakers now")
    wait_for_refresh()
    page.goto(f"/?q={UNANSWERED}")
    expect(page.locator(".card, [data-sku]").first).to_be_visible()


def test_a_weight_is_changed_after_its_effect_was_seen(page: Page) -> None:
    page.goto("/admin/shop/searchweights/")
    page.get_by_label("Words: What was understood").fill("0")
    page.get_by_label("Words: Likeness of pictures").fill("1")
    page.get_by_label("Words: Ranked products").fill("60")
    expect(page.get_by_role("button", name="Save these settings")).to_have_count(0)
    page.get_by_role("button", name="Show the effect", exact=True).click()
    effects = page.get_by_role("region", name="The effect")
    expect(effects.locator(".effect").nth(len(QUERIES) - 1)).to_be_visible()
    assert effects.locator(".is-new, .is-up, .is-down").count()
    searches = effects.locator(".effect").count()  # other tests may have searched too
    expect(effects.locator(".summary")).to_contain_text(f"{searches} searches")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    effects.evaluate("section => section.scrollIntoView()")
    shoot(page, "admin-settings")
    with connect() as connection:
        assert not connection.exec_driver_sql("SELECT count(*) FROM search_weights").scalar()
    page.get_by_role("button", name="Save these settings").click()
    expect(page.locator(".messagelist")).to_contain_text("All searches use these settings now")
    with connect() as connection:
        stored = connection.exec_driver_sql(
            "SELECT structure, image, products FROM search.weights WHERE query = 'words'"
        ).one()
    assert tuple(stored) == (0, 1, 60)
    page.get_by_role("button", name="Show the effect of the defaults").click()
    page.get_by_role("button", name="Save these settings").click()
    expect(page.locator(".messagelist")).to_contain_text("All searches use these settings now")
    with connect() as connection:
        assert not connection.exec_driver_sql("SELECT count(*) FROM search_weights").scalar()


def test_other_languages_are_compared(page: Page) -> None:
    page.goto("/admin/shop/searchweights/")
    page.get_by_role("link", name="what other languages would change").click()
    expect(page.get_by_label("english")).to_be_checked()
    page.get_by_label("german").check()
    page.get_by_label("Searches to compare").fill("die rote Bluse\nred dresses\nTaschen")
    page.get_by_role("button", name="Show what would change").click()
    rows = page.locator(".read-queries tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("blus")
    expect(page.locator(".steps")).to_contain_text(
        "SEARCH_LANGUAGES=english,german ./manage.py migrate"
    )
    shoot(page, "admin-languages")
