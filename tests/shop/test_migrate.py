"""`manage.py migrate` creates the whole database; --plan and --check change nothing."""

from collections.abc import Iterator

import psycopg
import pytest
from django.core.management import CommandError, call_command

from catalog.tables import metadata
from tests.conftest import fresh_database


@pytest.fixture
def empty() -> Iterator[str]:
    """The address of an empty database."""
    with fresh_database("template1") as url:
        yield url


def tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        return {name for (name,) in connection.execute(query)}


@pytest.mark.usefixtures("few_synonyms")
def test_one_command_creates_everything(empty: str, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("migrate")
    assert {*metadata.tables, "auth_user", "django_session"} <= tables(empty)
    with psycopg.connect(empty) as connection:
        assert connection.execute("SELECT * FROM search.coverage").fetchall()
    assert "Applied to the catalogue:\n  0009 " in capsys.readouterr().out
    call_command("migrate")
    assert "Applied to the catalogue:\n  nothing\n" in capsys.readouterr().out


def test_plan_and_check_change_nothing(empty: str, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("migrate", plan=True)
    assert "Planned for the catalogue:\n  0009 " in capsys.readouterr().out
    assert tables(empty) == set()
    with pytest.raises(SystemExit) as end:
        call_command("migrate", check_unapplied=True)
    assert end.value.code == 1
    assert "Planned for the catalogue:\n  0009 " in capsys.readouterr().out
    assert tables(empty) == set()


@pytest.mark.usefixtures("few_synonyms")
def test_check_finds_pending_migrations_of_both(empty: str) -> None:
    call_command("migrate", "auth", verbosity=0)
    call_command("migrate", "sessions", verbosity=0)
    call_command("migrate", "admin", verbosity=0)
    assert "product" not in tables(empty), "with an app label, only Django's tables are created"
    with pytest.raises(SystemExit) as found:  # the catalogue's tables are missing
        call_command("migrate", check_unapplied=True, verbosity=0)
    assert found.value.code == 1
    call_command("migrate", verbosity=0)
    call_command("migrate", check_unapplied=True, verbosity=0)
    call_command("migrate", "sessions", "zero", verbosity=0)
    assert "product" in tables(empty)
    with pytest.raises(SystemExit):  # Django's tables are missing
        call_command("migrate", check_unapplied=True, verbosity=0)


@pytest.mark.usefixtures("few_synonyms")
def test_newer_database_is_rejected(empty: str) -> None:
    call_command("migrate", verbosity=0)
    with psycopg.connect(empty) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'future'")
    with pytest.raises(CommandError, match="database is newer") as refused:
        call_command("migrate", verbosity=0)
    assert refused.value.returncode == 2


def test_database_without_pgvector_is_reported_in_one_line(
    empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.db.requirements.PGVECTOR_NEEDED", (99,))
    with pytest.raises(CommandError, match="is too old: 99 or newer") as refused:
        call_command("migrate", verbosity=0)
    assert refused.value.returncode == 2
    assert tables(empty) == set()


@pytest.mark.usefixtures("few_synonyms", "starter_synonyms")
def test_check_finds_models_without_tables_and_changed_sql(
    database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("migrate", check_unapplied=True)
    with psycopg.connect(database) as connection:
        connection.execute("DELETE FROM model WHERE name = 'imagenet'")
        connection.execute(
            "UPDATE search_internal.definition SET digest = '' WHERE name = 'products'"
        )
        connection.execute("DELETE FROM synonym WHERE phrase = 'Turnschuhe'")
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        call_command("migrate", check_unapplied=True)
    assert end.value.code == 1
    printed = capsys.readouterr().out
    assert "tables of the model imagenet" in printed
    assert "SQL functions and views:" in printed
    assert "starter synonyms: 1 added, 0 changed, 0 removed" in printed
    assert "products" in printed
