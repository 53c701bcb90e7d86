"""The shop behind pgbouncer, which gives each transaction another session of PostgreSQL."""

import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from catalog.db.connection import DatabaseError, connect, open_session, require_sessions
from tests.conftest import demo_database, fresh_database, repetitions, using_database
from tests.pooler import needs_pgbouncer, pooler
from tests.serving import serving

pytestmark = [pytest.mark.process, pytest.mark.slow, needs_pgbouncer]

VISITORS, PAGES = 6, repetitions(4, 20)
QUERIES = (
    *("red dress", "blue jeans", "t-shirt", "shampoo", "lamp", "women boots", "leather bag"),
    *("norma", "running shoes", "hat"),
)
FILTERS: tuple[dict[str, str], ...] = (
    {},
    {"in_stock": "1"},
    {"colour": "red"},
    {"max_price": "50"},
    {"max_price": "0.01"},  # no hits: the page says why
)


@pytest.fixture(scope="module")
def drawn(
    template_with_synonyms: str, demo_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of the drawn catalogue."""
    with demo_database(
        template_with_synonyms, demo_folder, tmp_path_factory.mktemp("media")
    ) as url:
        yield url


def visit(port: int, visitor: int, sku: str) -> list[int]:
    """The statuses of the pages that one visitor asks for."""
    draw, found = random.Random(visitor), []
    for _ in range(PAGES):
        query = urlencode({"q": draw.choice(QUERIES), **draw.choice(FILTERS)})
        path = f"product/{sku}" if draw.random() < 0.2 else f"?{query}"
        try:
            with urlopen(f"http://127.0.0.1:{port}/{path}", timeout=300) as answer:
                answer.read()
                found.append(answer.status)
        except HTTPError as error:
            found.append(error.code)
    return found


@pytest.mark.parametrize("size", [20, 2, 1])
def test_all_pages_are_answered(drawn: str, size: int) -> None:
    with psycopg.connect(drawn) as connection:
        (sku,) = connection.execute("SELECT min(sku) FROM product").fetchone() or ()
    with (
        pooler(drawn, size) as address,
        using_database(address),
        serving(threads=8) as port,
        ThreadPoolExecutor(VISITORS) as visitors,
    ):
        answers = visitors.map(lambda visitor: visit(port, visitor, sku), range(VISITORS))
        statuses = Counter(status for each in answers for status in each)
    assert statuses == {200: VISITORS * PAGES}


def test_the_admin_works_through_one_session(database: str, admin: Client) -> None:
    facet = {"name": "heel height", "label": "Heel", "kind": "other", "position": "50"}
    with pooler(database, 1) as address, using_database(address):
        added = admin.post("/admin/shop/facet/add/", facet | {"enabled": "on", "role": ""})
        assert added.status_code == 302
        assert "Heel" in admin.get("/admin/shop/facet/").content.decode()


@pytest.mark.usefixtures("few_synonyms")
def test_migrate_and_import_work_through_one_session(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("sku,title\nA,Linen shirt\n")
    with fresh_database("template1") as url, pooler(url, 1) as address, using_database(address):
        call_command("migrate", verbosity=0)
        call_command("import_catalog", str(tmp_path / "p.csv"), verbosity=0)
        with connect() as connection:
            found = connection.exec_driver_sql("SELECT word FROM search.vocabulary").scalars()
            assert {"linen", "shirt"} <= set(found)


def test_a_transaction_pooler_is_noticed(database: str) -> None:
    require_sessions()  # no pooler
    for size in (1, 5):
        with (
            pooler(database, size) as address,
            using_database(address),
            pytest.raises(DatabaseError, match="leads to a transaction pooler"),
        ):
            open_session()


def test_a_pooler_that_keeps_sessions_apart_is_no_obstacle(database: str) -> None:
    lock = "SELECT pg_try_advisory_lock(1)"
    with (
        pooler(database, 20, "session") as address,
        using_database(address),
        open_session() as first,
        open_session() as second,
    ):
        assert first.execute(lock).fetchone() == (True,)
        assert second.execute(lock).fetchone() == (False,)


@pytest.mark.parametrize("command", ["embed_catalog", "embedding_worker", "demo"])
def test_commands_that_need_sessions_say_so_in_one_line(database: str, command: str) -> None:
    with (
        pooler(database, 2) as address,
        using_database(address),
        pytest.raises(CommandError, match="needs sessions of its own") as refused,
    ):
        call_command(command)
    assert refused.value.returncode == 2
    assert "\n" not in str(refused.value)
