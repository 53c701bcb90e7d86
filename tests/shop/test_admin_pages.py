"""What the pages of the admin show and do, without a browser."""

import io
import re
from collections.abc import Callable
from datetime import date, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection as django_connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from PIL import Image
from sqlalchemy import Engine, event, select

from catalog.active_models import default_model
from catalog.db.connection import connect
from catalog.importing import import_catalog
from catalog.indexing import fill
from catalog.indexing.coverage_report import catalogue_coverage, disk_usage
from catalog.indexing.planned_switch import plan_switch, planned_model
from catalog.indexing.worker import Worker
from catalog.lexemes import stored_languages
from catalog.model_tables import add_model
from catalog.query_log import remember
from catalog.query_statistics import popular_queries, slow_queries, unanswered_queries
from catalog.search.pipeline import SearchSpec, search
from catalog.search.weights import (
    Weights,
    default_weights,
    smallest_window,
    store_weights,
    stored_weights,
)
from catalog.tables import PRODUCT_IMAGE
from embedding.registry import get_spec
from shop.admin.search_effect import Changes
from shop.admin.start_page import sparkline
from shop.meaning_refresh import wait_for_refresh
from shop.models import Synonym
from tests.bombs import scan_bomb
from tests.fakes import WordsAndColours
from tests.shop.admin_forms import fields_of

PRODUCTS = "/admin/shop/product/"
SETTINGS = "/admin/shop/searchweights/"
UNANSWERED = "/admin/shop/synonym/unanswered/"


@pytest.fixture(autouse=True)
def one_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELS", "fashion")


@pytest.fixture
def products(database: str, tmp_path: Path) -> None:
    """A is embedded, B waits, C is stale and D has failed."""
    (tmp_path / "c.csv").write_text("sku,title\n" + "".join(f"{it},Shirt {it}\n" for it in "ABCD"))
    import_catalog(tmp_path / "c.csv")
    fill(WordsAndColours(), "text")
    execute("DELETE FROM fashion_text WHERE product_id = (SELECT id FROM product WHERE sku = 'B')")
    execute("UPDATE product SET title = 'Blouse' WHERE sku = 'C'")
    execute(
        "INSERT INTO embedding_failure (model, product_id, source, reason)"
        " SELECT 'fashion', id, document_md5, 'broken' FROM product WHERE sku = 'D'"
    )


def execute(statement: str) -> None:
    with connect() as connection:
        connection.exec_driver_sql(statement)


def picture(colour: str, name: str = "") -> SimpleUploadedFile:
    content = io.BytesIO()
    Image.new("RGB", (30, 40), colour).save(content, "PNG")
    return SimpleUploadedFile(name or f"{colour}.png", content.getvalue(), "image/png")


def pictures() -> list[tuple[int, int, str]]:
    """The key, position and hash of all pictures, in order."""
    columns = PRODUCT_IMAGE.c
    with connect() as connection:
        query = select(columns.id, columns.position, columns.sha256).order_by(columns.position)
        return [(row.id, row.position, row.sha256) for row in connection.execute(query)]


@pytest.mark.parametrize(
    ("state", "skus"), [("embedded", "A"), ("missing", "B"), ("stale", "C"), ("failed", "D")]
)
def test_products_are_listed_by_state(admin: Client, products: None, state: str, skus: str) -> None:
    shown = admin.get(f"{PRODUCTS}?embeddings={state}").content.decode()
    assert [sku for sku in "ABCD" if f'class="about">{sku}<' in shown] == list(skus)
    assert f"state-{state}" in shown


def test_the_coverage_counts_rows_and_their_rate(database: str, products: None) -> None:
    with connect() as connection:
        text = next(it for it in catalogue_coverage(connection) if it.modality == "text")
        disk = disk_usage(connection)
    found = text.counts
    assert (found.embedded, found.stale, found.missing, found.failed) == (1, 1, 1, 1)
    assert text.recent == 3
    assert text.rate > 0
    assert text.seconds_left == pytest.approx(2 / text.rate)
    assert disk.database > sum(disk.models.values()) > 0


