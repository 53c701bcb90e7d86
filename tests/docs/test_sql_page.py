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

pytestmark = pytest.mark.slow

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
    template_with_synonyms: str, demo_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """The drawn catalogue, and a worker beside it."""
    with demo_database(template_with_synonyms, demo_folder, tmp_path_factory.mktemp("media")):
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


Done = subprocess.CompletedProcess[str]


def psql(sql: str) -> Done:
    """Runs it as the role `analyst`."""
    return subprocess.run(
        [psql_path(), "-X", "-q", "-v", "ON_ERROR_STOP=1", os.environ["DATABASE_URL"]],
        input=f"SET ROLE analyst;\n{sql}",
        capture_output=True,
        text=True,
    )


def printed(done: Done) -> str:
    assert done.returncode == 0, done.stderr
    return "\n".join(line.rstrip() for line in done.stdout.splitlines() if line.strip()) + "\n"


@pytest.fixture(scope="module")
def run_in_order(shop: None) -> list[Done]:
    """All examples, since later ones build on earlier ones."""
    return [psql(example.sql) for example in examples()]


@pytest.mark.skipif(os.environ.get("UPDATE_DOCS") == "1", reason="the page is being written")
@pytest.mark.parametrize("number", range(len(examples())))
def test_an_example_prints_what_the_page_says(run_in_order: list[Done], number: int) -> None:
    expected, actual = examples()[number].output, printed(run_in_order[number])
    if expected is None:
        assert actual.strip() == ""
        return
    said, now = expected.splitlines(), actual.splitlines()
    assert len(said) == len(now), actual
    assert said[0].split() == now[0].split()
    assert sum(map(_alike, said, now)) >= ALIKE * len(said), actual


@pytest.mark.skipif(os.environ.get("UPDATE_DOCS") != "1", reason="only on demand")
def test_write_the_page(shop: None) -> None:
    def written(found: re.Match[str]) -> str:
        output = printed(psql(found["sql"]))
        block = f"```sql\n{found['sql']}```\n"
        return f"{block}\n```text\n{output}```\n" if output.strip() else block

    PAGE.write_text(EXAMPLE.sub(written, PAGE.read_text()))


def _alike(said: str, now: str) -> bool:
    if _words(said) != _words(now):
        return False
    pairs = zip(NUMBER.findall(said), NUMBER.findall(now), strict=True)
    return all(abs(float(a) - float(b)) <= DECIMALS * max(1, abs(float(a))) for a, b in pairs)


def _words(line: str) -> list[str]:
    return NUMBER.sub("#", line).replace("-", " ").replace("+", " ").split()
