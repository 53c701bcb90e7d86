"""Database objects derived from the tables, made anew after every migration.

They hold nothing that the tables do not, so that nothing is lost by dropping them first; a table
can then change under them without a migration that names each of them. The view over all models
is composed here, the others stand in `catalog/sqlapi/sql`, one a file.
"""

from collections.abc import Container
from hashlib import md5
from pathlib import Path

from sqlalchemy import Connection, Select, and_, inspect, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateSchema

from catalog.sqlapi.rendered import compositions
from catalog.tables import EMBEDDINGS, PRODUCT, PRODUCT_IMAGE, metadata

SCHEMA = "search"
SQL = Path(__file__).parent / "sql"
VOCABULARY_KEY = f"{SCHEMA}.vocabulary_word_key"
OBJECTS = {
    "match": "FUNCTION",
    "vocabulary": "MATERIALIZED VIEW",
    "terms": "FUNCTION",
    "quantiles": "FUNCTION",
    "interpolate": "FUNCTION",
    "hit": "TYPE",
    "fan_out": "FUNCTION",
    "tidy": "FUNCTION",
    "find_model": "FUNCTION",
    "embedding": "FUNCTION",
    "request": "FUNCTION",
    "embed": "PROCEDURE",
    "product_embeddings": "FUNCTION",
    "ranked": "FUNCTION",
    "products": "FUNCTION",
    "similar": "FUNCTION",
    "blend": "FUNCTION",
    "recall": "FUNCTION",
    "neighbours": "FUNCTION",
    "duplicates": "FUNCTION",
    "popular_queries": "VIEW",
    "unanswered_queries": "VIEW",
    "price_outliers": "FUNCTION",
    "misfiled": "FUNCTION",
    "gaps": "FUNCTION",
}
"""What `SQL` defines and of which kind; each may stand on those before it, and on the views of
`catalog.sqlapi.rendered`."""

PRODUCT_COLUMNS = [
    column for column in PRODUCT.columns if column.name not in ("document", "lexemes")
]


def product_vectors() -> Select:
    """Each product with its embeddings of all models side by side: `fashion_text`, `fashion_image`.

    The picture is the main one. A column's HNSW index serves `ORDER BY fashion_image <=> …`
    with `WHERE fashion_image IS NOT NULL`, which makes its outer join an inner one.
    """
    product, image = PRODUCT, PRODUCT_IMAGE
    columns = [*PRODUCT_COLUMNS, image.c.path.label("image_path")]
    joined = product.outerjoin(
        image, and_(image.c.product_id == product.c.id, image.c.position == 0)
    )
    for tables in EMBEDDINGS.values():
        for modality, table in tables.items():
            on = (
                table.c.product_id == product.c.id
                if modality == "text"
                else table.c.image_id == image.c.id
            )
            joined = joined.outerjoin(table, on)
            columns.append(table.c.embedding.label(table.name))
    return select(*columns).select_from(joined)


def drop_views(connection: Connection, keep: Container[str] = ()) -> None:
    """Drop every derived object that is there, what stands on others first, but for `keep`."""
    for name, kind in reversed(OBJECTS.items()):
        if name not in keep:
            connection.execute(text(f"DROP {kind} IF EXISTS {SCHEMA}.{name}"))
    for name in ("product_vectors", *compositions()):
        connection.execute(text(f"DROP VIEW IF EXISTS {SCHEMA}.{name}"))


def counted(connection: Connection) -> set[str]:
    """The objects that hold counts of the catalogue, take long to make, and are as they should be:
    the vocabulary, 10 s for 200,000 products, unless its definition has changed since."""
    made = connection.exec_driver_sql(
        f"SELECT obj_description(to_regclass('{VOCABULARY_KEY}'), 'pg_class')"
    ).scalar()
    return {"vocabulary"} if made == _digest("vocabulary") else set()


def create_views(connection: Connection) -> None:
    """Create every derived object that is not there, the vocabulary filled with what the catalogue
    holds."""
    # A function may set `hnsw.…` where the library is loaded; before, superusers alone may say so.
    connection.exec_driver_sql("SELECT '[0]'::halfvec")
    there = counted(connection)
    query = product_vectors().compile(
        dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}
    )
    connection.execute(CreateSchema(SCHEMA, if_not_exists=True))
    comment = "Each product beside its embeddings, one column a model and modality."
    for name, (select_, about) in {
        "product_vectors": (str(query), comment),
        **compositions(),
    }.items():
        _run(connection, f"CREATE VIEW {SCHEMA}.{name} AS {select_}")
        _run(connection, f"COMMENT ON VIEW {SCHEMA}.{name} IS $${about}$$")
    for name in (*OBJECTS, "grants"):
        if name not in there:
            _run(connection, _definition(name))
    _run(connection, f"COMMENT ON INDEX {VOCABULARY_KEY} IS '{_digest('vocabulary')}'")


def has_tables(connection: Connection) -> bool:
    """Whether every table and column that the views read is there, as is so at the head."""
    needed = set(metadata.tables)
    inspector = inspect(connection)
    if not needed <= set(inspector.get_table_names()):
        return False
    columns = {column["name"] for column in inspector.get_columns("product")}
    return {column.name for column in PRODUCT_COLUMNS} <= columns


def _definition(name: str) -> str:
    return (SQL / f"{name}.sql").read_text("utf-8")


def _digest(name: str) -> str:
    return md5(_definition(name).encode(), usedforsecurity=False).hexdigest()


def _run(connection: Connection, sql: str) -> None:
    """As it stands: neither `:` nor `%` means a parameter."""
    connection.exec_driver_sql(sql, execution_options={"no_parameters": True})
