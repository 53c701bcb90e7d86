"""Importing the rows of a query in another database."""

import sqlite3
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from catalog.importing import FileError, RowError
from catalog.importing.product_row import ProductRow, ReadRow
from catalog.importing.sources.sql_query import read_query, to_cell
from tests.catalog.test_importing import products
from tests.conftest import server_url

Run = Callable[..., list[ReadRow]]


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    """The address of a SQLite database with the table `p`."""
    with sqlite3.connect(tmp_path / "shop.db") as source:
        source.execute("CREATE TABLE p (id integer, name text, price numeric, stock integer)")
        source.executemany(
            "INSERT INTO p VALUES (?, ?, ?, ?)",
            [(1, "Shirt 100%", 19.9, 3), (2, "Skirt", None, 0), (2, "Twice", 1, 1), (4, "", 1, 1)],
        )
    source.close()
    return f"sqlite:///{tmp_path}/shop.db"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a query in a database."""

    def run(query: str, address: str, **mapping: str) -> list[ReadRow]:
        (tmp_path / "q.sql").write_text(query)
        return list(read_query(tmp_path / "q.sql", address, mapping))

    return run


def test_rows_are_read_like_those_of_a_file(run: Run, sqlite: str) -> None:
    found = run("SELECT id, name, price, stock FROM p WHERE name LIKE '%' ORDER BY rowid", sqlite)
    assert found == [
        ProductRow(
            1, {"sku": "1", "title": "Shirt 100%", "price": Decimal("19.90"), "in_stock": True}
        ),
        ProductRow(2, {"sku": "2", "title": "Skirt", "price": None, "in_stock": False}),
        RowError(3, "2", "the SKU is already on row 2"),
        RowError(4, "4", "title is missing"),
    ]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT id, name FROM p WHERE id = 1;",
        "-- only; one\n/* ; */ SELECT id, name FROM p WHERE id = 1 ; -- the end",
        "WITH x AS (SELECT * FROM p) SELECT id, name FROM x WHERE id = 1 AND name <> ';'",
        "select id, ';' as name from p where id = 1",
    ],
)
def test_one_select_statement_is_accepted(run: Run, sqlite: str, query: str) -> None:
    (row,) = run(query, sqlite)
    assert row.sku == "1"


@pytest.mark.parametrize(
    "query",
    [
        *("", "-- nothing", ";", "DELETE FROM p", "SELECT id, name FROM p; DELETE FROM p"),
        *("WITH x AS (SELECT 1) DELETE FROM p", "INSERT INTO p SELECT * FROM p", "DROP TABLE p"),
        *("EXPLAIN SELECT 1", "PRAGMA query_only = off", "SELECT 1; SELECT 2"),
    ],
)
def test_anything_else_is_refused(run: Run, sqlite: str, query: str) -> None:
    with pytest.raises(FileError, match="must contain one SELECT statement, and nothing else"):
        run(query, sqlite)


@pytest.fixture
def source(database: str) -> str:
    """The address of a PostgreSQL database with the table `p`, in SQLAlchemy's form."""
    with psycopg.connect(database, autocommit=True) as other:
        other.execute(
            "CREATE TABLE p AS SELECT n AS id, 'Thing ' || n AS name, n * 1.299 AS price,"
            " ARRAY['S', 'M'] AS sizes, '{\"wash\": 30}'::jsonb AS care, date '2026-11-20' AS since"
            " FROM generate_series(1, 2500) AS n"
        )
    host = psycopg.conninfo.conninfo_to_dict(database)
    return f"postgresql://{host['user']}@/{host['dbname']}?host={host['host']}"


def test_postgresql_streams_typed_values(run: Run, source: str) -> None:
    found = run("SELECT * FROM p ORDER BY id", source)
    assert len(found) == 2500
    first = found[0]
    assert isinstance(first, ProductRow)
    assert first.values == {
        **{"sku": "1", "title": "Thing 1", "price": Decimal("1.30")},
        "attributes": {"sizes": ["S", "M"], "care": {"wash": 30}, "since": "2026-11-20"},
    }


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (
            "WITH gone AS (DELETE FROM p RETURNING *) SELECT id, name FROM gone",
            "must not contain data-modifying statements",
        ),
        ("SELECT id, name INTO copied FROM p", r"SELECT ... INTO is not allowed"),
        (
            "SELECT setval('product_id_seq', 9) AS id, 'x' AS name",
            "in a read-only transaction",
        ),
    ],
)
def test_postgresql_is_read_only(run: Run, source: str, query: str, reason: str) -> None:
    with pytest.raises(FileError, match=reason):
        run(query, source)


def test_sqlite_is_read_only(run: Run, sqlite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "catalog.importing.sources.sql_query._read_statement", lambda _: "DELETE FROM p"
    )
    with pytest.raises(FileError, match="attempt to write a readonly database"):
        run("", sqlite)


