"""Pictures that the API fetches by their address."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_network
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from catalog.config import PrivateHosts
from shop import picture_fetching
from tests.shop.api.conftest import ApiClient

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(demo_folder: Path) -> Iterator[str]:
    """The address of a server of pictures."""
    content = sorted((demo_folder / "images").iterdir())[0].read_bytes()

    class Pictures(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = {"/picture": content, "/page": b"<html>"}.get(self.path)
            self.send_response(302 if self.path == "/moved" else 200 if found else 404)
            if self.path == "/moved":
                self.send_header("Location", "/moved")
            self.end_headers()
            self.wfile.write(found or b"")

        def log_message(self, *_: Any) -> None:
            pass

    listening = HTTPServer(("127.0.0.1", 0), Pictures)
    Thread(target=listening.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{listening.server_port}"
    listening.shutdown()


def allow(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let shoppers name the private address and the port of the server."""
    private = PrivateHosts(networks=(ip_network("127.0.0.1"),))
    monkeypatch.setattr(picture_fetching, "PRIVATE", private)
    monkeypatch.setattr(picture_fetching, "ALLOWED_PORTS", {int(server.rpartition(":")[2])})


def search(api: ApiClient, url: str) -> Any:
    return api.post("/api/v1/search", {"picture_url": url})


def test_picture_is_fetched(api: ApiClient, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    allow(server, monkeypatch)
    response = search(api, f"{server}/picture")
    assert response.status_code == 200, response.content
    assert response.json()["hits"][0]["match"] > 90


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/nothing", "answered 404"),
        ("/page", "not a picture"),
        ("/moved", "redirected more than 3 times"),
    ],
)
def test_what_is_no_picture(
    api: ApiClient, server: str, monkeypatch: pytest.MonkeyPatch, path: str, says: str
) -> None:
    allow(server, monkeypatch)
    response = search(api, server + path)
    assert response.status_code == 400
    (error,) = response.json()["errors"]
    assert error["parameter"] == "picture_url"
    assert says in error["detail"]


@pytest.mark.parametrize("url", ["http://127.0.0.1/x", "http://[::1]/x", "http://10.1.2.3/x"])
def test_private_addresses_are_refused_without_a_word_about_the_network(
    api: ApiClient, url: str
) -> None:
    response = search(api, url)
    assert response.status_code == 400
    assert response.json()["detail"] == (
        "The picture cannot be used: this address cannot be reached from here:"
        " save the picture, then choose the file."
    )


@pytest.mark.parametrize("url", ["ftp://example.org/x", "x", "http://user:word@example.org/"])
def test_what_is_no_address(api: ApiClient, url: str) -> None:
    assert search(api, url).json()["code"] == "unusable_picture"


def test_only_few_pictures_are_fetched_at_once(
    api: ApiClient, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(server, monkeypatch)
    monkeypatch.setattr(picture_fetching, "MAX_FETCHES", 0)
    response = search(api, f"{server}/picture")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
