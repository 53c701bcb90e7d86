"""How many requests a client may send, and what it gets if it sends more."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory, override_settings
from limits.storage import MemoryStorage

from shop import checks, rate_memory, rate_shared, rates, views
from shop.config import RateSettings
from shop.rate_memory import BoundedMemory
from shop.rates import TooManyRequests, count_request, forget_counts, login_address, network_of
from tests.shop.test_pictures import PLAIN_STORAGE, encoded

SHOPPER, OTHER = "203.0.113.9", "198.51.100.7"
DIGEST = "0" * 64


class SharedStore(MemoryStorage):
    """A store that several processes could use, and that can be away."""

    STORAGE_SCHEME = ["test-store"]  # noqa: RUF012  as the base class has it
    is_away = False

    def acquire_entry(self, *args: Any, **kwargs: Any) -> bool:
        if SharedStore.is_away:
            raise ValueError("connection refused")
        return super().acquire_entry(*args, **kwargs)


@pytest.fixture(autouse=True)
def _no_counts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(rates, "_store_away_until", 0.0)
    rates._limiter.cache_clear()
    forget_counts()
    yield
    forget_counts()


@pytest.fixture
def shop(database: str, tmp_path: Path) -> Iterator[None]:
    with override_settings(STORAGES=PLAIN_STORAGE, QUERY_PICTURE_DIR=tmp_path / "pictures"):
        yield


def ask(network: str, path: str, **more: Any) -> Any:
    return Client(headers={"host": "localhost"}, REMOTE_ADDR=network).get(path, **more)


def send(network: str, path: str = "/picture/", **fields: object) -> Any:
    client = Client(headers={"host": "localhost"}, REMOTE_ADDR=network)
    return client.post(path, fields or {"file": SimpleUploadedFile("a.png", encoded())})


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("SEARCH_RATE", "/?q=red"),
        ("SEARCH_RATE", "/product/unknown"),
        ("SEARCH_RATE", "/compare/"),
        ("PICTURE_SEARCH_RATE", f"/?picture={DIGEST}"),
        ("SUGGESTION_RATE", "/suggest/?q=r"),
        ("API_ANONYMOUS_RATE", "/api/v1/models"),
    ],
)
def test_requests_are_limited_for_each_client(shop: None, kind: str, path: str) -> None:
    with override_settings(**{kind: 2}, COMPARE_OPEN=True):
        statuses = [ask(SHOPPER, path).status_code for _ in range(3)]
        other = ask(OTHER, path).status_code
    assert 429 not in [*statuses[:2], other]
    assert statuses[2] == 429


@override_settings(SEARCH_RATE=1)
def test_page_says_what_to_do(shop: None) -> None:
    ask(SHOPPER, "/")
    response = ask(SHOPPER, "/", headers={"HX-Request": "true"})
    assert response.status_code == 429
    assert 1 <= int(response.headers["Retry-After"]) <= 60
    assert response.headers["Cache-Control"] == "no-store"
    page = response.content.decode()
    assert f"Reload this page in {response.headers['Retry-After']} second" in page
    assert "default-src 'self'" in response.headers["Content-Security-Policy"]
    assert "See all products" not in response.content.decode()  # which is refused too


@override_settings(SUGGESTION_RATE=1)
def test_refusals_are_not_kept_by_caches(shop: None) -> None:
    assert "max-age=60" in ask(SHOPPER, "/suggest/?q=r").headers["Cache-Control"]
    assert ask(SHOPPER, "/suggest/?q=r").headers["Cache-Control"] == "no-store"


@override_settings(API_ANONYMOUS_RATE=1)
def test_api_answers_with_a_problem(shop: None) -> None:
    ask(SHOPPER, "/api/v1/models")
    response = ask(SHOPPER, "/api/v1/models")
    problem = json.loads(response.content)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert (problem["status"], problem["code"]) == (429, "too_many_requests")
    assert problem["detail"] == "More than 1 requests in a minute."
    assert response.headers["Retry-After"]


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/picture/", "/compare/picture/", "/api/v1/search"])
def test_uploads_are_limited(shop: None, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "name_to_search_with", str)
    monkeypatch.setattr("shop.api.pictures.name_to_search_with", str)
    with override_settings(UPLOAD_RATE=1, COMPARE_OPEN=True):
        statuses = [send(who, path).status_code for who in (SHOPPER, SHOPPER, OTHER)]
    assert statuses[1] == 429
    assert 429 not in (statuses[0], statuses[2])


@pytest.mark.parametrize(
    ("path", "field"), [("/picture/", "address"), ("/api/v1/search", "picture_url")]
)
def test_fetched_addresses_are_limited(shop: None, path: str, field: str) -> None:
    """The addresses are refused, after they were counted."""
    with override_settings(FETCH_RATE=1):
        answers = [
            send(who, path, **{field: "http://127.0.0.1/a.png"}).status_code
            for who in (SHOPPER, SHOPPER, OTHER)
        ]
    assert answers[1] == 429
    assert 429 not in (answers[0], answers[2])


def test_networks_of_clients() -> None:
    def network(address: str) -> str:
        return network_of(RequestFactory().get("/", REMOTE_ADDR=address))

    assert network("203.0.113.9") == network("::ffff:203.0.113.9") == "203.0.113.9"
    assert network("2001:db8:1:2:3::4") == network("2001:db8:1:2:ffff::1") == "2001:db8:1:2::/64"
    assert network("fe80::1%eth0") == "fe80::/64"
    assert network("2001:db8:1:3::4") != network("2001:db8:1:2::4")
    assert network("") == "unknown"


def test_logins_count_for_the_network() -> None:
    def address(of: str) -> str | None:
        return login_address(RequestFactory().get("/", REMOTE_ADDR=of))

    assert address("2001:db8:1:2:3::4") == address("2001:db8:1:2:5::6") == "2001:db8:1:2::"
    assert address("::ffff:203.0.113.9") == "203.0.113.9"
    assert address("") is None


def count(kind: rates.Kind, client: str, times: int) -> int:
    """How many of these requests are allowed."""
    allowed = 0
    for _ in range(times):
        try:
            count_request(kind, client)
        except TooManyRequests:
            continue
        allowed += 1
    return allowed


@pytest.fixture
def _shared_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "_memory", rates._memory)  # restored later
    rates.share_counts()


class Minutes:
    """A clock for `shop.rate_shared`, in minutes. It begins half a minute before a full one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.5
        monkeypatch.setattr(rate_shared, "_minute", lambda _: (int(self.now), self.now % 1))


