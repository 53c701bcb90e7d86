"""A shop with a small drawn catalogue, the real `fashion` model, and the system's Chromium."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from embedding.encoder import get_encoder
from tests.conftest import PROJECT, demo_database
from tests.serving import serving

SCREENSHOTS = PROJECT / "var" / "screenshots"
HOW = "install one (Debian: apt-get install chromium-headless-shell) or name it in CHROMIUM"
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
# Pages share a process, which has loaded and compiled the scripts. Otherwise each test's first page
# gets a new one, and the browser needs half as much CPU time again.
ONE_PROCESS = ("--disable-site-isolation-trials", "--renderer-process-limit=1")


expect.set_options(timeout=60_000)  # a busy machine is no error


def take_screenshot(page: Page, name: str, **options: Any) -> None:
    """Save a picture of the page in `SCREENSHOTS`, for people, if that is asked for."""
    if os.environ.get("TAKE_SCREENSHOTS"):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{name}.png", **options)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium. Without it, browser tests are skipped, or fail in CI.

    The headless shell is preferred: the same engine, for half of the CPU time.
    """
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no Chromium: {HOW}")
        pytest.skip(f"no Chromium: {HOW}")
    return found


@pytest.fixture(scope="session")
def shop(
    chromium: str,
    template_with_synonyms: str,
    demo_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """The address of a running shop."""
    media = tmp_path_factory.mktemp("media")
    get_encoder("fashion").encode_texts(["loaded before a page waits for it"])
    with demo_database(template_with_synonyms, demo_folder, media), serving(threads=4) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET + ONE_PROCESS)
        yield browser
        browser.close()


class Windows:
    """Windows of a browser by their options but the size, which tests use one after the other.

    A new one takes a second of CPU time, mostly for a process that loads all scripts again.
    """

    def __init__(self, browser: Browser, shop: str) -> None:
        self.browser, self.shop = browser, shop
        self.opened: dict[str, Page] = {}
        self.complaints: list[str] = []

    def open(self, options: dict[str, Any]) -> Page:
        """An empty window without cookies, stored data, routes and complaints."""
        key = repr({name: value for name, value in options.items() if name != "viewport"})
        page = self.opened.get(key)
        if page is None:
            page = self.opened[key] = self._new(options)
        page.goto("about:blank")
        page.unroute_all()
        page.mouse.move(0, 0)
        page.set_viewport_size(options["viewport"])
        for other in page.context.pages:
            if other != page:
                other.close()
        page.context.clear_cookies()
        session = page.context.new_cdp_session(page)
        session.send(
            "Storage.clearDataForOrigin", {"origin": self.shop, "storageTypes": "local_storage"}
        )
        session.detach()
        self.complaints.clear()
        return page

    def close(self, page: Page) -> None:
        """Close a window that the next test cannot use."""
        self.opened = {key: it for key, it in self.opened.items() if it != page}
        page.context.close()

    def _new(self, options: dict[str, Any]) -> Page:
        context = self.browser.new_context(base_url=self.shop, **options)
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda it: self.complaints.append(it.text) if it.type == "error" else None,
        )
        return page


@pytest.fixture(scope="session")
def windows(browser: Browser, shop: str) -> Windows:
    return Windows(browser, shop)


@pytest.fixture(params=[{}], ids=[""])
def page(request: pytest.FixtureRequest, windows: Windows) -> Iterator[Page]:
    """A window with the front page, or with the page of the parameter `start` or the module's
    `START`, where "" is none. With the parameter `once`, no other test gets this window.

    Errors in the console fail the test.
    """
    options = {"viewport": {"width": 1280, "height": 900}, **request.param}
    start = options.pop("start", getattr(request.module, "START", "/"))
    once = options.pop("once", False)
    page = windows.open(options)
    if start:
        page.goto(start)
    yield page
    assert not windows.complaints
    take_screenshot(page, request.node.name.strip("[]"))
    if once:
        windows.close(page)
