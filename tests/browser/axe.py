"""Checks the accessibility of a page with axe-core."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def check(page: Page, *, context: str | None = None, without: tuple[str, ...] = ()) -> None:
    """Raises an AssertionError that lists the violations of the page as it is now.

    Args:
        context: a CSS selector of the part to check; None for the whole page.
        without: rules that are not checked, since another project breaks them.
    """
    page.evaluate("Promise.allSettled(document.getAnimations().map(each => each.finished))")
    rules = {rule: {"enabled": False} for rule in without}
    results = Axe().run(page, context=context, options={"rules": rules})
    assert not results.violations_count, results.generate_report()
