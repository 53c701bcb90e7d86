"""The measured recall of the vector indexes.

Revision 0038, after 0037; 2026-11-27
"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "index_recall",
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("modality", sa.Text(), nullable=False),
        sa.Column("recall", sa.Double(), nullable=False),
        sa.Column("nearest", sa.Integer(), nullable=False),
        sa.Column("queries", sa.Integer(), nullable=False),
        sa.Column(
            "measured_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("recall BETWEEN 0 AND 1", name=op.f("index_recall_recall_check")),
        sa.PrimaryKeyConstraint("model", "modality", name=op.f("index_recall_pkey")),
    )


def downgrade() -> None:
    op.drop_table("index_recall")
