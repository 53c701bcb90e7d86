"""`manage.py check` reports problems of the configuration and the database."""

from pathlib import Path

import pytest
from alembic import command

from catalog.db.connection import DatabaseError, connect
from catalog.sqlapi.defaults import set_defaults
from shop import checks
from tests.conftest import alembic_config, using_database


def test_valid_installation_has_no_messages(database: str) -> None:
    with connect() as connection:  # a clone of a database lacks its settings
        set_defaults(connection)
    assert checks.check_models() == []
    assert checks.check_database(databases=["default"]) == []


def test_unknown_model_is_reported_with_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELS", "fashion,nope")
    (error,) = checks.check_models()
    assert error.id == "shop.E001"
    assert "'nope'" in error.msg
    assert "imagenet" in error.msg


def test_problems_of_the_registry_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDDING_REGISTRY", "/nowhere")
    (error,) = checks.check_models()
    assert error.id == "shop.E002"
    assert error.hint == "Create the folder, or remove it from EMBEDDING_REGISTRY."
    monkeypatch.delenv("EMBEDDING_REGISTRY")
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry" / "wrong.toml").write_text("name =")
    (error,) = checks.check_models()
    assert error.id == "shop.E002"
    assert "wrong.toml" in error.msg
    assert error.hint == "Fix or delete the file."


def test_missing_tables_are_reported(database: str) -> None:
    command.downgrade(alembic_config(), "base")
    (warning,) = checks.check_database(databases=["default"])
    assert warning.id == "shop.W004"
    assert "product_image" in warning.msg
    assert "./manage.py migrate" in str(warning.hint)


def test_old_pgvector_is_an_error(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_old(connection: object) -> None:
        raise DatabaseError("pgvector 0.7.0 is too old")

    monkeypatch.setattr(checks, "require_pgvector", too_old)
    (error,) = checks.check_database(databases=["default"])
    assert error.id == "shop.E003"


def test_unreachable_database_is_an_error() -> None:
    with using_database("postgresql://user:secret@127.0.0.1:1/none"):
        (error,) = checks.check_database(databases=["default"])
    assert error.id == "shop.E003"
    assert "127.0.0.1:1 does not answer" in error.msg
    assert "secret" not in error.msg
