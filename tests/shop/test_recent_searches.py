"""Equal searches within some seconds are answered from memory; never wrongly."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, override_settings

from catalog.db.connection import connect
from catalog.search.pipeline import Results, SearchError, SearchSpec
from shop import answer_cache, kept_values, recent_searches, views
from shop.answer_cache import Answer, AnswerCache
from shop.kept_values import KeptValues
from shop.metrics import ANSWERS, SEARCHES
from shop.recent_searches import forget_answers, recent_search
from shop.search_page import SearchPage, render_page

CLIENT = Client(headers={"host": "localhost"})
LIST = "/?in_stock=1"
TOKEN = r'name="csrfmiddlewaretoken" value="(\w+)"'


@pytest.fixture(autouse=True)
def _kept() -> Iterator[None]:
    forget_answers()
    with override_settings(SEARCH_CACHE_SECONDS=60.0):
        yield
    forget_answers()


@pytest.fixture
def product(database: str) -> None:
    with connect() as connection:
        connection.exec_driver_sql("INSERT INTO product (sku, title) VALUES ('A', 'Red shoe')")


def rename(title: str) -> None:
    with connect() as connection:
        connection.exec_driver_sql("UPDATE product SET title = %(title)s", {"title": title})


def shows(words: str, address: str = LIST, client: Client = CLIENT, **headers: str) -> bool:
    response = client.get(address, headers=headers)
    assert response.status_code == 200
    return words in response.content.decode()


def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time for what is kept, to be set."""
    now = [0.0]
    for module in (answer_cache, kept_values):
        monkeypatch.setattr(module, "monotonic", lambda: now[0])
    return now


def counted(source: str, kind: str = "searches") -> float:
    return float(ANSWERS.labels(kind, source)._value.get())


def test_page_api_and_next_request_share_an_answer(product: None) -> None:
    before, known = counted("computed"), counted("recent")
    assert shows("Red shoe")
    rename("Blue shoe")
    assert shows("Red shoe", accept_language="de")
    assert shows("Red shoe", "/api/v1/products?in_stock=true")
    assert (counted("computed") - before, counted("recent") - known) == (1, 2)


@pytest.mark.parametrize("other", ["/?in_stock=1&page=2", "/?in_stock=1&limit=12", "/?sort=newest"])
def test_another_search_has_another_answer(product: None, other: str) -> None:
    before = counted("computed")
    shows("", LIST)
    shows("", other)
    assert counted("computed") - before == 2


def test_clients_can_ask_for_a_new_answer(product: None) -> None:
    assert shows("Red shoe")
    rename("Blue shoe")
    assert shows("Blue shoe", cache_control="no-cache")
    assert shows("Red shoe")  # that answer is not kept either


def test_staff_see_what_is_there_and_a_change_is_seen_at_once(product: None, admin: Client) -> None:
    assert shows("Red shoe")
    rename("Blue shoe")
    assert shows("Blue shoe", client=admin)
    assert shows("Red shoe")
    admin.post("/admin/shop/product/", {})
    assert shows("Blue shoe")


def test_answers_end(product: None, monkeypatch: pytest.MonkeyPatch) -> None:
    now = stopped_clock(monkeypatch)
    assert shows("Red shoe")
    rename("Blue shoe")
    now[0] = 59.9
    assert shows("Red shoe")
    now[0] = 60.0
    assert shows("Blue shoe")


def test_zero_keeps_nothing(product: None) -> None:
    with override_settings(SEARCH_CACHE_SECONDS=0.0):
        assert shows("Red shoe")
        rename("Blue shoe")
        assert shows("Blue shoe")


def test_suggestions_are_kept(product: None) -> None:
    before = counted("recent", "suggestions")
    for address in ("/suggest/?q=re", "/suggest/?q=re", "/api/v1/suggest?q=re"):
        assert CLIENT.get(address).status_code == 200
    assert counted("recent", "suggestions") - before >= 1


def test_results_cannot_be_changed(product: None) -> None:
    with connect() as connection:
        first = recent_search(connection, SearchSpec())
        again = recent_search(connection, SearchSpec())
    assert (first.is_recent, again.is_recent) == (False, True)
    assert (again.value, again.until) == (first.value, first.until)
    found = first.value
    with pytest.raises(TypeError):
        found.facets["colour"] = []  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        found.hits[0].title = ""  # type: ignore[misc]


