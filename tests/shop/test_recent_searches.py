"""Equal searches within some seconds are answered from memory; never wrongly."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from threading import Event

import pytest
from django.test import Client, override_settings

from catalog.db.connection import connect
from catalog.search.pipeline import Results, SearchError, SearchSpec
from shop import answer_cache, recent_searches
from shop.answer_cache import AnswerCache
from shop.metrics import ANSWERS, SEARCHES
from shop.recent_searches import forget_answers, recent_search

CLIENT = Client(headers={"host": "localhost"})
LIST = "/?in_stock=1"


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


def counted(source: str, kind: str = "searches") -> float:
    return float(ANSWERS.labels(kind, source)._value.get())


def test_page_api_and_next_request_share_an_answer(product: None) -> None:
    before, known = counted("computed"), counted("recent")
    assert shows("Red shoe")
    rename("Blue shoe")
    assert shows("Red shoe")
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
    now = [0.0]
    monkeypatch.setattr(answer_cache, "monotonic", lambda: now[0])
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
        found, is_recent = recent_search(connection, SearchSpec())
        again, is_again = recent_search(connection, SearchSpec())
    assert (is_recent, is_again) == (False, True)
    assert again == found
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
            found, _ = recent_search(connection, SearchSpec(images=(picture,)))
            assert found.spec.images == (picture,)
    assert [spec.images for spec in specs] == [(b"a",), (b"b",)]
    assert all(not it.value.spec.images for it in recent_searches._searches._kept.values())


def test_searches_with_a_failed_part_are_not_kept(
    product: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = ("search by meaning is not available at the moment",)
    monkeypatch.setattr(
        recent_searches,
        "search",
        lambda _, spec, *__: Results((), 0, spec, notes=notes),
    )
    with connect() as connection:
        assert not recent_search(connection, SearchSpec(text="red"))[1]
        assert not recent_search(connection, SearchSpec(text="red"))[1]


def test_recent_searches_count_as_searches(product: None) -> None:
    before = SEARCHES._value.get()
    for _ in range(2):
        CLIENT.get("/?q=shoe&verbatim=shoe")
    assert SEARCHES._value.get() - before == 2


def cache(size: int = 1) -> AnswerCache[int]:
    return AnswerCache("test", lambda _: size)


def never() -> int:
    raise AssertionError


def test_errors_are_not_kept() -> None:
    kept = cache()

    def fail() -> int:
        raise SearchError("no")

    for _ in range(2):
        with pytest.raises(SearchError):
            kept.get("a", fail)
    assert kept.get("a", lambda: 1) == (1, False)


def in_parallel(kept: AnswerCache[int], leader: Callable[[Event], int]) -> list[tuple[int, bool]]:
    """The answers of a leader, and of a request that begins while it computes."""
    has_begun, may_end, is_waiting = Event(), Event(), Event()

    def lead() -> int:
        has_begun.set()
        assert may_end.wait(60)
        return leader(may_end)

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(kept.get, "a", lead)
        assert has_begun.wait(60)
        result = kept._running["a"].result

        def wait(seconds: float) -> int:
            is_waiting.set()
            return result(seconds)

        kept._running["a"].result = wait  # type: ignore[method-assign,assignment]
        second = threads.submit(kept.get, "a", lambda: 2)
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

    assert kept.get("a", change) == (1, False)
    assert kept.get("a", lambda: 2) == (2, False)
    assert kept.get("a", never) == (2, True)


@pytest.mark.parametrize(("entries", "size"), [(2, 1), (1000, 50)])
def test_answers_are_bounded(monkeypatch: pytest.MonkeyPatch, entries: int, size: int) -> None:
    monkeypatch.setattr(answer_cache, "MAX_ENTRIES", entries)
    monkeypatch.setattr(answer_cache, "MAX_BYTES", 100)
    kept = cache(size)
    for key in range(3):
        kept.get(key, lambda: 1)
    assert len(kept._kept) == 2
    assert kept.get(0, lambda: 5) == (5, False)
    too_large = cache(101)
    too_large.get("large", lambda: 1)
    assert too_large.get("large", lambda: 1) == (1, False)
