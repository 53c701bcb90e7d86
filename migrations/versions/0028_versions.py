"""Versions of embeddings, and a trigger that keeps the time of a product's last change.

Revision 0028, after 0027; 2026-11-27
"""

import sqlalchemy as sa
from alembic import op
from psycopg.sql import SQL, Identifier

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

TABLES = """
SELECT name, modality, name || '_' || modality AS table_name
  FROM model, unnest(modalities) AS modality
"""

# The embeddings of before have an unknown fingerprint, which the next run records.
RECORD = """
INSERT INTO embedding_version (model, modality, started_at)
SELECT name, modality, created_at FROM model, unnest(modalities) AS modality
"""

# The columns of `product` that do not count as its content.
NOT_CONTENT = ["id", "created_at", "updated_at", "lexemes", "exact_keys"]
CONTENT = """
SELECT attname
  FROM pg_attribute
 WHERE attrelid = 'product'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
   AND attname <> ALL (%(others)s)
 ORDER BY attnum
"""

# A statement that sets a later time itself, as the import does, keeps it.
PRODUCT = """
CREATE FUNCTION public.keep_updated_at() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION public.keep_updated_at() IS
    'Sets product.updated_at if an update changes the product and not this time.';

CREATE TRIGGER keep_updated_at BEFORE UPDATE ON product FOR EACH ROW
WHEN (NEW.updated_at <= OLD.updated_at AND ({old}) IS DISTINCT FROM ({new}))
EXECUTE FUNCTION public.keep_updated_at();
"""

# Products that the same transaction has written already are not written again.
PICTURES = """
CREATE FUNCTION public.stamp_products() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE public.product SET updated_at = now()
     WHERE id IN (SELECT product_id FROM changed) AND updated_at < now();
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION public.stamp_products() IS
    'Sets product.updated_at of the products whose pictures have changed.';

CREATE TRIGGER stamp_products_inserted AFTER INSERT ON product_image
REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.stamp_products();
CREATE TRIGGER stamp_products_updated AFTER UPDATE ON product_image
REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.stamp_products();
CREATE TRIGGER stamp_products_deleted AFTER DELETE ON product_image
REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.stamp_products();
"""


def upgrade() -> None:
    connection = op.get_bind()
    op.create_table(
        "embedding_version",
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("modality", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), server_default="1", nullable=False),
        sa.Column("fingerprint", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("model", "modality", name=op.f("embedding_version_pkey")),
    )
    connection.exec_driver_sql(RECORD)
    for row in connection.exec_driver_sql(TABLES).all():
        # A constant default rewrites no rows.
        op.add_column(
            row.table_name,
            sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        )

    columns = connection.exec_driver_sql(CONTENT, {"others": NOT_CONTENT}).scalars().all()
    old, new = (
        SQL(", ").join(Identifier(row, column) for column in columns) for row in ("old", "new")
    )
    for statement in (SQL(PRODUCT).format(old=old, new=new).as_string(), PICTURES):
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def downgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql("DROP FUNCTION public.keep_updated_at() CASCADE")
    connection.exec_driver_sql("DROP FUNCTION public.stamp_products() CASCADE")
    for row in connection.exec_driver_sql(TABLES).all():
        op.drop_column(row.table_name, "version")
    op.drop_table("embedding_version")