def test_pictures_are_a_part_of_the_key_but_not_kept(
    product: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    specs = []

    def search(_: object, spec: SearchSpec, *__: object) -> object:
        specs.append(spec)
        return Results((), 0, spec)

    monkeypatch.setattr(recent_searches, "search", search)
    with connect() as connection:
        for picture in (b"a", b"b", b"a"):
            found = recent_search(connection, SearchSpec(images=(picture,))).value
            assert found.spec.images == (picture,)
    assert [spec.images for spec in specs] == [(b"a",), (b"b",)]
    assert all(not it.value.spec.images for it in recent_searches._searches._kept._kept.values())


def test_searches_with_a_failed_part_are_not_kept(
    product: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = ("search by meaning is not available at the moment",)
    monkeypatch.setattr(
        recent_searches,
        "search",
        lambda _, spec, *__: Results((), 0, spec, notes=notes, is_complete=False),
    )
    with connect() as connection:
        for _ in range(2):
            answer = recent_search(connection, SearchSpec(text="red"))
            assert (answer.is_recent, answer.until) == (False, 0.0)


def test_languages_partial_pages_and_whole_ones_do_not_mix(product: None) -> None:
    seen: dict[tuple[str, bool], str] = {}
    for _ in range(2):
        for language in ("en", "de", "fr", "es"):
            for is_partial in (False, True):
                headers = {"accept-language": language}
                if is_partial:
                    headers["hx-request"] = "true"
                response = CLIENT.get(LIST, headers=headers)
                text = re.sub(TOKEN, "", response.content.decode())
                assert ("<!doctype html>" in text) == (not is_partial)
                assert ("HX-Push-Url" in response) == is_partial
                assert response["Content-Language"] == ("en-gb" if language == "en" else language)
                assert {"HX-Request", "Accept-Language"} <= set(response["Vary"].split(", "))
                assert seen.setdefault((language, is_partial), text) == text
    assert len(set(seen.values())) == 8


def test_a_kept_page_has_the_address_and_the_token_of_its_own_request(product: None) -> None:
    clients = [Client(enforce_csrf_checks=True, headers={"host": "localhost"}) for _ in range(2)]
    pages = [each.get(LIST).content.decode() for each in clients]
    tokens = [re.search(TOKEN, page)[1] for page in pages]  # type: ignore[index]
    assert tokens[0] != tokens[1]
    for each, own, other in zip(clients, tokens, reversed(tokens), strict=True):
        for token, status in ((own, 303), (other, 403)):
            form = {"csrfmiddlewaretoken": token, "state": "in_stock=1"}
            assert each.post("/picture/", form).status_code == status
    elsewhere = CLIENT.get(LIST, headers={"host": "127.0.0.1"}).content.decode()
    assert 'rel="canonical" href="http://127.0.0.1/?in_stock=1"' in elsewhere


def test_a_page_with_a_form_in_its_results_is_not_kept(product: None) -> None:
    tokens = set()
    for _ in range(2):
        page = CLIENT.get("/?q=https://example.org/a.jpg").content.decode()
        tokens |= set(re.findall(TOKEN, page))
    assert len(tokens) == 4


def test_what_a_shop_adds_to_all_pages_is_not_kept(product: None, tmp_path: Path) -> None:
    """A template of a shop may show who asks, and may have a nonce."""
    (tmp_path / "base.html").write_text(
        '{% extends "base.html" %}{% block basket %}<script nonce="{{ request.csp_nonce }}">'
        "</script>{{ user.is_staff }} {{ request.GET.tag }}{% endblock %}"
    )
    templates = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}, settings.TEMPLATES[1]]
    nonces = set()
    with override_settings(TEMPLATES=templates):
        for tag in ("a", "b"):
            response = CLIENT.get(f"{LIST}&tag={tag}")
            text = response.content.decode()
            nonce = re.search(r'<script nonce="([^"]+)"></script>False (\w)', text)
            assert nonce is not None
            assert f"'nonce-{nonce[1]}'" in response["Content-Security-Policy"]
            assert nonce[2] == tag
            nonces.add(nonce[1])
    assert len(nonces) == 2


