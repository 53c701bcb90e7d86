"""Database objects derived from the tables, made anew after every migration.

They hold no data, so that nothing is lost by dropping them first; a table can then change under
them without a migration that names each view.
"""

from sqlalchemy import Connection, Select, and_, inspect, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateSchema

from catalog.tables import EMBEDDINGS, PRODUCT, PRODUCT_IMAGE

SCHEMA = "search"
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
    connection.execute(text(f"DROP VIEW IF EXISTS {SCHEMA}.product_vectors"))


def create_views(connection: Connection) -> None:
    query = product_vectors().compile(
        dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}
    )
    connection.execute(CreateSchema(SCHEMA, if_not_exists=True))
    connection.execute(text(f"CREATE VIEW {SCHEMA}.product_vectors AS {query}"))
    comment = "Each product beside its embeddings, one column a model and modality."
    connection.execute(text(f"COMMENT ON VIEW {SCHEMA}.product_vectors IS '{comment}'"))


def has_tables(connection: Connection) -> bool:
    """Whether every table that the views read is there."""
    needed = {"product", "product_image"}
    needed |= {table.name for tables in EMBEDDINGS.values() for table in tables.values()}
    return needed <= set(inspect(connection).get_table_names())
