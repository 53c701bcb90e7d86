"""Pictures by address.

Revision 0006, after 0005; 2026-11-21
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
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
            ["product_id"],
            ["product.id"],
            name="image_address_product_id_fkey",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["image_id"],
            ["product_image.id"],
            name="image_address_image_id_fkey",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("product_id", "position", name="image_address_pkey"),
    )
    op.create_index("image_address_image_id_idx", "image_address", ["image_id"])
    op.create_index(
        "image_address_pending_idx",
        "image_address",
        ["product_id", "position"],
        postgresql_where=sa.text("status = ''"),
    )


def downgrade() -> None:
    op.drop_table("image_address")
