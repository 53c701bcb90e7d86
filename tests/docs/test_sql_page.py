"""Every example in docs/sql.md runs, under the role `analyst`, and prints what the page says.

    UPDATE_DOCS=1 python -m pytest tests/docs

writes what it prints now into the page.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from catalog.db.embedded import psql_path
from catalog.indexing.worker import Worker, running
from catalog.query_log import remember
from tests.conftest import PROJECT, demo_database

PAGE = PROJECT / "docs" / "sql.md"
EXAMPLE = re.compile(r"```sql\n(?P<sql>.*?)```\n(?:\n```text\n(?P<output>.*?)```\n)?", re.DOTALL)
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
DECIMALS = 0.1
"""By how much figures may differ: processors round half precision in ways of their own."""
ALIKE = 0.7
"""The share of lines that must be the same but for figures: near ties change places."""


@dataclass(frozen=True)
class Example:
    sql: str
    output: str | None


def examples() -> list[Example]:
    return [Example(found["sql"], found["output"]) for found in EXAMPLE.finditer(PAGE.read_text())]


@pytest.fixture(scope="module")
def shop(
    template: str, demo_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """The drawn catalogue, and a worker beside it."""
    with demo_database(template, demo_folder, tmp_path_factory.mktemp("media")):
        for words, found in (
            ("red dress", 5),
            ("blue jeans", 3),
            ("red dress", 5),
            ("umbrella", 0),
        ):
            remember(words, [("fashion", None)], found, is_filtered=False)
        worker = Worker()
        while worker.embed_products():
            pass
        with running(worker):
            yield


def psql(sql: str) -> str:
    """What psql prints, as the role `analyst`."""
    done = subprocess.run(
        [psql_path(), "-X", "-q", "-v", "ON_ERROR_STOP=1", os.environ["DATABASE_URL"]],
        input=f"SET ROLE analyst;\n{sql}",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return "\n".join(line.rstrip() for line in done.stdout.splitlines() if line.strip()) + "\n"


@pytest.mark.skipif(os.environ.get("UPDATE_DOCS") == "1", reason="the page is being written")
@pytest.mark.parametrize("number", range(len(examples())))
def test_an_example_prints_what_the_page_says(shop: None, number: int) -> None:
    example = examples()[number]
    printed = psql(example.sql)
    if example.output is None:
        assert printed.strip() == ""
        return
    said, now = example.output.splitlines(), printed.splitlines()
    assert len(said) == len(now)
    assert said[0].split() == now[0].split()
    assert sum(map(_alike, said, now)) >= ALIKE * len(said), printed


@pytest.mark.skipif(os.environ.get("UPDATE_DOCS") != "1", reason="only on demand")
def test_write_the_page(shop: None) -> None:
    def written(found: re.Match[str]) -> str:
        printed = psql(found["sql"])
        block = f"```sql\n{found['sql']}```\n"
        return f"{block}\n```text\n{printed}```\n" if printed.strip() else block

    PAGE.write_text(EXAMPLE.sub(written, PAGE.read_text()))


def _alike(said: str, now: str) -> bool:
    if _words(said) != _words(now):
        return False
    pairs = zip(NUMBER.findall(said), NUMBER.findall(now), strict=True)
    return all(abs(float(a) - float(b)) <= DECIMALS * max(1, abs(float(a))) for a, b in pairs)


def _words(line: str) -> list[str]:
    return NUMBER.sub("#", line).replace("-", " ").replace("+", " ").split()