SECRET = "hunter2%!"


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("postgresql//hunter2%!@localhost/x", "is not one such as postgresql://"),
        ("postgresql://ada:hunter2%!@localhost:port/x", "is not one such as postgresql://"),
        ("postgresql://ada:hunter2%!@127.0.0.1:1/x", "the database x at 127.0.0.1: .*refused"),
        (
            "postgres://ada@127.0.0.1:1/x?password=hunter2%!",
            "the database x at 127.0.0.1: .*refused",
        ),
        ("postgresql://ada:@hunter2%!@127.0.0.1:1/x", "more than one @: write @ .* as %40"),
        ("postgresql://ada:a@b/hunter2%!@127.0.0.1:1/x", "more than one @"),
        ("mysql+nothing://ada:hunter2%!@localhost/x", "no database is called 'mysql.nothing'"),
        (
            "oracle://ada:hunter2%!@localhost/x",
            "the driver for oracle is missing: install .*oracledb",
        ),
        ("sqlite:///nothing.db", "sqlite: there is no file 'nothing.db'"),
        ("sqlite://", "sqlite: there is no file"),
    ],
)
def test_problems_are_one_line_without_the_password(run: Run, address: str, reason: str) -> None:
    with pytest.raises(FileError, match=reason) as problem:
        run("SELECT 1", address)
    assert "\n" not in str(problem.value)
    assert "hunter2" not in str(problem.value)
    assert not Path("nothing.db").exists()


def test_password_in_the_message_of_the_server_is_hidden(run: Run, source: str) -> None:
    role = "imports_ada"
    with psycopg.connect(server_url(), autocommit=True) as server:
        server.execute(f"DROP ROLE IF EXISTS {role}")
        server.execute(f"CREATE ROLE {role}")  # no LOGIN
        try:
            address = source.replace("postgresql://postgres@", f"postgresql://{role}:not@")
            with pytest.raises(FileError) as problem:
                run("SELECT 1", address)
        finally:
            server.execute(f"DROP ROLE {role}")
    assert "*** permitted to log in" in str(problem.value)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT * FROM q", "no such table: q"),
        ("SELECT id, id, name FROM p", "the query has a column twice: 'id'"),
        ("SELECT id FROM p", "no column for title in id"),
    ],
)
def test_problems_of_a_query(run: Run, sqlite: str, query: str, reason: str) -> None:
    with pytest.raises(FileError, match=reason):
        run(query, sqlite)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        *[(Decimal("42.00"), 42), (Decimal("1.299"), 1.299), (None, None), (True, True)],
        *[(date(2026, 11, 20), "2026-11-20"), (b"caf\xc3\xa9", "café"), ([Decimal(1)], [1])],
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ({"a": Decimal("0.5")}, {"a": 0.5}),
    ],
)
def test_values_become_cells(value: object, cell: object) -> None:
    assert to_cell(value) == cell
    assert type(to_cell(value)) is type(cell)


@given(st.decimals(min_value=0, max_value=Decimal("9999999999.99"), places=2))
def test_prices_keep_their_cents(price: Decimal) -> None:
    assert Decimal(str(to_cell(price))).quantize(Decimal("0.01")) == price


# -- the command


@pytest.mark.slow
def test_command_imports_a_query(
    database: str,
    sqlite: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    query = tmp_path / "q.sql"
    query.write_text("SELECT id, name AS headline, price FROM p")
    options = {"from_sql": query, "map": ["headline=title"], "verbosity": 0}
    with pytest.raises(CommandError, match="requires --database URL, or the setting"):
        call_command("import_catalog", **options)
    monkeypatch.setenv("IMPORT_DATABASE_URL", sqlite)
    with pytest.raises(SystemExit) as end:
        call_command("import_catalog", **options, complete=True, errors=tmp_path / "e.csv")
    assert end.value.code == 1
    said = capsys.readouterr()
    assert said.out == ("2 added, 0 updated, 0 unchanged, 2 skipped, 0 marked out of stock\n")
    assert "row 3 (2): the SKU is already on row 2" in said.err
    assert (tmp_path / "e.csv").read_text().startswith("row,sku,kind,reason\n3,2,skipped,")
    assert set(products()) == {"1", "2"}


@pytest.mark.slow
def test_rows_before_an_error_are_imported(
    database: str, sqlite: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    query = tmp_path / "q.sql"
    query.write_text(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1600)"
        " SELECT n AS sku, CASE WHEN n < 1500 THEN 'Thing' ELSE abs(-9223372036854775807 - 1) END"
        " AS title FROM n"
    )
    with pytest.raises(
        CommandError, match=r"after 1\d\d\d rows: the database .*: integer overflow"
    ):
        call_command("import_catalog", from_sql=query, database=sqlite, complete=True, verbosity=0)
    assert len(products()) >= 1000
