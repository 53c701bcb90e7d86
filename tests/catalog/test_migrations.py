"""The migrations build what `catalog.tables` says, up and down, empty or filled."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import inspect, text

from catalog.db.connection import DatabaseError, connect, require_pgvector
from catalog.tables import PRODUCT, PRODUCT_IMAGE
from tests.conftest import PROJECT, alembic_config

OWN_MODEL = """
name = "tiny_two"
label = "Tiny"
summary = "A model for a test."
loader = "checkpoint"
checkpoint = "example/tiny"
dimensions = 8
modalities = ["text", "image"]
licence = "MIT"
"""


def tables() -> set[str]:
    with connect() as connection:
        return set(inspect(connection).get_table_names())


def test_alembic_sees_no_drift(database: str) -> None:
    """If this fails: `alembic revision --autogenerate -m "what changed"`."""
    command.check(alembic_config())


def test_django_sees_no_drift(database: str) -> None:
    from django.core.management import call_command

    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
    call_command("migrate", check_unapplied=True, verbosity=0)


def test_the_vector_indexes_are_hnsw_by_cosine(database: str) -> None:
    with connect() as connection:
        definitions = connection.exec_driver_sql(
            "SELECT indexdef FROM pg_indexes WHERE indexname LIKE '%%_hnsw'"
        ).scalars()
        found = sorted(definitions)
    assert len(found) == 5
    assert all("USING hnsw (embedding halfvec_cosine_ops)" in definition for definition in found)


def test_a_new_model_is_its_tables_and_indexes_and_nothing_else(
    database: str, tmp_path: Path
) -> None:
    (tmp_path / "tiny.toml").write_text(OWN_MODEL)
    versions = tmp_path / "versions"
    versions.mkdir()
    for revision in (PROJECT / "migrations/versions").glob("*.py"):
        (versions / revision.name).write_text(revision.read_text())
    script = (
        "from alembic import command; from alembic.config import Config\n"
        "config = Config(toml_file='pyproject.toml')\n"
        f"config.set_main_option('version_locations', {str(versions)!r})\n"
        f"command.revision(config, 'tiny', True, version_path={str(versions)!r}, rev_id='tiny')\n"
        "command.upgrade(config, 'head')\n"
        "command.check(config)\n"
        "command.downgrade(config, '-1')\n"
    )
    environment = {**os.environ, "EMBEDDING_REGISTRY": str(tmp_path), "DATABASE_URL": database}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (written,) = versions.glob("tiny_*.py")
    upgrade = written.read_text().split("def upgrade")[1].split("def downgrade")[0]
    operations = re.findall(r"^\s*op\.(\w+)\($", upgrade, re.MULTILINE)
    assert sorted(operations) == 3 * ["create_index"] + 2 * ["create_table"]
    assert "tiny_two_text" in upgrade
    assert "tiny_two_image_embedding_hnsw" in upgrade


def test_down_and_up_again_on_a_filled_database(database: str) -> None:
    with connect() as connection:
        connection.execute(PRODUCT.insert(), [{"sku": "A", "title": "A shirt"}])
        image = {"position": 0, "path": "a.jpg", "sha256": "0", "width": 1, "height": 1}
        connection.execute(PRODUCT_IMAGE.insert(), [{"product_id": 1, **image}])
        connection.execute(
            text("INSERT INTO fashion_text VALUES (1, array_fill(0.5, ARRAY[384])::halfvec, 'x')")
        )
    command.downgrade(alembic_config(), "base")
    assert not tables() & {"product", "product_image", "fashion_text"}
    assert "auth_user" in tables()
    command.upgrade(alembic_config(), "head")
    with connect() as connection:
        assert (
            connection.exec_driver_sql("SELECT count(*) FROM search.product_vectors").scalar() == 0
        )
    command.check(alembic_config())


def test_the_vocabulary_is_counted_anew_only_where_its_definition_changed(database: str) -> None:
    def words() -> list[str]:
        with connect() as connection:
            return list(connection.exec_driver_sql("SELECT word FROM search.vocabulary").scalars())

    with connect() as connection:
        connection.execute(PRODUCT.insert(), [{"sku": "A", "title": "shirt"}])
    command.upgrade(alembic_config(), "head")
    assert words() == []  # the worker and embed_catalog do that, while searches go on
    with connect() as connection:
        connection.exec_driver_sql("COMMENT ON INDEX search.vocabulary_word_key IS 'another'")
    command.upgrade(alembic_config(), "head")
    assert words() == ["shirt"]


def test_the_view_shows_each_product_once_with_all_its_embeddings(database: str) -> None:
    with connect() as connection:
        connection.execute(PRODUCT.insert(), [{"sku": "A", "title": "A shirt"}])
        for position in (0, 1):
            image = {"path": "a.jpg", "sha256": "0", "width": 1, "height": 1}
            row = {"product_id": 1, "position": position, **image}
            connection.execute(PRODUCT_IMAGE.insert(), [row])
        connection.exec_driver_sql(
            "INSERT INTO fashion_image SELECT id, 1, array_fill(id::real, ARRAY[384])::halfvec, 'x'"
            " FROM product_image"
        )
        rows = connection.exec_driver_sql(
            "SELECT sku, fashion_text IS NULL AS no_text, fashion_image::text AS image"
            " FROM search.product_vectors"
        ).all()
    assert len(rows) == 1
    assert rows[0].no_text
    assert rows[0].image.startswith("[1,1,")


def test_the_index_serves_a_search_through_the_view(database: str) -> None:
    with connect() as connection:
        connection.exec_driver_sql("SET LOCAL enable_sort = off")
        plan = connection.exec_driver_sql(
            "EXPLAIN SELECT sku FROM search.product_vectors WHERE fashion_image IS NOT NULL"
            " ORDER BY fashion_image <=> array_fill(0.5, ARRAY[384])::halfvec LIMIT 10"
        ).scalars()
        assert any("fashion_image_embedding_hnsw" in line for line in plan)


@pytest.mark.parametrize(
    ("versions", "message"),
    [
        (None, "has no pgvector"),
        (("0.8.2", "0.8.2"), "pgvector 0.8.2 is too old: 0.8.4"),
        ((None, "0.7.0"), "pgvector 0.7.0 is too old"),
        (("0.8.1", "0.8.5"), "run ALTER EXTENSION vector UPDATE"),
    ],
)
def test_an_old_pgvector_is_refused_in_plain_words(
    database: str, versions: tuple[str | None, str] | None, message: str
) -> None:
    with connect() as connection:
        # A temporary table of that name comes before the system's own.
        connection.exec_driver_sql(
            "CREATE TEMP TABLE pg_available_extensions"
            " (name text, installed_version text, default_version text)"
        )
        connection.exec_driver_sql("SET LOCAL search_path = pg_temp, pg_catalog, public")
        if versions:
            connection.exec_driver_sql(
                "INSERT INTO pg_available_extensions VALUES ('vector', %s, %s)", versions
            )
        with pytest.raises(DatabaseError, match=message):
            require_pgvector(connection)


def test_this_pgvector_is_accepted(database: str) -> None:
    with connect() as connection:
        require_pgvector(connection)
