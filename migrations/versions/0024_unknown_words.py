"""Unknown words of logged queries, and the meanings proposed for them.

Revision 0024, after 0023; 2026-11-27
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "unknown_word",
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("searches", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("unanswered", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "proposals",
            postgresql.JSONB(),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column("dismissed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint(
            "word <> '' AND length(word) <= 100", name=op.f("unknown_word_word_check")
        ),
        sa.PrimaryKeyConstraint("word", name=op.f("unknown_word_pkey")),
    )


def downgrade() -> None:
    op.drop_table("unknown_word")
