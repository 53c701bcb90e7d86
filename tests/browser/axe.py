"""Checks the accessibility of a page with axe-core."""

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import Page

RUN = """async ([context, options]) => {
    await Promise.allSettled(document.getAnimations().map(each => each.finished));
    const { violations } = await axe.run(context, options);
    return { violations };
}"""


def check(page: Page, *, context: str | None = None, without: tuple[str, ...] = ()) -> None:
    """Raises an AssertionError that lists the violations of the page as it is now.

    Args:
        context: a CSS selector of the part to check; None for the whole page.
        without: rules that are not checked, since another project breaks them.
    """
    options: dict[str, Any] = {
        "rules": {rule: {"enabled": False} for rule in without},
        # Details of what passes take a fifth of the time.
        "resultTypes": ["violations"],
    }
    if page.evaluate("!window.axe"):
        page.evaluate(AXE_SCRIPT)
    results = AxeResults(page.evaluate(RUN, [context or "html", options]))
    assert not results.violations_count, results.generate_report()
