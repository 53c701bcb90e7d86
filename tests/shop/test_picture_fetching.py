"""Pictures at addresses that shoppers give, against a local server that misbehaves."""

from collections.abc import Iterator
from http import HTTPStatus
from ipaddress import ip_network
from pathlib import Path
from threading import Event, Thread
from urllib.parse import unquote

import pytest
from django.test import Client, override_settings

from catalog.config import PrivateHosts
from catalog.media.fetching.http_client import Limits
from embedding.image_decoding import ImageError
from shop import picture_fetching
from shop.picture_fetching import FetchBusy, fetch_picture
from shop.refused_uploads import refusal
from tests.catalog.misbehaving import Server, jpeg, misbehaving_server
from tests.shop.test_pictures import PLAIN_STORAGE

PATIENT = Limits(total_timeout=60, idle_timeout=30, max_bytes=200_000)
# For servers that never send a whole picture.
SHORT = {
    "drip": Limits(total_timeout=0.5, idle_timeout=30),
    "silent": Limits(total_timeout=60, idle_timeout=0.3),
}


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with misbehaving_server() as server:
        yield server


@pytest.fixture
def server(running: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server, at the only private address and port that are allowed here."""
    private = PrivateHosts(networks=(ip_network("127.0.0.1"),))
    port = int(running.url("").split(":")[2].split("/")[0])
    monkeypatch.setattr(picture_fetching, "PRIVATE", private)
    monkeypatch.setattr(picture_fetching, "ALLOWED_PORTS", frozenset({port}))
    monkeypatch.setattr(picture_fetching, "LIMITS", PATIENT)
    return running


@pytest.mark.parametrize("path", ["ok", "hops/3"])
def test_a_picture_is_fetched(server: Server, path: str) -> None:
    assert fetch_picture(server.url(path), "ada") == jpeg()


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("status/404", "answered 404"),
        ("hops/4", "redirected more than 3 times"),
        ("drip", "longer than 0.5 s"),
        ("silent", "no answer within"),
        ("large", "larger than"),
    ],
)
def test_a_misbehaving_server_is_given_up_with_the_reason(
    server: Server, path: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_fetching, "LIMITS", SHORT.get(path, PATIENT))
    with pytest.raises(ImageError, match=reason):
        fetch_picture(server.url(path), "ada")


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1/x.jpg", "http://localhost/x.jpg", "http://[::1]/x.jpg"),
        *("http://169.254.169.254/latest/meta-data", "http://10.0.0.1/x.jpg", "http://0/x.jpg"),
        *("http://[::ffff:127.0.0.1]/x.jpg", "http://2130706433/x.jpg", "http://93.184.216.34:22/"),
    ],
)
def test_this_network_is_not_reached_and_not_described(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FETCH_ALLOW", "127.0.0.1,10.0.0.0/8,localhost")  # for feeds alone
    with pytest.raises(ImageError) as caught:
        fetch_picture(url, "ada")
    assert str(caught.value).startswith("this address cannot be reached from here")


@pytest.mark.parametrize(
    "path", ["to/http://localhost:1/x", "to/http://10.0.0.1/x", "to/file:///x"]
)
def test_a_redirect_into_this_network_is_not_followed(server: Server, path: str) -> None:
    with pytest.raises(ImageError, match="cannot be reached from here"):
        fetch_picture(server.url(path), "ada")


@pytest.mark.parametrize(
    "url",
    ["", "shoe.jpg", "file:///etc/passwd", "ftp://a.example/x", "http://a:b@c.example/", "\n"],
)
def test_other_texts_are_no_addresses(url: str) -> None:
    with pytest.raises(ImageError, match="not the address of a picture"):
        fetch_picture(url, "ada")


def test_each_client_fetches_one_picture_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    started, finish = Event(), Event()

    def slow(*_: object) -> bytes:
        started.set()
        finish.wait(20)
        return jpeg()

    monkeypatch.setattr(picture_fetching, "fetch", slow)
    first = Thread(target=fetch_picture, args=("http://a.example/x.jpg", "ada"))
    first.start()
    started.wait(20)
    with pytest.raises(FetchBusy):
        fetch_picture("http://a.example/x.jpg", "ada")
    finish.set()
    first.join()
    assert fetch_picture("http://a.example/x.jpg", "ada") == jpeg()


def test_the_setting_turns_it_off(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FETCH_ADDRESSES", "0")
    with pytest.raises(ImageError, match="fetches no pictures"):
        fetch_picture(server.url("ok"), "ada")


@pytest.fixture
def pages(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("FIND_GARMENTS", "0")
    with override_settings(QUERY_PICTURE_DIR=tmp_path, STORAGES=PLAIN_STORAGE):
        yield Client(headers={"host": "localhost"})


def test_an_address_leads_to_the_search_with_its_picture(server: Server, pages: Client) -> None:
    response = pages.post("/picture/", {"address": server.url("ok"), "state": "q=red"})
    assert response.status_code == HTTPStatus.SEE_OTHER
    assert response["Location"].startswith("/?q=red&picture=")


def test_a_page_instead_of_a_picture_is_refused(server: Server, pages: Client) -> None:
    response = pages.post("/picture/", {"address": server.url("html"), "state": "q=red"})
    assert response["Location"].startswith("/?q=red&refused=")
    text = unquote(response["Location"].split("refused=")[1])
    assert refusal({"refused": text})[0].startswith("this picture cannot be used: not a picture")


def test_other_sites_cannot_make_the_shop_fetch(pages: Client) -> None:
    strict = Client(enforce_csrf_checks=True, headers={"host": "localhost"})
    response = strict.post("/picture/", {"address": "http://a.example/x.jpg"})
    assert response.status_code == HTTPStatus.FORBIDDEN


def test_a_pasted_address_is_offered_to_readers_without_scripts(pages: Client) -> None:
    page = pages.get("/", {"q": "https://a.example/shoe.jpg"}).content.decode()
    assert '<input type="hidden" name="address" value="https://a.example/shoe.jpg">' in page
    page = pages.get("/", {"q": "red shoes"}).content.decode()
    assert 'name="address" value' not in page
