"""The pages' links lead somewhere, and the architecture page lists the files that exist."""

import re
from pathlib import Path

import pytest

from tests.conftest import PROJECT

PAGES = [
    PROJECT / "README.md",
    PROJECT / "CHANGELOG.md",
    PROJECT / "CONTRIBUTING.md",
    *sorted((PROJECT / "docs").rglob("*.md")),
]
ARCHITECTURE = PROJECT / "docs" / "architecture.md"
CODE_BLOCK = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:)(?P<page>[^)#]*)(?:#(?P<anchor>[^)]*))?\)")
FOLDER = re.compile(r"(?:\*\*|### )(?P<folder>\w+(?:/\w+)*/)")
SOURCE = re.compile(r"`((?:catalog|demo|embedding|migrations|shop|tests)/[\w/.*]+)`")
"""A file or folder of the project, in any page."""
CONSTANT = re.compile(r"`(?P<path>[\w/]+\.py)` \(`(?P<name>[A-Z_]+)`\)")


def text(page: Path) -> str:
    return CODE_BLOCK.sub("", page.read_text())


def anchors(page: Path) -> set[str]:
    """Those that GitHub makes of headings, and those written by hand."""
    headings = re.findall(r"^#+ (.*)$", text(page), re.MULTILINE)
    made = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return made | set(re.findall(r'<a id="([^"]+)">', page.read_text()))


def listed_files() -> set[str]:
    """The files in the first columns of the architecture page's tables of files."""
    found = set()
    folder = ""
    for line in text(ARCHITECTURE).splitlines():
        if heading := FOLDER.match(line):
            folder = heading["folder"]
        elif line.startswith(("#", "**")):
            folder = ""
        elif folder and line.startswith("| `"):
            names = re.findall(r"`([^`]+)`", line.split("|")[1])
            found |= {folder + name for name in names}
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_lead_to_pages_and_headings(page: Path) -> None:
    for link in LINK.finditer(text(page)):
        target = (page.parent / link["page"]).resolve() if link["page"] else page
        assert target.exists(), link[0]
        if link["anchor"]:
            assert link["anchor"] in anchors(target), link[0]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_source_files_named_on_a_page_exist(page: Path) -> None:
    for path in SOURCE.findall(page.read_text()):
        assert any(PROJECT.glob(path.rstrip("/"))), path


def test_the_architecture_page_lists_the_modules() -> None:
    """All of the catalogue's, and the top level of the other two layers."""
    modules = [
        *sorted((PROJECT / "catalog").rglob("*.py")),
        *sorted((PROJECT / "embedding").glob("*.py")),
        *sorted((PROJECT / "shop").glob("*.py")),
    ]
    listed = listed_files()
    missing = [
        path
        for module in modules
        if module.name != "__init__.py"
        if (path := str(module.relative_to(PROJECT))) not in listed
    ]
    assert not missing, f"docs/architecture.md does not list {', '.join(missing)}"
    gone = [path for path in listed if not any(PROJECT.glob(path.rstrip("/")))]
    assert not gone, f"docs/architecture.md lists {', '.join(sorted(gone))}"


def test_the_architecture_page_names_constants_that_exist() -> None:
    found = list(CONSTANT.finditer(ARCHITECTURE.read_text()))
    assert found
    for constant in found:
        source = (PROJECT / constant["path"]).read_text()
        assert re.search(rf"^{constant['name']}\b", source, re.MULTILINE), constant[0]