def test_a_page_ends_with_the_answer_that_it_shows(
    product: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = stopped_clock(monkeypatch)
    assert shows("Red shoe", "/api/v1/products?in_stock=true")
    now[0] = 50.0
    assert shows("Red shoe")
    with connect() as connection:
        connection.exec_driver_sql("UPDATE product SET price = 12, currency = 'EUR'")
    now[0] = 59.9
    assert not shows("€12")
    now[0] = 60.0
    assert shows("€12")


def test_a_page_that_was_begun_before_a_change_is_not_kept(
    product: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def render(*args: Any, **options: Any) -> SearchPage:
        page = render_page(*args, **options)
        rename("Blue shoe")
        forget_answers()
        return page

    with monkeypatch.context() as patch:
        patch.setattr(views, "render_page", render)
        assert shows("Red shoe")
    assert shows("Blue shoe")


def test_pages_with_notes_pictures_or_errors_do_not_mix(product: None) -> None:
    for address in ("/?in_stock=1", "/?in_stock=1&limit=5", "/?in_stock=1&page=0"):
        for _ in range(2):
            notes = '<div class="note" role="alert">' in CLIENT.get(address).content.decode()
            assert notes == (address != "/?in_stock=1")
    before = len(recent_searches._pages._kept)
    for address in (f"/?picture={'0' * 64}", "/?like=NONE", "/?q=https://example.org/a"):
        assert CLIENT.get(address).status_code in (200, 404)
    assert len(recent_searches._pages._kept) == before


def test_other_addresses_of_a_search_share_a_page(product: None) -> None:
    """So nobody can fill the memory with parameters that do not exist."""
    for number in range(3):
        CLIENT.get(f"{LIST}&unknown={number}&page=1")
    assert len(recent_searches._pages._kept) == 1


def test_a_kept_page_counts_as_a_search_and_is_logged(product: None) -> None:
    before = SEARCHES._value.get()
    for _ in range(2):
        CLIENT.get("/?q=shoe&verbatim=shoe")
    assert counted("recent", "pages") > 0
    assert SEARCHES._value.get() - before == 2
    with connect() as connection:
        logged = connection.exec_driver_sql("SELECT text, searches FROM query_log").all()
    assert [tuple(row) for row in logged] == [("shoe", 2)]


def cache(size: int = 1) -> AnswerCache[int]:
    return AnswerCache("test", lambda _: size)


def never() -> int:
    raise AssertionError


def answered(kept: AnswerCache[int], key: object, compute: Callable[[], int]) -> tuple[int, bool]:
    answer = kept.get(key, compute)
    return answer.value, answer.is_recent


def test_errors_are_not_kept() -> None:
    kept = cache()

    def fail() -> int:
        raise SearchError("no")

    for _ in range(2):
        with pytest.raises(SearchError):
            kept.get("a", fail)
    assert answered(kept, "a", lambda: 1) == (1, False)


def in_parallel(kept: AnswerCache[int], leader: Callable[[Event], int]) -> list[tuple[int, bool]]:
    """The answers of a leader, and of a request that begins while it computes."""
    has_begun, may_end, is_waiting = Event(), Event(), Event()

    def lead() -> int:
        has_begun.set()
        assert may_end.wait(60)
        return leader(may_end)

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(answered, kept, "a", lead)
        assert has_begun.wait(60)
        result = kept._running["a"].result

        def wait(seconds: float | None = None) -> Answer[int]:
            is_waiting.set()
            return result(seconds)

        kept._running["a"].result = wait  # type: ignore[method-assign,assignment]
        second = threads.submit(answered, kept, "a", lambda: 2)
        assert is_waiting.wait(60)
        may_end.set()
        found = []
        for each in (first, second):
            try:
                found.append(each.result(60))
            except SearchError:
                found.append((0, False))
        return found


def test_equal_questions_at_the_same_time_share_one_computation() -> None:
    assert in_parallel(cache(), lambda _: 1) == [(1, False), (1, True)]


def test_a_leader_that_fails_leaves_the_others_to_themselves() -> None:
    def fail(_: Event) -> int:
        raise SearchError("no")

    assert in_parallel(cache(), fail) == [(0, False), (2, False)]


def test_what_was_computed_before_a_change_is_not_kept_after_it() -> None:
    kept = cache()

    def change() -> int:
        kept.forget()
        return 1

    assert answered(kept, "a", change) == (1, False)
    assert answered(kept, "a", lambda: 2) == (2, False)
    assert answered(kept, "a", never) == (2, True)


@pytest.mark.parametrize(("entries", "size"), [(2, 1), (1000, 50)])
def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch, entries: int, size: int) -> None:
    monkeypatch.setattr(kept_values, "MAX_ENTRIES", entries)
    monkeypatch.setattr(kept_values, "MAX_BYTES", 100)
    kept: KeptValues[int] = KeptValues(lambda _: size)
    for key in (0, 1, 1, 2):
        kept.keep(key, key, monotonic() + 60)
    assert [kept.get(key) is not None for key in range(3)] == [False, True, True]
    too_large: KeptValues[int] = KeptValues(lambda _: 101)
    too_large.keep("large", 1, monotonic() + 60)
    assert too_large.get("large") is None


def test_each_value_ends_at_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = stopped_clock(monkeypatch)
    kept: KeptValues[int] = KeptValues(lambda _: 1)
    kept.keep("long", 1, 9.0)
    kept.keep("short", 2, 3.0)
    now[0] = 3.0
    assert (kept.get("long") is not None, kept.get("short")) == (True, None)
