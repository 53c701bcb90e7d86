"""Database objects derived from the tables, made anew after every migration.

They hold nothing that the tables do not, so that nothing is lost by dropping them first; a table
can then change under them without a migration that names each of them. The view over all models
is composed here, the others stand in `catalog/sql`, one a file.
"""

from pathlib import Path

from sqlalchemy import Connection, Select, and_, inspect, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateSchema

from catalog.tables import EMBEDDINGS, PRODUCT, PRODUCT_IMAGE

SCHEMA = "search"
SQL = Path(__file__).parent / "sql"
OBJECTS = {"match": "FUNCTION", "vocabulary": "MATERIALIZED VIEW", "terms": "FUNCTION"}
"""What `SQL` defines and of which kind; each may stand on those before it."""

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


def drop_views(connection: Connection) -> None:
    """Drop every derived object that is there, what stands on others first."""
    for name, kind in reversed(OBJECTS.items()):
        connection.execute(text(f"DROP {kind} IF EXISTS {SCHEMA}.{name}"))
    connection.execute(text(f"DROP VIEW IF EXISTS {SCHEMA}.product_vectors"))


def create_views(connection: Connection) -> None:
    """Create every derived object, the vocabulary filled with what the catalogue holds."""
    query = product_vectors().compile(
        dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}
    )
    connection.execute(CreateSchema(SCHEMA, if_not_exists=True))
    connection.execute(text(f"CREATE VIEW {SCHEMA}.product_vectors AS {query}"))
    comment = "Each product beside its embeddings, one column a model and modality."
    connection.execute(text(f"COMMENT ON VIEW {SCHEMA}.product_vectors IS '{comment}'"))
    for name in OBJECTS:
        # As it stands: neither `:` nor `%` means a parameter.
        connection.exec_driver_sql(
            (SQL / f"{name}.sql").read_text("utf-8"), execution_options={"no_parameters": True}
        )


def has_tables(connection: Connection) -> bool:
    """Whether every table and column that the views read is there, as is so at the head."""
    needed = {"product", "product_image"}
    needed |= {table.name for tables in EMBEDDINGS.values() for table in tables.values()}
    inspector = inspect(connection)
    if not needed <= set(inspector.get_table_names()):
        return False
    columns = {column["name"] for column in inspector.get_columns("product")}
    return {column.name for column in PRODUCT_COLUMNS} <= columns
