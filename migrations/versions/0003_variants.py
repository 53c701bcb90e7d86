"""What a product was compared by when its variants were looked for.

Revision 0003, after 0002; 2026-11-21
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DELETE FROM product_variant")  # found anew by the next embed_catalog
    op.add_column("product_variant", sa.Column("family", sa.Text(), nullable=False))
    op.add_column("product_variant", sa.Column("model", sa.Text(), nullable=False))
    op.add_column(
        "product_variant",
        sa.Column(
            "compared_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
    )
    op.create_index(
        "product_variant_family_idx",
        "product_variant",
        ["family"],
        postgresql_where=sa.text("product_id = leader_id"),
    )


def downgrade() -> None:
    op.drop_index("product_variant_family_idx", "product_variant")
    op.drop_column("product_variant", "compared_at")
    op.drop_column("product_variant", "model")
    op.drop_column("product_variant", "family")
