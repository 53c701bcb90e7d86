"""Upgrades and downgrades, with and without rows; the result matches `catalog.tables`."""

import tomllib
from itertools import product
from pathlib import Path
from typing import get_args

import pytest
from alembic import command
from alembic.util import CommandError
from sqlalchemy import inspect, text

from catalog.db.connection import DatabaseError, connect
from catalog.db.requirements import require_pgvector
from catalog.search.fusion import WEIGHTS
from catalog.sqlapi.objects import OBJECTS, differences, drop_named
from catalog.tables import PRODUCT, PRODUCT_IMAGE
from embedding.registry import TAKEN, Modality
from tests.conftest import PROJECT, alembic_config

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("few_synonyms")]


def tables() -> set[str]:
    with connect() as connection:
        return set(inspect(connection).get_table_names())


def test_alembic_sees_no_drift(database: str) -> None:
    """If this fails: `alembic revision --autogenerate -m "what changed"`."""
    command.check(alembic_config())


@pytest.mark.usefixtures("few_synonyms", "starter_synonyms")
def test_django_sees_no_drift(database: str) -> None:
    from django.core.management import call_command

    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
    call_command("migrate", check_unapplied=True, verbosity=0)


def test_vector_indexes_are_hnsw_with_cosine(database: str) -> None:
    with connect() as connection:
        definitions = connection.exec_driver_sql(
            "SELECT indexdef FROM pg_indexes WHERE indexname LIKE '%%_hnsw'"
        ).scalars()
        found = sorted(definitions)
    assert len(found) == 5
    assert all("USING hnsw (embedding halfvec_cosine_ops)" in definition for definition in found)


@pytest.mark.process
def test_revision_can_be_created_in_an_installation(database: str, tmp_path: Path) -> None:
    """It needs no development tools, and contains no tables of models."""
    config = alembic_config()
    config.set_main_option("version_locations", f"{PROJECT / 'migrations/versions'}:{tmp_path}")
    config.set_main_option("path_separator", ":")
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["alembic"]
    assert "post_write_hooks" not in settings
    script = command.revision(config, "mine", autogenerate=True, version_path=str(tmp_path))
    assert script is not None
    written = Path(script.path).read_text()  # type: ignore[union-attr]
    assert "op." not in written.split("def upgrade")[1]


def test_downgrade_and_upgrade_with_rows(database: str) -> None:
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


def test_vocabulary_is_rebuilt_only_if_its_definition_changed(database: str) -> None:
    def words() -> list[str]:
        with connect() as connection:
            return list(connection.exec_driver_sql("SELECT word FROM search.vocabulary").scalars())

    with connect() as connection:
        connection.execute(PRODUCT.insert(), [{"sku": "A", "title": "shirt"}])
    command.upgrade(alembic_config(), "head")
    assert words() == []  # the worker and embed_catalog refresh it without blocking searches
    pretend_changed("vocabulary")
    command.upgrade(alembic_config(), "head")
    assert words() == ["shirt"]


def pretend_changed(*names: str) -> None:
    """Mark objects as if another version had created them."""
    with connect() as connection:
        connection.exec_driver_sql(
            "UPDATE search_internal.definition SET digest = '' WHERE name = ANY(%(names)s)",
            {"names": list(names)},
        )
        assert differences(connection) == sorted(names)


def test_model_names_cannot_conflict_with_tables_of_the_catalogue(database: str) -> None:
    pairs = product(tables(), get_args(Modality))
    prefixes = {table.removesuffix(f"_{it}") for table, it in pairs if table.endswith(f"_{it}")}
    assert prefixes == {"fashion", "imagenet", "clip"} | TAKEN


def test_views_of_analysts_are_kept_if_signatures_are(database: str) -> None:
    with connect() as connection:
        connection.exec_driver_sql("CREATE SCHEMA analysis")
        for sql in (
            "CREATE VIEW analysis.found AS SELECT sku FROM search.products('x', min_match => 0)",
            "CREATE VIEW analysis.vectors AS SELECT sku, clip_text FROM search.product_vectors",
            "CREATE VIEW analysis.seen AS SELECT * FROM analysis.vectors, search.coverage",
        ):
            connection.exec_driver_sql(sql)
    everything = [*OBJECTS, "product_vectors", "models", "weights", "coverage", "ranked_by_clip"]
    pretend_changed(*sorted(set(everything) - {"hit", "vocabulary"}))
    command.upgrade(alembic_config(), "head")
    with connect() as connection:
        assert differences(connection) == []
        assert connection.exec_driver_sql("SELECT count(*) FROM analysis.seen").scalar() == 0


def test_only_changed_objects_and_their_dependents_are_dropped(database: str) -> None:
    with connect() as connection:
        connection.exec_driver_sql(
            "CREATE VIEW mine AS SELECT * FROM search.recall('fashion', 'image')"
        )
        connection.exec_driver_sql("CREATE VIEW built AS SELECT * FROM mine")
    pretend_changed("hit")  # the result type of products, similar and blend
    command.upgrade(alembic_config(), "head")
    with connect() as connection:
        connection.exec_driver_sql("SELECT * FROM built")
        assert (
            connection.exec_driver_sql("SELECT count(*) FROM search.gaps(ARRAY[]::text[])").scalar()
            == 0
        )
        connection.exec_driver_sql("CREATE VIEW blocks AS SELECT * FROM search.similar('x')")
    pretend_changed("hit")
    with pytest.raises(CommandError, match=r"^view public\.blocks depends on search\.hit"):
        command.upgrade(alembic_config(), "head")
    with connect() as connection:
        connection.exec_driver_sql("SELECT * FROM built")
        connection.exec_driver_sql("DROP VIEW blocks")
    command.upgrade(alembic_config(), "head")


