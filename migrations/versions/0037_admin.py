"""What the admin shows and edits: weights of the signals, running workers, times of searches.

Revision 0037, after 0036; 2026-11-27
"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "search_weights",
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("structure", sa.Double(), nullable=False),
        sa.Column("lexical", sa.Double(), nullable=False),
        sa.Column("text", sa.Double(), nullable=False),
        sa.Column("image", sa.Double(), nullable=False),
        sa.Column("min_match", sa.Double(), nullable=True),
        sa.CheckConstraint(
            "query IN ('words', 'both', 'picture', 'product')",
            name=op.f("search_weights_query_check"),
        ),
        sa.CheckConstraint(
            "structure BETWEEN 0 AND 1 AND lexical BETWEEN 0 AND 1 AND text BETWEEN 0 AND 1"
            " AND image BETWEEN 0 AND 1 AND structure + lexical + text + image > 0",
            name=op.f("search_weights_weights_check"),
        ),
        sa.CheckConstraint(
            "min_match BETWEEN 0 AND 1", name=op.f("search_weights_min_match_check")
        ),
        sa.PrimaryKeyConstraint("query", name=op.f("search_weights_pkey")),
    )
    now = sa.text("now()")
    op.create_table(
        "worker_sign",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("worker_sign_pkey")),
    )
    for name in ("total_ms", "slowest_ms"):
        op.add_column(
            "query_log", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)
        )


def downgrade() -> None:
    for name in ("total_ms", "slowest_ms"):
        op.drop_column("query_log", name)
    op.drop_table("worker_sign")
    op.drop_table("search_weights")
