"""Reduced and binary embeddings, and models that share pictures.

Revision 0031, after 0028; 2026-11-27
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("model", sa.Column("pictures", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "model", sa.Column("binary", sa.Boolean(), server_default="false", nullable=False)
    )
    op.create_table(
        "reduction",
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("dimensions", sa.Integer(), nullable=False),
        sa.Column("components", sa.LargeBinary(), nullable=False),
        sa.Column("vectors", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "fitted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("model", name=op.f("reduction_pkey")),
    )


def downgrade() -> None:
    op.drop_table("reduction")
    op.drop_column("model", "binary")
    op.drop_column("model", "pictures")
