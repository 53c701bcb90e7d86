"""Embeddings of queries, requests for them, and word of products that change.

Revision 0004, after 0003; 2026-11-21
"""

import sqlalchemy as sa
from alembic import op
from pgvector.sqlalchemy import HALFVEC

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

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
TRIGGER = """
CREATE TRIGGER notify_search AFTER INSERT OR UPDATE ON {0}
FOR EACH STATEMENT EXECUTE FUNCTION notify_search()
"""
WATCHED = ("product", "product_image")


def upgrade() -> None:
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
        sa.PrimaryKeyConstraint("text", "model", name="query_embedding_pkey"),
    )
    op.create_index("query_embedding_used_at_idx", "query_embedding", ["used_at"])
    op.create_index(
        "query_embedding_requests_idx",
        "query_embedding",
        ["used_at"],
        postgresql_where=sa.text("embedding IS NULL"),
    )
    op.execute(NOTIFY)
    for table in WATCHED:
        op.execute(TRIGGER.format(table))


def downgrade() -> None:
    for table in WATCHED:
        op.execute(f"DROP TRIGGER notify_search ON {table}")
    op.execute("DROP FUNCTION notify_search()")
    op.drop_table("query_embedding")
