"""Databases that the shop cannot use as they are: each entrance says why in one line.

pgvector may be in a schema of its own, as hosted services install it.
"""

import os
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.test import Client, RequestFactory, override_settings
from django.views.debug import ExceptionReporter

from catalog.db.connection import DatabaseError, connect, connection_parameters, forget_engine
from catalog.model_tables import add_model, drop_model
from catalog.sqlapi.objects import differences
from embedding.registry import get_spec
from tests.conftest import fresh_database, server_url
from tests.processes import run_python

SUPABASE = (
    "CREATE SCHEMA extensions",
    "CREATE EXTENSION vector SCHEMA extensions",
    """DO $$ BEGIN EXECUTE format(
        'ALTER DATABASE %I SET search_path = "$user", public, extensions', current_database());
    END $$""",
)
SECRET = "p@ss/w#rd"
UNREACHABLE = "postgresql://shop:h1dden%40word@127.0.0.1:1/shop"
ENTRANCES = (
    ["manage.py", "migrate"],
    ["manage.py", "serve", "--port", "1"],
    ["manage.py", "embedding_worker"],
    ["manage.py", "embed_catalog", "--traceback"],
    ["manage.py", "dbshell"],
    ["manage.py", "createsuperuser", "--traceback"],
    ["-m", "alembic", "upgrade", "head"],
)


@pytest.fixture
def empty() -> Iterator[str]:
    """The address of an empty database."""
    with fresh_database("template1") as url:
        yield url


def run_sql(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())
    forget_engine()


def enter(entrance: list[str], url: str) -> subprocess.CompletedProcess[str]:
    return run_python(*entrance, DATABASE_URL=url)


@pytest.mark.slow
@pytest.mark.usefixtures("few_synonyms")
def test_pgvector_can_be_in_a_schema_of_its_own(empty: str) -> None:
    run_sql(empty, *SUPABASE)
    call_command("migrate", verbosity=0)
    vector = "array_fill(0.5, ARRAY[384])::halfvec"
    with connect() as connection:
        assert differences(connection) == []
        for statement in (
            "INSERT INTO product (sku, title) VALUES ('A', 'linen shirt'), ('B', 'hat')",
            f"INSERT INTO fashion_text SELECT id, {vector}, document_md5 FROM product",
            "INSERT INTO query_embedding (text, model, embedding)"
            f" VALUES ('linen shirt', 'fashion', {vector})",
        ):
            connection.exec_driver_sql(statement)
    with connect() as connection:
        connection.exec_driver_sql("SET LOCAL ROLE analyst")
        for call in (
            "search.products('linen shirt', min_match => 0)",
            "search.similar('A', min_match => 0)",
            "search.blend('A', 'linen shirt', min_match => 0)",
            "search.duplicates('fashion')",
            "search.recall('fashion', 'text')",
            "search.nearest(search.embedding('linen shirt'), 5, 'fashion', 'text')",
            "(SELECT search.embedding('linen shirt')) AS e",
            "(SELECT search.request('a hat')) AS r",
            "search.product_vectors WHERE fashion_text IS NOT NULL",
        ):
            connection.exec_driver_sql(f"SELECT * FROM {call}").all()
        nearest = "ORDER BY fashion_text <=> search.embedding('linen shirt')"
        assert connection.exec_driver_sql(
            f"SELECT sku FROM search.product_vectors WHERE fashion_text IS NOT NULL {nearest}"
        ).all()
    with connect() as connection:
        add_model(connection, get_spec("clip"))
        drop_model(connection, "clip")
    page = Client(headers={"host": "localhost"}).get("/?q=linen+shirt")
    assert page.status_code == 200
    assert "linen shirt" in page.content.decode()


@pytest.mark.slow
@pytest.mark.usefixtures("few_synonyms")
def test_sql_functions_follow_pgvector_into_another_schema(database: str) -> None:
    run_sql(database, "CREATE SCHEMA extensions", "ALTER EXTENSION vector SET SCHEMA extensions")
    run_sql(database, SUPABASE[-1])
    with connect() as connection:
        assert "products" in differences(connection)
    call_command("migrate", verbosity=0)
    with connect() as connection:
        assert differences(connection) == []
        paths = connection.exec_driver_sql(
            "SELECT proname, setting FROM pg_proc, unnest(proconfig) AS setting"
            " WHERE pronamespace = 'search'::regnamespace AND setting LIKE 'search_path=%%'"
        ).all()
    assert {path for name, path in paths if name == "request"} == {"search_path=public, pg_temp"}
    assert {path for name, path in paths if name == "products"} == {
        "search_path=public, extensions, pg_temp"
    }


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        (
            SUPABASE[:2],
            "pgvector is in the schema extensions, where this user does not find it: run"
            " ALTER DATABASE .* SET search_path = public, extensions;",
        ),
        (
            (*SUPABASE, "GRANT CREATE ON SCHEMA extensions TO PUBLIC"),
            "run REVOKE CREATE ON SCHEMA extensions FROM PUBLIC",
        ),
        (
            ("CREATE SCHEMA shop", SUPABASE[-1].replace('"$user"', "shop")),
            "the catalogue must be in the schema public, but search_path leads to shop first",
        ),
        (
            (SUPABASE[-1].replace('"$user", public, extensions', "nowhere"),),
            "search_path leads to no schema first",
        ),
    ],
)
def test_schemas_that_cannot_be_used_are_explained_in_one_line(
    empty: str, statements: tuple[str, ...], message: str
) -> None:
    run_sql(empty, *statements)
    with pytest.raises(CommandError, match=message) as refused:
        call_command("migrate", verbosity=0)
    assert refused.value.returncode == 2
    assert "\n" not in str(refused.value)