def test_function_with_an_old_signature_is_dropped(database: str) -> None:
    with connect() as connection:
        drop_named(connection, ["tidy"])
        connection.exec_driver_sql(
            "CREATE FUNCTION search_internal.tidy(query text, older int) RETURNS text"
            " LANGUAGE sql RETURN ''"
        )
    pretend_changed("tidy")
    command.upgrade(alembic_config(), "head")
    with connect() as connection:
        signatures = connection.exec_driver_sql(
            "SELECT oid::regprocedure::text FROM pg_proc WHERE proname = 'tidy'"
        )
        assert signatures.scalars().all() == ["search_internal.tidy(text)"]


def test_ranking_function_with_other_arguments_is_replaced(database: str) -> None:
    with connect() as connection:
        connection.exec_driver_sql("DROP FUNCTION search_internal.ranked_by_fashion")
        connection.exec_driver_sql(
            "CREATE FUNCTION search_internal.ranked_by_fashion(words text) RETURNS text"
            " LANGUAGE sql RETURN ''"
        )
    pretend_changed("ranked_by_fashion")
    command.upgrade(alembic_config(), "head")
    with connect() as connection:
        assert differences(connection) == []
        assert connection.exec_driver_sql(
            "SELECT pronargs > 20 FROM pg_proc WHERE proname = 'ranked_by_fashion'"
        ).scalars().all() == [True]


def test_comments_follow_the_definitions(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PRODUCT.columns["sku"], "comment", "The shop's number: 100 % unique.")
    with connect() as connection:
        assert differences(connection) == ["comments"]
    command.upgrade(alembic_config(), "head")
    with connect() as connection:
        assert differences(connection) == []
        sql = "SELECT col_description('product'::regclass, attnum) FROM pg_attribute WHERE "
        (comment,) = connection.exec_driver_sql(
            f"{sql} attrelid = 'product'::regclass AND attname = 'sku'"
        ).scalars()
    assert comment == "The shop's number: 100 % unique."
    command.check(alembic_config())


def test_helpers_move_to_their_own_schema(database: str) -> None:
    """As in a database of a version whose helpers were in `search`."""
    with connect() as connection:
        connection.exec_driver_sql("CREATE VIEW mine AS SELECT sku FROM search.similar('x')")
        moves = connection.exec_driver_sql(
            "SELECT format('ALTER ROUTINE %%s SET SCHEMA search', oid::regprocedure) FROM pg_proc"
            " WHERE pronamespace = 'search_internal'::regnamespace"
            " UNION ALL SELECT format('ALTER %%s search_internal.%%I SET SCHEMA search',"
            " CASE relkind WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END,"
            " relname) FROM pg_class WHERE relnamespace = 'search_internal'::regnamespace"
            " AND relkind IN ('r', 'm', 'c')"
        ).scalars()
        for move in moves.all():
            connection.exec_driver_sql(move)
        connection.exec_driver_sql("DROP SCHEMA search_internal")
        connection.exec_driver_sql(
            "UPDATE search.definition SET digest = '' WHERE name IN"
            " (SELECT proname FROM pg_proc WHERE pronamespace = 'search'::regnamespace)"
        )
    command.upgrade(alembic_config(), "head")
    with connect() as connection:
        assert differences(connection) == []
        left = connection.exec_driver_sql(
            "SELECT count(*) FILTER (WHERE pronamespace = 'search'::regnamespace),"
            " count(*) FILTER (WHERE pronamespace = 'search_internal'::regnamespace) FROM pg_proc"
        ).one()
        assert left[0] == 16
        assert left[1] >= 30
        connection.exec_driver_sql("SELECT * FROM mine LIMIT 0")


def test_changed_settings_are_reported(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def reported() -> list[str]:
        with connect() as connection:
            return differences(connection)

    assert reported() == []
    monkeypatch.setenv("SEARCH_MINIMUM", "0.9")
    assert reported() == ["weights"]
    monkeypatch.setenv("MODELS", "fashion")
    assert reported() == ["coverage", "models", "weights"]
    command.upgrade(alembic_config(), "head")
    assert reported() == []
    monkeypatch.setitem(WEIGHTS, "words", {**WEIGHTS["words"], "text": 0.9})
    assert reported() == ["weights"]


def test_view_has_each_product_once_with_all_embeddings(database: str) -> None:
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


def test_search_in_the_view_uses_the_index(database: str) -> None:
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
def test_old_pgvector_is_rejected(
    database: str, versions: tuple[str | None, str] | None, message: str
) -> None:
    with connect() as connection:
        # A temporary table with this name hides the system view.
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


def test_installed_pgvector_is_accepted(database: str) -> None:
    with connect() as connection:
        require_pgvector(connection)
