"""The verdicts of people on two lists of products for the same query.

Revision 0033, after 0031; 2026-11-27
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "comparison",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("pictures", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("liked", sa.Text(), server_default="", nullable=False),
        sa.Column("filters", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("left_setup", sa.Text(), nullable=False),
        sa.Column("right_setup", sa.Text(), nullable=False),
        sa.Column("left_skus", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("right_skus", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "verdict IN ('left', 'right', 'equal')", name=op.f("comparison_verdict_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("comparison_pkey")),
    )
    op.create_index(op.f("comparison_text_idx"), "comparison", ["text"])


def downgrade() -> None:
    op.drop_table("comparison")
