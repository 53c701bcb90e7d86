"""Weight and speed of pages on a simulated phone, as Lighthouse measures them.

    python -m benchmarks.page_load [--url http://127.0.0.1:8000] [--runs 3] [--fast] [PATH ...]

Loads pages of a running shop with an empty cache in the system's Chromium, whose window, processor
and network are those of Lighthouse's phone: 412 by 823 pixels, a processor four times slower, and
slow 4G (1.6 Mbit/s, 150 ms). `--fast` leaves out the slow processor and network. The table contains
the medians:

- requests, and their weight in kB as transferred, with the pictures of the first screen only, since
  the others are loaded when they come into view;
- FCP and LCP, the times in ms until the first and the largest content is painted;
- CLS, the cumulative layout shift, after the page was scrolled to its end.

Needs Playwright and Chromium, as the browser tests do. https://web.dev/articles/vitals defines the
figures.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

PATHS = ("/", "/?q=shoes", "/?q=red+dress+under+50", "/?q=shirt+not+blue&page=2")
PRODUCT = "a[href^='/product/']"

PHONE = {
    "viewport": {"width": 412, "height": 823},
    "device_scale_factor": 1.75,
    "is_mobile": True,
    "has_touch": True,
}
SLOWER = 4
NETWORK = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_638_400 / 8,
    "uploadThroughput": 750_000 / 8,
}
"""Lighthouse's "mobile slow 4G"."""

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)

OBSERVE = """
window.measured = {lcp: 0, cls: 0};
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) measured.lcp = entry.startTime;
}).observe({type: "largest-contentful-paint", buffered: true});
// The largest session window (https://web.dev/articles/cls): shifts less than 1 s apart, in 5 s.
let shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (entry.hadRecentInput) continue;
    const last = shifts.at(-1);
    const time = entry.startTime;
    if (!last || time - last.startTime > 1000 || time - shifts[0].startTime > 5000) shifts = [];
    shifts.push(entry);
    measured.cls = Math.max(measured.cls, shifts.reduce((sum, it) => sum + it.value, 0));
  }
}).observe({type: "layout-shift", buffered: true});
"""
FIGURES = """() => ({
  ...measured,
  fcp: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0,
})"""
SETTLE_MS = 1000
"""How long a page stays without a request and a shift before it is measured."""

COLUMNS = {
    "requests": "{:.0f}",
    "html kB": "{:.0f}",
    "kB": "{:.0f}",
    "FCP": "{:.0f}",
    "LCP": "{:.0f}",
    "CLS": "{:.3f}",
}


def slow_down(session: CDPSession) -> None:
    """Give a page the processor and the network of a phone."""
    session.send("Network.emulateNetworkConditions", NETWORK)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})


def load(browser: Browser, address: str, fast: bool) -> dict[str, float]:
    """The figures of one visit with an empty cache.

    Raises:
        SystemExit: the page cannot be loaded.
    """
    context = browser.new_context(**PHONE)  # type: ignore[arg-type]
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    weights: dict[str, float] = {}
    session.on(
        "Network.loadingFinished",
        lambda event: weights.__setitem__(event["requestId"], event["encodedDataLength"]),
    )
    documents: list[str] = []
    session.on("Network.responseReceived", lambda event: _note(documents, event))
    if not fast:
        slow_down(session)
    page.add_init_script(OBSERVE)
    response = page.goto(address, wait_until="networkidle")
    if response is None or response.status != 200:
        raise SystemExit(f"{address} answers {response and response.status}, not 200")
    page.wait_for_timeout(SETTLE_MS)
    first_screen = dict(weights)
    painted = page.evaluate(FIGURES)  # scrolling ends the search for the largest content
    _scroll_to_end(page)
    shifted = page.evaluate(FIGURES)
    context.close()
    return {
        "requests": len(first_screen),
        "html kB": sum(first_screen.get(it, 0) for it in documents) / 1000,
        "kB": sum(first_screen.values()) / 1000,
        "FCP": painted["fcp"],
        "LCP": painted["lcp"],
        "CLS": shifted["cls"],
    }


def _note(documents: list[str], event: dict[str, Any]) -> None:
    if event["type"] == "Document":
        documents.append(event["requestId"])


def _scroll_to_end(page: Page) -> None:
    page.evaluate(
        """async () => {
          for (let y = 0; y < document.body.scrollHeight; y += innerHeight / 2) {
            scrollTo(0, y);
            await new Promise((resolve) => setTimeout(resolve, 50));
          }
        }"""
    )
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(SETTLE_MS)


def first_product(browser: Browser, url: str) -> str:
    """The path of a product page that the home page links to."""
    page = browser.new_page()
    page.goto(url)
    path = page.locator(PRODUCT).first.get_attribute("href", timeout=5000)
    page.close()
    return path or "/"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="*", metavar="PATH", help="by default five pages")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="of the running shop")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--fast", action="store_true", help="no slow processor and network")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    chromium = (
        os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    )
    if not chromium:
        sys.exit(
            "no Chromium: install one (Debian: apt-get install chromium) or name it in CHROMIUM"
        )
    figures: dict[str, dict[str, float]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        paths = options.paths or [*PATHS, first_product(browser, options.url)]
        for path in paths:
            load(browser, options.url + path, fast=True)  # thumbnails are made, models loaded
        print(f"| page | {' | '.join(COLUMNS)} |\n|---|{'---|' * len(COLUMNS)}", flush=True)
        for path in paths:
            runs = [load(browser, options.url + path, options.fast) for _ in range(options.runs)]
            figures[path] = {it: statistics.median(run[it] for run in runs) for it in COLUMNS}
            cells = " | ".join(form.format(figures[path][it]) for it, form in COLUMNS.items())
            print(f"| `{path}` | {cells} |", flush=True)
        browser.close()
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