@pytest.mark.process
@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_other_encodings_are_refused_in_one_line(encoding: str) -> None:
    name = f"encoding_{os.getpid()}"
    with psycopg.connect(server_url(), autocommit=True) as server:
        server.execute(
            f"CREATE DATABASE {name} ENCODING {encoding} LOCALE 'C' TEMPLATE template0".encode()
        )
        try:
            for entrance in ENTRANCES:
                if "dbshell" in entrance or "createsuperuser" in entrance:
                    continue  # they need no catalogue
                done = enter(entrance, server_url(name))
                written = done.stdout + done.stderr
                assert done.returncode != 0, entrance
                # Alembic divides its line at the width of the terminal.
                assert f"has the encoding {encoding}, which" in " ".join(written.split()), written
                assert "ENCODING 'UTF8'" in written
                assert "--traceback" in entrance or "Traceback" not in written, entrance
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.mark.process
@pytest.mark.parametrize("entrance", ENTRANCES, ids=lambda entrance: " ".join(entrance))
def test_an_unescaped_password_is_explained_and_never_shown(entrance: list[str]) -> None:
    done = enter(entrance, f"postgresql://shop:{SECRET}@localhost/shop")
    assert done.returncode != 0
    written = done.stdout + done.stderr
    assert "DATABASE_URL" in written
    assert "%40" in written
    assert not any(part in written for part in (SECRET, "w#rd", '"ss"', "p@ss"))
    assert "--traceback" in entrance or "Traceback" not in written


@pytest.mark.slow
def test_a_user_without_rights_gets_one_line(empty: str) -> None:
    run_sql(empty, "CREATE ROLE visitor LOGIN")
    try:
        for entrance in (["manage.py", "migrate"], ["-m", "alembic", "upgrade", "head"]):
            done = enter(entrance, empty.replace("//postgres", "//visitor"))
            assert done.returncode != 0
            assert "permission denied" in done.stdout + done.stderr  # Alembic writes to stdout
            assert "Traceback" not in done.stderr
    finally:
        run_sql(empty, "DROP ROLE visitor")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://shop:p@ss@localhost/shop",
        "postgresql://shop:p/ss@localhost/shop",
        "postgresql://shop:p/ss?x@localhost/shop",
        "postgresql://shop:100%@localhost/shop",
        "postgresql://shop:a/b?c=d@localhost/shop",
        "postgresql://shop:a/4@localhost:5432/shop",
        "host=localhost password=two words",
        "mysql://shop:p@localhost/shop",
        "localhost",
    ],
)
def test_no_address(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(DatabaseError, match="DATABASE_URL is not a PostgreSQL address") as refused:
        connection_parameters()
    assert refused.value.__context__ is None, "libpq's message has parts of the password"


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("postgresql://shop:p%40ss%2Fw%23rd@localhost/shop", SECRET),
        ("postgresql://shop:a#b:c@localhost:5432/shop?application_name=a@b/c", "a#b:c"),
        ("postgresql://localhost/shop?password=a@b", "a@b"),
        ("host=localhost port=5432,5433 password='a@b/c d' dbname=x@y", "a@b/c d"),
    ],
)
def test_addresses(url: str, password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    assert connection_parameters()["password"] == password


def test_debug_pages_do_not_show_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", UNREACHABLE)
    request = RequestFactory().get("/", DATABASE_URL=os.environ["DATABASE_URL"])
    try:
        psycopg.connect(**connection_parameters())  # type: ignore[arg-type]
    except psycopg.OperationalError:
        with override_settings(DEBUG=True):
            page = ExceptionReporter(request, *sys.exc_info())
            written = page.get_traceback_html() + page.get_traceback_text()
    assert "OperationalError" in written
    assert "connection_parameters" in written
    assert not any(part in written for part in ("h1dden", "40word", "@word"))