@pytest.mark.usefixtures("_shared_counts")
@override_settings(SEARCH_RATE=10, UPLOAD_RATE=10)
def test_a_client_has_the_whole_rate_in_any_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also over a kept connection, which one process answers."""
    Minutes(monkeypatch)
    assert count("SEARCH_RATE", "a", 4) == 4
    pid = os.fork()
    if not pid:
        os._exit(count("SEARCH_RATE", "a", 20))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 6
    assert count("SEARCH_RATE", "a", 1) == 0
    assert count("SEARCH_RATE", "b", 20) == 10
    assert count("UPLOAD_RATE", "a", 20) == 10


@pytest.mark.usefixtures("_shared_counts")
@override_settings(SEARCH_RATE=10)
def test_shared_counts_end_as_late_as_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Minutes(monkeypatch)
    assert count("SEARCH_RATE", "a", 20) == 10
    with pytest.raises(TooManyRequests) as refused:
        count_request("SEARCH_RATE", "a")
    assert refused.value.retry_after == 36  # a tenth into the next minute, nine of ten overlap
    clock.now += 35 / 60
    assert count("SEARCH_RATE", "a", 1) == 0
    clock.now += 2 / 60
    assert count("SEARCH_RATE", "a", 5) == 1
    with pytest.raises(TooManyRequests) as refused:
        count_request("SEARCH_RATE", "a")
    assert refused.value.retry_after == 5
    clock.now += 2
    assert count("SEARCH_RATE", "a", 20) == 10


@pytest.mark.usefixtures("_shared_counts")
@override_settings(SEARCH_RATE=1)
def test_shared_counters_make_room_for_new_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_shared, "SETS", 1)
    clock = Minutes(monkeypatch)
    for client in range(3 * rate_shared.WAYS):
        clock.now += 1
        assert count("SEARCH_RATE", str(client), 2) == 1


@override_settings(SEARCH_RATE=4, RATE_STORE="test-store://")
def test_processes_count_together_in_a_shared_store() -> None:
    assert count("SEARCH_RATE", "a", 3) == 3
    forget_counts()  # as another process
    assert count("SEARCH_RATE", "a", 3) == 1


@override_settings(SEARCH_RATE=2, RATE_STORE="test-store://")
def test_memory_is_used_while_the_store_is_away(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(SharedStore, "is_away", True)
    assert count("SEARCH_RATE", "a", 5) == 2
    assert len(caplog.messages) == 1
    assert "connection refused" in caplog.text
    monkeypatch.setattr(SharedStore, "is_away", False)
    monkeypatch.setattr(rates, "_store_away_until", 0.0)
    assert count("SEARCH_RATE", "a", 5) == 2


@pytest.mark.parametrize("store", ["nothing://host", "memcached://host:1", "redis"])
def test_store_must_be_usable(store: str) -> None:
    with override_settings(RATE_STORE=store):
        [found] = checks.check_rate_store()
    assert "RATE_STORE cannot be used" in found.msg
    assert not checks.check_rate_store()


def test_counters_take_a_bounded_part_of_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_memory, "MAX_CLIENTS", 3)
    monkeypatch.setattr(rate_memory, "MAX_TIMES", 10)
    memory = BoundedMemory()
    for client in range(100):
        assert memory.acquire_entry(str(client), 5, 60)
    assert len(memory._windows) == 3
    for _ in range(5):
        memory.acquire_entry("98", 5, 60)
        memory.acquire_entry("99", 5, 60)
        memory.acquire_entry("a", 50, 60)
    assert memory._times == sum(map(len, memory._windows.values())) <= 10


def test_windows_move(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("shop.rate_memory.time.monotonic", lambda: now)
    memory = BoundedMemory()
    assert [memory.acquire_entry("a", 2, 60) for _ in range(3)] == [True, True, False]
    now = 59.0
    assert not memory.acquire_entry("a", 2, 60)
    now = 61.0
    assert memory.acquire_entry("a", 2, 60)
    assert memory.get_moving_window("a", 2, 60)[1] == 1


def test_every_rate_has_a_default() -> None:
    defaults = {
        name: field.default for name, field in RateSettings.model_fields.items() if "rate" in name
    }
    assert all(defaults[name] > 0 for name in defaults if name != "rate_store")
