"""Checks the accessibility of a page with axe-core."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

CONTRAST = "color-contrast"


def check(
    page: Page,
    *,
    context: str | None = None,
    without: tuple[str, ...] = (),
    only: tuple[str, ...] = (),
) -> None:
    """Raises an AssertionError that lists the violations of the page as it is now.

    Args:
        context: a CSS selector of the part to check; None for the whole page.
        without: rules that are not checked.
        only: the rules to check; all of them if empty.
    """
    page.evaluate("Promise.allSettled(document.getAnimations().map(each => each.finished))")
    options: dict[str, Any] = {"rules": {rule: {"enabled": False} for rule in without}}
    if only:
        options["runOnly"] = {"type": "rule", "values": list(only)}
    results = Axe().run(page, context=context, options=options)
    assert not results.violations_count, results.generate_report()
