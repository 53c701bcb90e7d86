"""The documents of the API in a browser, and the example of a search box in another site."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from django.test import override_settings
from playwright.sync_api import Page, expect

from tests.conftest import PROJECT

pytestmark = [pytest.mark.browser, pytest.mark.slow]
START = ""


@pytest.mark.parametrize(
    "page", [{}, {"viewport": {"width": 390, "height": 844}}], ids=["wide", "phone"], indirect=True
)
def test_docs_work_without_any_other_host(page: Page, shop: str) -> None:
    hosts = set()
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    page.goto("/api/docs")
    operation = page.locator("#operations-Search-search")
    operation.click()
    expect(operation.get_by_text("colour", exact=True).first).to_be_visible()
    operation.get_by_placeholder("q", exact=True).fill("red dress")
    operation.get_by_role("button", name="Execute").click()
    expect(
        operation.locator(".live-responses-table tbody .response-col_status").first
    ).to_contain_text("200")
    assert hosts == {shop.removeprefix("http://")}


@pytest.fixture
def other_site(shop: str) -> Iterator[str]:
    """The address of the example page on another origin, for this shop."""
    html = (PROJECT / "docs" / "examples" / "search_box.html").read_text()
    assert len(html.splitlines()) <= 70
    content = html.replace("http://127.0.0.1:8000", shop).encode()

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/" else 404)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Site)
    Thread(target=server.serve_forever, daemon=True).start()
    origin = f"http://127.0.0.1:{server.server_port}"
    with override_settings(CORS_ALLOWED_ORIGINS=[origin]):
        yield f"{origin}/"
    server.shutdown()


def test_search_box_in_another_site(page: Page, other_site: str) -> None:
    page.route("**/favicon.ico", lambda route: route.fulfill(status=204))
    page.goto(other_site)
    page.get_by_role("searchbox").fill("shoes")
    page.keyboard.press("Enter")
    cards = page.locator("#hits li")
    expect(cards).to_have_count(12)
    page.get_by_role("button", name="More").click()
    expect(cards.nth(12)).to_be_visible()
    page.wait_for_function("[...document.images].every(it => it.complete && it.naturalWidth)")
    page.get_by_role("searchbox").fill("red sneakers for women")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("No red sneakers for women.")
