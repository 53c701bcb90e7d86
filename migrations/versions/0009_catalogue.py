"""The catalogue.

Equals revisions 0001 to 0009 up to commit 5209407 without the tables of models. A database that they
created is at this revision and keeps the tables of its models.

Revision 0009; 2026-11-26
"""

import sqlalchemy as sa
from alembic import op
from pgvector.sqlalchemy import HALFVEC
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = None
branch_labels = None
depends_on = None


# Notifies workers if the embedded content of a product changes, not on other updates such as prices.
NOTIFY = """
CREATE FUNCTION notify_search() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_notify('search_products', '');
    RETURN NULL;
END
$$
"""
NEW_ROWS = """
CREATE TRIGGER notify_search AFTER INSERT ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION notify_search()
"""
CHANGED_ROWS = """
CREATE TRIGGER notify_search_changed AFTER UPDATE ON {table}
FOR EACH ROW WHEN (OLD.{source} IS DISTINCT FROM NEW.{source})
EXECUTE FUNCTION notify_search()
"""
WATCHED = {"product": "document_md5", "product_image": "sha256"}

DROP_MODELS = """
DO $$
DECLARE
    embeddings regclass;
BEGIN
    FOR embeddings IN
        SELECT DISTINCT c.conrelid FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid
         WHERE c.contype = 'f' AND c.confrelid = 'product'::regclass
           AND a.attname = 'embedding' AND a.atttypid = 'halfvec'::regtype
    LOOP
        EXECUTE format('DROP TABLE %s', embeddings);
    END LOOP;
END
$$
"""


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS vector")
    op.create_table(
        "calibration",
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("quantiles", sa.ARRAY(sa.Double()), nullable=False),
        sa.Column("pairs", sa.BigInteger(), nullable=False),
        sa.Column("products", sa.BigInteger(), nullable=False),
        sa.Column(
            "fitted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("model", "query", "item", name=op.f("calibration_pkey")),
    )
    op.create_table(
        "product",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("brand", sa.Text(), server_default="", nullable=False),
        sa.Column("category", sa.Text(), server_default="", nullable=False),
        sa.Column("subcategory", sa.Text(), server_default="", nullable=False),
        sa.Column("product_type", sa.Text(), server_default="", nullable=False),
        sa.Column("gender", sa.Text(), server_default="", nullable=False),
        sa.Column("colour", sa.Text(), server_default="", nullable=False),
        sa.Column("usage", sa.Text(), server_default="", nullable=False),
        sa.Column("price", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("currency", sa.Text(), server_default="", nullable=False),
        sa.Column("in_stock", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "attributes",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "document",
            sa.Text(),
            sa.Computed(
                "trim(both E' \\n' from title || E'\\n' || trim(colour || ' ' || product_type || ' ' || gender || ' ' || usage) || E'\\n' || brand || E'\\n' || description)",
                persisted=True,
            ),
            nullable=True,
        ),
        sa.Column(
            "document_md5",
            sa.Text(),
            sa.Computed(
                "md5(trim(both E' \\n' from title || E'\\n' || trim(colour || ' ' || product_type || ' ' || gender || ' ' || usage) || E'\\n' || brand || E'\\n' || description))",
                persisted=True,
            ),
            nullable=True,
        ),
        sa.Column(
            "lexemes",
            postgresql.TSVECTOR(),
            sa.Computed(
                "setweight(to_tsvector('english', title || ' ' || brand || ' ' || sku), 'A') || setweight(to_tsvector('english', colour || ' ' || product_type || ' ' || subcategory || ' ' || category || ' ' || gender || ' ' || usage), 'B') || setweight(to_tsvector('english', description), 'C')",
                persisted=True,
            ),
            nullable=True,
        ),
        sa.Column(
            "family",
            sa.Text(),
            sa.Computed(
                "md5(lower(brand) || '|' || lower(product_type) || '|' || lower(gender) || '|' || regexp_replace(regexp_replace(replace(' ' || lower(title) || ' ', ' ' || lower(colour) || ' ', ' '), '\\m(xxs|xs|s|m|l|xl|xxl|xxxl|[0-9]+)\\M', '', 'g'), '[^[:alpha:]]+', ' ', 'g'))",
                persisted=True,
            ),
            nullable=True,
        ),
        sa.CheckConstraint("sku <> ''", name=op.f("product_sku_check")),
        sa.CheckConstraint("title <> ''", name=op.f("product_title_check")),
        sa.CheckConstraint("price >= 0", name=op.f("product_price_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("product_pkey")),
        sa.UniqueConstraint("sku", name=op.f("product_sku_key")),
    )
    op.create_index(op.f("product_brand_price_idx"), "product", ["brand", "price"], unique=False)
    op.create_index(
        op.f("product_category_gender_colour_price_idx"),
        "product",
        ["category", "gender", "colour", "price"],
        unique=False,
    )
    op.create_index(op.f("product_colour_price_idx"), "product", ["colour", "price"], unique=False)
    op.create_index(op.f("product_family_idx"), "product", ["family"], unique=False)
    op.create_index(
        op.f("product_gender_colour_price_idx"),
        "product",
        ["gender", "colour", "price"],
        unique=False,
    )
    op.create_index(op.f("product_in_stock_id_idx"), "product", ["in_stock", "id"], unique=False)
    op.create_index(
        op.f("product_lexemes_idx"), "product", ["lexemes"], unique=False, postgresql_using="gin"
    )
    op.create_index(
        "product_lower_title_idx",
        "product",
        [sa.literal_column("lower(title)")],
        unique=False,
        postgresql_using="hash",
    )
    op.create_index(op.f("product_price_idx"), "product", ["price"], unique=False)
    op.create_index(
        op.f("product_product_type_gender_colour_price_idx"),
        "product",
        ["product_type", "gender", "colour", "price"],
        unique=False,
    )
    op.create_table(
        "query_embedding",
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("embedding", HALFVEC(), nullable=True),
        sa.Column("embedded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "used_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("searches", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("unanswered", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("results", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "text <> '' AND length(text) <= 500", name=op.f("query_embedding_text_check")
        ),
        sa.PrimaryKeyConstraint("text", "model", name=op.f("query_embedding_pkey")),
    )
    op.create_index(
        "query_embedding_requests_idx",
        "query_embedding",
        ["used_at"],
        unique=False,
        postgresql_where=sa.text("embedding IS NULL"),
    )
    op.create_index(
        op.f("query_embedding_used_at_idx"), "query_embedding", ["used_at"], unique=False
    )
    op.create_table(
        "setting",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("setting_pkey")),
    )
    op.create_table(
        "product_image",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["product.id"],
            name=op.f("product_image_product_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("product_image_pkey")),
        sa.UniqueConstraint(
            "product_id", "position", name=op.f("product_image_product_id_position_key")
        ),
    )
    op.create_index(
        "product_image_path_idx", "product_image", ["path"], unique=False, postgresql_using="hash"
    )
    op.create_table(
        "product_variant",
        sa.Column("product_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("leader_id", sa.BigInteger(), nullable=False),
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column(
            "compared_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["leader_id"],
            ["product.id"],
            name=op.f("product_variant_leader_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["product.id"],
            name=op.f("product_variant_product_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("product_id", name=op.f("product_variant_pkey")),
    )
    op.create_index(
        "product_variant_family_idx",
        "product_variant",
        ["family"],
        unique=False,
        postgresql_where=sa.text("product_id = leader_id"),
    )
    op.create_index(
        op.f("product_variant_leader_id_idx"), "product_variant", ["leader_id"], unique=False
    )
    op.create_table(
        "embedding_failure",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("image_id", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "failed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["image_id"],
            ["product_image.id"],
            name=op.f("embedding_failure_image_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["product.id"],
            name=op.f("embedding_failure_product_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("embedding_failure_pkey")),
        sa.UniqueConstraint(
            "model",
            "product_id",
            "image_id",
            name=op.f("embedding_failure_model_product_id_image_id_key"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index(
        op.f("embedding_failure_image_id_idx"), "embedding_failure", ["image_id"], unique=False
    )
    op.create_index(
        op.f("embedding_failure_product_id_idx"), "embedding_failure", ["product_id"], unique=False
    )
    op.create_table(
        "image_address",
        sa.Column("product_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("image_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "status IN ('', 'fetched', 'dead')", name=op.f("image_address_status_check")
        ),
        sa.ForeignKeyConstraint(
            ["image_id"],
            ["product_image.id"],
            name=op.f("image_address_image_id_fkey"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["product.id"],
            name=op.f("image_address_product_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("product_id", "position", name=op.f("image_address_pkey")),
    )
    op.create_index(op.f("image_address_image_id_idx"), "image_address", ["image_id"], unique=False)
    op.create_index(
        "image_address_pending_idx",
        "image_address",
        ["product_id", "position"],
        unique=False,
        postgresql_where=sa.text("status = ''"),
    )
    op.execute(NOTIFY)
    for table, source in WATCHED.items():
        op.execute(NEW_ROWS.format(table=table))
        op.execute(CHANGED_ROWS.format(table=table, source=source))


def downgrade() -> None:
    op.execute(DROP_MODELS)
    for table in (
        "image_address",
        "embedding_failure",
        "product_variant",
        "product_image",
        "setting",
        "query_embedding",
        "product",
        "calibration",
    ):
        op.drop_table(table)
    op.execute("DROP FUNCTION notify_search()")