def test_uploaded_pictures_are_stored_in_order(admin: Client, tmp_path: Path) -> None:
    fields = fields_of(admin, f"{PRODUCTS}add/") | {"sku": "A", "title": "Shirt"}
    files = {"new_pictures": [picture("red"), picture("blue"), picture("red", "again.png")]}
    assert admin.post(f"{PRODUCTS}add/", fields | files).status_code == 302
    (red, _, red_hash), (blue, _, blue_hash) = pictures()
    stored = list((tmp_path / "media").rglob("*.png"))
    assert {file.stem for file in stored} == {red_hash, blue_hash}
    page = admin.get(PRODUCTS).content.decode()
    assert red_hash in page  # the thumbnail of the main picture

    with connect() as connection:
        product = connection.exec_driver_sql("SELECT id FROM product").scalar_one()
    change = f"{PRODUCTS}{product}/change/"
    fields = fields_of(admin, change)
    place = next(
        name for name, value in fields.items() if name.endswith("-id") and value == str(blue)
    )
    fields[place.replace("-id", "-position")] = "0"
    assert admin.post(change, fields).status_code == 302
    assert [row[:2] for row in pictures()] == [(blue, 0), (red, 1)]
    fields = fields_of(admin, change)
    place = next(
        name for name, value in fields.items() if name.endswith("-id") and value == str(blue)
    )
    fields[place.replace("-id", "-DELETE")] = "on"
    assert admin.post(change, fields).status_code == 302
    assert [row[:2] for row in pictures()] == [(red, 0)]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (lambda: b"<svg onload=alert(1)>", "not a picture"),
        (lambda: b"\x89PNG\r\n\x1a\n" + bytes(40), ""),
        (lambda: scan_bomb((64, 64), 200), "scans"),
        (lambda: picture("red").read()[:-40], ""),
    ],
)
def test_hostile_files_are_named_and_nothing_is_saved(
    admin: Client, content: Callable[[], bytes], problem: str
) -> None:
    fields = fields_of(admin, f"{PRODUCTS}add/") | {"sku": "A", "title": "Shirt"}
    bad = SimpleUploadedFile("<bad>.png", content(), "image/png")
    response = admin.post(f"{PRODUCTS}add/", fields | {"new_pictures": [picture("red"), bad]})
    assert response.status_code == 200
    shown = response.content.decode()
    assert "&lt;bad&gt;.png: " in shown
    assert problem in shown
    with connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM product").scalar() == 0


