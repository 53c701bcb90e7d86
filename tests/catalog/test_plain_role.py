"""Migrations and dumps if the database user is not a superuser, as in the README."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from alembic import command
from psycopg.conninfo import conninfo_to_dict

from catalog.db.connection import connect, forget_engine
from catalog.db.embedded import psql_path
from shop.checks import check_defaults
from tests.conftest import alembic_config, server_url, using_database

pytestmark = pytest.mark.usefixtures("few_synonyms")

FIND = "SELECT title FROM search.products('linen shirt', min_match => 0)"
EMBEDDED = (
    "INSERT INTO product (sku, title) VALUES ('A', 'linen shirt')",
    "INSERT INTO fashion_text SELECT id, array_fill(0.5, ARRAY[384])::halfvec, document_md5"
    " FROM product",
    "INSERT INTO query_embedding (text, model, embedding)"
    " VALUES ('linen shirt', 'fashion', array_fill(0.5, ARRAY[384])::halfvec)",
)


class Databases:
    """Creates databases with pgvector that the role owns, like an administrator."""

    def __init__(self, server: psycopg.Connection, role: str) -> None:
        self.server, self.role, self.names = server, role, list[str]()

    def create(self) -> str:
        """Create a database and return its address for the role."""
        name = f"{self.role}_{len(self.names)}"
        self.server.execute(f"CREATE DATABASE {name} OWNER {self.role}".encode())
        self.names.append(name)
        with psycopg.connect(server_url(name), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION vector")
        return server_url(name).replace("//postgres", f"//{self.role}", 1)


@pytest.fixture
def databases() -> Iterator[Databases]:
    role = f"plain_{os.getpid()}"
    with psycopg.connect(server_url(), autocommit=True) as server:
        server.execute(f"CREATE ROLE {role} LOGIN".encode())
        databases = Databases(server, role)
        yield databases
        for name in databases.names:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
        server.execute(f"DROP ROLE {role}".encode())


@pytest.fixture
def shop(databases: Databases) -> Iterator[str]:
    """The address of a migrated database with one embedded product."""
    with ExitStack() as stack:
        url = stack.enter_context(using_database(databases.create()))
        command.upgrade(alembic_config(), "head")
        with connect() as connection:
            for statement in EMBEDDED:
                connection.exec_driver_sql(statement)
        yield url


def found() -> list[str]:
    with connect() as connection:
        return list(connection.exec_driver_sql(FIND).scalars())


def test_migrations_can_run_again(shop: str) -> None:
    forget_engine()  # the next connection has not loaded pgvector
    command.upgrade(alembic_config(), "head")
    assert found() == ["linen shirt"]


@pytest.mark.process
def test_owner_can_restore_a_dump(shop: str, databases: Databases, tmp_path: Path) -> None:
    dump = tmp_path / "shop.dump"
    run("pg_dump", "--format=custom", "--exclude-schema=search*", f"--file={dump}", shop)
    assert conninfo_to_dict(shop)["user"] == databases.role
    with using_database(databases.create()) as copy:
        left_out = ("--no-owner", "--no-privileges", "--no-comments")
        run("pg_restore", *left_out, f"--dbname={copy}", str(dump))
        command.upgrade(alembic_config(), "head")
        assert found() == ["linen shirt"]


def run(tool: str, *arguments: str) -> None:
    done = subprocess.run([psql_path().parent / tool, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_defaults_for_raw_vectors_are_set_by_the_owner(shop: str) -> None:
    with psycopg.connect(shop) as session:
        assert settings_of(session) == ["strict_order", "200"]


def test_without_the_right_the_statements_are_printed(
    databases: Databases, capsys: pytest.CaptureFixture[str]
) -> None:
    url = databases.create()
    name = conninfo_to_dict(url)["dbname"]
    databases.server.execute(f"ALTER DATABASE {name} OWNER TO postgres".encode())
    with psycopg.connect(server_url(str(name)), autocommit=True) as administrator:
        administrator.execute(f"GRANT ALL ON DATABASE {name} TO {databases.role}".encode())
        administrator.execute(f"GRANT ALL ON SCHEMA public TO {databases.role}".encode())
    with using_database(url):
        command.upgrade(alembic_config(), "head")
        printed = capsys.readouterr().err
        assert f"ALTER DATABASE \"{name}\" SET hnsw.ef_search = '200'" in printed
        with connect() as connection:
            (warning,) = check_defaults(connection)
        assert "SET hnsw.iterative_scan = 'strict_order'" in str(warning.hint)
        with psycopg.connect(server_url(str(name)), autocommit=True) as administrator:
            statements = printed.partition("runs: ")[2].partition("\n")[0]
            administrator.execute(statements.encode())
        with connect() as connection:
            assert check_defaults(connection) == []
    with psycopg.connect(url) as session:
        assert settings_of(session) == ["strict_order", "200"]


def settings_of(session: psycopg.Connection) -> list[str]:
    names = ("hnsw.iterative_scan", "hnsw.ef_search")
    return [session.execute("SELECT current_setting(%s)", [it]).fetchone()[0] for it in names]  # type: ignore[index]
