"""What shoppers search for, apart from the embeddings of queries.

Revision 0027, after 0025; 2026-11-27
"""

import sqlalchemy as sa
from alembic import op

from catalog.sqlapi.objects import drop_named

revision = "0027"
down_revision = "0025"
branch_labels = None
depends_on = None

# Each model counted the same searches.
COPY = """
INSERT INTO query_log (text, day, searches, unanswered, results, searched_at)
SELECT text, max(used_at)::date, max(searches), max(unanswered),
       coalesce((array_agg(results ORDER BY used_at DESC) FILTER (WHERE results IS NOT NULL))[1], 0),
       max(used_at)
  FROM query_embedding
 WHERE searches > 0
 GROUP BY text
"""
COPY_BACK = """
UPDATE query_embedding q
   SET searches = l.searches, unanswered = l.unanswered, results = l.results
  FROM (SELECT text, sum(searches) AS searches, sum(unanswered) AS unanswered,
               (array_agg(results ORDER BY searched_at DESC))[1] AS results
          FROM query_log
         GROUP BY text) AS l
 WHERE l.text = q.text
"""


def upgrade() -> None:
    op.create_table(
        "query_log",
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("misspelt", sa.Text(), server_default="", nullable=False),
        sa.Column("day", sa.Date(), server_default=sa.text("CURRENT_DATE"), nullable=False),
        sa.Column("searches", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("unanswered", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("results", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "searched_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "key", sa.Text(), sa.Computed("public.fold_text(text)", persisted=True), nullable=True
        ),
        sa.CheckConstraint("text <> '' AND length(text) <= 500", name=op.f("query_log_text_check")),
        sa.PrimaryKeyConstraint("text", "misspelt", "day", name=op.f("query_log_pkey")),
    )
    op.create_index(op.f("query_log_key_idx"), "query_log", ["key"])
    op.create_index(op.f("query_log_day_idx"), "query_log", ["day"])
    op.execute(COPY)
    drop_named(op.get_bind(), ("popular_queries", "unanswered_queries"))
    for name in ("searches", "unanswered", "results"):
        op.drop_column("query_embedding", name)
    op.add_column(
        "query_embedding",
        sa.Column("requested_by", sa.Text(), server_default="", nullable=False),
    )


def downgrade() -> None:
    op.drop_column("query_embedding", "requested_by")
    for name in ("searches", "unanswered"):
        op.add_column(
            "query_embedding",
            sa.Column(name, sa.BigInteger(), server_default="0", nullable=False),
        )
    op.add_column("query_embedding", sa.Column("results", sa.BigInteger()))
    op.execute(COPY_BACK)
    op.drop_table("query_log")