def test_fetched_pictures_are_ordered_and_deleted_after_those_from_files(admin: Client) -> None:
    execute("INSERT INTO product (sku, title) VALUES ('A', 'Shirt')")
    execute(
        "INSERT INTO product_image (product_id, position, path, sha256, width, height)"
        " SELECT id, n, 'p', repeat(n::text, 64), 1, 1 FROM product, generate_series(0, 4) AS n"
    )
    execute(
        "INSERT INTO image_address (product_id, position, url, status, image_id)"
        " SELECT product_id, 2 * position, 'https://example.org/' || position, 'fetched', id"
        " FROM product_image WHERE position > 1"
    )
    first, second, *fetched = (row[0] for row in pictures())
    with connect() as connection:
        product = connection.exec_driver_sql("SELECT id FROM product").scalar_one()
    change = f"{PRODUCTS}{product}/change/"

    def send(places: dict[int, int], deleted: int = 0) -> str:
        fields = fields_of(admin, change)
        for name, value in list(fields.items()):
            if name.endswith("-id") and value:
                if int(value) in places:
                    fields[name.replace("-id", "-position")] = str(places[int(value)])
                if int(value) == deleted:
                    fields[name.replace("-id", "-DELETE")] = "on"
        response = admin.post(change, fields)
        return "" if response.status_code == 302 else unescape(response.content.decode())

    assert "stay after those from files" in send({fetched[0]: 0})
    assert "stay after those from files" in send({second: 9})
    assert [row[0] for row in pictures()] == [first, second, *fetched]
    assert not send({fetched[2]: 2, first: 1}, deleted=fetched[1])
    assert [row[:2] for row in pictures()] == [
        (second, 0),
        (first, 1),
        (fetched[2], 2),
        (fetched[0], 3),
    ]
    with connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT position, url FROM image_address ORDER BY position"
        )
        assert [tuple(row) for row in rows] == [
            (4, "https://example.org/4"),
            (8, "https://example.org/2"),
        ]


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every catalogue with a product counts as a large one."""
    monkeypatch.setattr("shop.embedding_state.SMALL", 0)


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("common", [0.0, 2.0])
def test_a_state_of_a_large_catalogue_is_found_by_a_sample_or_by_ids(
    admin: Client, products: None, monkeypatch: pytest.MonkeyPatch, common: float
) -> None:
    monkeypatch.setattr("shop.embedding_state.COMMON", common)
    execute("ANALYZE product")
    for state, sku in {"embedded": "A", "missing": "B", "stale": "C", "failed": "D"}.items():
        shown = admin.get(f"{PRODUCTS}?embeddings={state}").content.decode()
        assert [it for it in "ABCD" if f'class="about">{it}<' in shown] == [sku], state
        assert "1 product" in shown
    narrowed = admin.get(f"{PRODUCTS}?embeddings=embedded&q=Blouse").content.decode()
    assert "0 products" in narrowed


def statements(client: Client, page: str) -> int:
    counted: list[str] = []

    def count(*arguments: Any) -> None:
        counted.append(str(arguments[2]))

    event.listen(Engine, "before_cursor_execute", count)
    try:
        with CaptureQueriesContext(django_connection) as own:
            assert client.get(page).status_code == 200
    finally:
        event.remove(Engine, "before_cursor_execute", count)
    return len(own) + len(counted)


@pytest.mark.parametrize("state", ["", "embedded", "missing", "stale", "failed"])
def test_a_longer_list_of_products_takes_no_more_statements(
    admin: Client, products: None, state: str
) -> None:
    page = f"{PRODUCTS}?embeddings={state}" if state else PRODUCTS
    statements(admin, page)  # fills caches
    few = statements(admin, page)
    execute("INSERT INTO product (sku, title) SELECT 'N' || n, 'New' FROM generate_series(1, 40) n")
    if state == "embedded":
        fill(WordsAndColours(), "text")
    elif state == "failed":
        execute(
            "INSERT INTO embedding_failure (model, product_id, source, reason)"
            " SELECT 'fashion', id, document_md5, 'x' FROM product WHERE starts_with(sku, 'N')"
        )
    elif state == "stale":
        fill(WordsAndColours(), "text")
        execute("UPDATE product SET title = 'Newer' WHERE starts_with(sku, 'N')")
    assert admin.get(page).content.decode().count('class="state ') >= 40
    assert statements(admin, page) == few <= 20


def log(text: str, ago: int, searches: int, unanswered: int = 0, results: int = 5) -> None:
    with connect() as connection:
        connection.exec_driver_sql(
            "INSERT INTO query_log (text, day, searches, unanswered, results, searched_at)"
            " VALUES (%s, %s, %s, %s, %s, now() - %s * interval '1 day')",
            (text, date.today() - timedelta(days=ago), searches, unanswered, results, ago),
        )


def test_the_statistics_compare_two_weeks(database: str) -> None:
    for ago, searches in ((0, 3), (6, 1), (7, 5), (20, 100)):
        log("red dress", ago, searches)
    log("Red  Dress", 1, 2)
    log("old", 8, 50)
    log("kettle", 2, 4, unanswered=4, results=0)
    log("found now", 3, 9, unanswered=9, results=0)
    log("found now", 0, 1)
    remember("slow one", [], 3, is_filtered=False, seconds=1.5)
    remember("slow one", [], 3, is_filtered=False, seconds=0.5)
    with connect() as connection:
        popular = {it.query: it for it in popular_queries(connection, 9)}
        unanswered = unanswered_queries(connection, 9)
        slow = slow_queries(connection, 9)
    dress = popular["red dress"]
    assert (dress.this_week, dress.week_before) == (6, 5)
    assert dress.days == (0, 0, 0, 0, 0, 0, 5, 1, 0, 0, 0, 0, 2, 3)
    assert "old" not in popular
    assert [(it.query, it.unanswered) for it in unanswered] == [("kettle", 4)]
    assert [(it.query, it.mean_ms, it.slowest_ms) for it in slow] == [("slow one", 1000, 1500)]


def test_a_sparkline_goes_from_zero_to_the_highest_count() -> None:
    assert sparkline((0, 4, 2)) == "0.0,19.0 42.0,1.0 84.0,10.0"
    assert sparkline((0, 0)) == "0.0,19.0 84.0,19.0"


def test_an_unanswered_query_becomes_a_synonym(admin: Client) -> None:
    log("treter", 0, 3, unanswered=3, results=0)
    assert "treter" in admin.get("/admin/").content.decode()
    typed = {"phrase": "treter", "meaning": "sneakers", "relation": "one-way", "back": "index"}
    assert admin.post(UNANSWERED, typed | {"meaning": " "}).status_code == 200
    assert admin.post(UNANSWERED, typed | {"meaning": "Treter"}).status_code == 200
    assert not Synonym.objects.exists()
    assert admin.post(UNANSWERED, typed).headers["Location"] == "/admin/"
    wait_for_refresh()
    synonym = Synonym.objects.get()
    assert (synonym.meaning, synonym.relation, synonym.source) == ("sneakers", "one-way", "admin")
    assert "means sneakers now" in admin.get(UNANSWERED).content.decode()


def test_settings_are_saved_only_after_their_effect_was_seen(admin: Client, products: None) -> None:
    fields = fields_of(admin, SETTINGS) | {"words_text": "0.9", "searches": "shirt"}
    refused = admin.post(SETTINGS, fields | {"save": "1"}).content.decode()
    assert "See the effect of these settings first" in refused
    shown = unescape(admin.post(SETTINGS, fields | {"preview": "1"}).content.decode())
    assert len(re.findall('<article class="effect', shown)) == 1
    seen = {"seen": re.findall(r'name="seen" value="([^"]+)"', shown)[0], "save": "1"}
    other = admin.post(SETTINGS, fields | seen | {"words_text": "0.8"})
    assert other.status_code == 200
    with connect() as connection:
        assert stored_weights(connection) == default_weights()
    assert admin.post(SETTINGS, fields | seen).status_code == 302
    with connect() as connection:
        assert stored_weights(connection)["words"].text == 0.9
        store_weights(connection, {"words": Weights(text=1.0, min_match=0.25)})
    assert fields_of(admin, SETTINGS)["words_min_match"] == "0.25"


def preview(admin: Client, **typed: str) -> tuple[str, dict[str, str]]:
    """The page with the effect of settings, and the fields that save them."""
    fields = fields_of(admin, SETTINGS) | typed
    shown = unescape(admin.post(SETTINGS, fields | {"preview": "1"}).content.decode())
    return shown, fields | {
        "seen": "".join(re.findall(r'name="seen" value="([^"]+)"', shown)),
        "save": "1",
    }


def test_the_window_is_saved_after_its_effect_was_seen(
    admin: Client, products: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shop.admin.search_effect.COMPARED", 2)
    typed = {"words_min_match": "0", "words_products": "1", "searches": "shirt"}
    shown, fields = preview(admin, **typed)
    assert "1 search: " in shown
    assert re.search(r"2 of them move|0 of them move|1 of them move", shown)
    assert admin.post(SETTINGS, fields).status_code == 302
    with connect() as connection:
        assert stored_weights(connection)["words"].products == 1
        assert smallest_window(connection) == 1
        found = search(connection, SearchSpec(text="shirt", limit=1), lambda _: WordsAndColours())
    assert found.truncated
    shown, _ = preview(admin, words_products="", searches="shirt")
    assert re.search(r"\d\+ products before, \d after", shown)


def test_the_summary_counts_what_is_kept_moved_gone_and_new() -> None:
    total = Changes(2, 1, 1, 1, 0) + Changes(2, 2, 0, 0, 3)
    assert (total.compared, total.kept, total.moved, total.gone, total.new) == (4, 3, 1, 1, 3)
    assert total.kept_percent == 75
    assert Changes().kept_percent == 100


def test_the_worker_changes_the_default_model_after_the_stored_queries(
    admin: Client, products: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoders = {name: WordsAndColours(name) for name in ("fashion", "clip")}
    monkeypatch.setattr("shop.errors.available_encoder", encoders.__getitem__)
    monkeypatch.setenv("MODELS", "fashion,clip")
    execute("DELETE FROM embedding_failure")
    for words in ("red shirt", "blouse", "\u725b"):
        vector = encoders["fashion"].encode_texts([words])[0]
        remember(words, [("fashion", vector)], 1, is_filtered=False)
    with connect() as connection:
        add_model(connection, get_spec("clip"))
    shown, fields = preview(admin, model="clip", searches="shirt")
    assert "clip has not embedded everything" in shown
    assert not fields["seen"]
    for encoder in encoders.values():
        for modality in encoder.spec.modalities:
            fill(encoder, modality)
    shown, _ = preview(admin, model="clip", searches="shirt")
    assert "no worker runs" in shown
    worker = Worker(encoders.__getitem__)
    worker.answer_requests()  # gives a sign of life
    shown, fields = preview(admin, model="clip", searches="shirt")
    assert "the worker embeds 3 stored queries" in shown
    assert admin.post(SETTINGS, fields).status_code == 302
    with connect() as connection:
        assert default_model(connection) == "fashion"
    waiting = unescape(admin.get(SETTINGS).content.decode())
    assert "as soon as the worker has embedded 3 stored queries" in waiting
    assert admin.post(SETTINGS, {"cancel": "1"}).status_code == 302
    assert worker.switch_model() == 0
    assert admin.post(SETTINGS, fields).status_code == 302
    assert worker.switch_model() == 1
    with connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT text FROM query_embedding WHERE model = 'clip' AND embedding IS NOT NULL"
        )
        assert set(rows.scalars()) == {"red shirt", "blouse"}
        assert default_model(connection) == "fashion"
    assert worker.switch_model() == 0
    with connect() as connection:
        assert default_model(connection) == "clip"
        assert planned_model(connection) is None
    assert "planned-switch" not in admin.get(SETTINGS).content.decode()


def test_a_default_model_without_words_leaves_them_to_another(
    admin: Client, products: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELS", "fashion,imagenet")
    monkeypatch.setattr("shop.errors.available_encoder", WordsAndColours)
    shown, _ = preview(admin, model="imagenet", searches="shirt")
    assert "does not understand" not in shown
    assert "1 search: 100 % of its first" in shown


def test_a_planned_model_waits_until_products_are_embedded(
    database: str, products: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = WordsAndColours("clip")
    monkeypatch.setenv("MODELS", "fashion,clip")
    with connect() as connection:
        add_model(connection, get_spec("clip"))
    for modality in encoder.spec.modalities:
        fill(encoder, modality)
    with connect() as connection:
        plan_switch(connection, "clip")
    execute("INSERT INTO product (sku, title) VALUES ('E', 'Cap')")
    worker = Worker(lambda _: encoder)
    assert worker.switch_model() == 0
    with connect() as connection:
        assert planned_model(connection) == "clip"
    for modality in encoder.spec.modalities:
        fill(encoder, modality)
    worker.switch_model()
    with connect() as connection:
        assert default_model(connection) == "clip"


def test_the_effect_of_languages_is_shown_and_nothing_is_stored(
    admin: Client, products: None
) -> None:
    execute("UPDATE product SET title = 'Schuhe ' || sku WHERE sku IN ('A', 'B')")
    page = f"{SETTINGS}languages/"
    before = admin.get(page).content.decode()
    assert 'value="english" id="id_languages_' in before
    asked = {"languages": ["german"], "searches": "der schuh\n"}
    shown = unescape(admin.get(page, asked).content.decode())
    cells = re.findall(r"<code>([^<]*)</code>", shown)
    assert cells == ["der", "schuh", "–", "schuh"]  # noqa: RUF001
    assert re.findall(r'class="number">(\d+)<', shown) == ["0", "2"]
    assert "SEARCH_LANGUAGES=german ./manage.py migrate" in shown
    with connect() as connection:
        assert stored_languages(connection) == ["english"]
    assert "Choose at least one" in admin.get(page, {"searches": "x"}).content.decode()
    assert "not one of the available" in admin.get(page, {"languages": "klingon"}).content.decode()


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ({"words_text": "1.1"}, "less than or equal to 1"),
        ({"words_text": "nan"}, "Enter a number"),
        ({"picture_text": "0", "picture_image": "0"}, "At least one weight must be above 0"),
        ({"words_min_match": "-1"}, "greater than or equal to 0"),
        ({"words_products": "0"}, "greater than or equal to 1"),
        ({"words_products": "1001"}, "less than or equal to 1000"),
        ({"model": "clip"}, "clip is not one of the available choices"),
    ],
)
def test_impossible_settings_are_explained(
    admin: Client, typed: dict[str, str], problem: str
) -> None:
    shown = admin.post(SETTINGS, fields_of(admin, SETTINGS) | typed | {"preview": "1"})
    assert problem in unescape(shown.content.decode())
    assert b'class="effects"' not in shown.content


def test_staff_without_rights_see_and_change_nothing(admin: Client, products: None) -> None:
    eve = User.objects.create_user("eve", is_staff=True)
    client = Client(headers={"host": "localhost"})
    client.force_login(eve)
    shown = client.get("/admin/")
    assert shown.status_code == 200
    assert b'class="coverage"' not in shown.content
    assert b'class="coverage"' in admin.get("/admin/").content
    failure = "/admin/shop/embeddingfailure/"
    with connect() as connection:
        number = connection.exec_driver_sql("SELECT id FROM embedding_failure").scalar_one()
    for page in (PRODUCTS, SETTINGS, f"{SETTINGS}languages/", UNANSWERED, failure):
        assert client.get(page).status_code == 403, page
    for page in (SETTINGS, UNANSWERED, f"{failure}{number}/retry/"):
        assert client.post(page, {"save": "1"}).status_code == 403, page
    assert admin.get(f"{failure}{number}/retry/").status_code == 302  # a link changes nothing
    with connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM embedding_failure").scalar() == 1
    assert admin.post(f"{failure}{number}/retry/").status_code == 302
    with connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM embedding_failure").scalar() == 0
