"""Calibration of the models' similarities, and what variants of a product share.

Revision 0002, after 0001; 2026-11-21
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

FAMILY = (
    "md5(lower(brand) || '|' || lower(product_type) || '|' || lower(gender) || '|'"
    " || regexp_replace(regexp_replace(replace(' ' || lower(title) || ' ',"
    " ' ' || lower(colour) || ' ', ' '),"
    " '\\m(xxs|xs|s|m|l|xl|xxl|xxxl|[0-9]+)\\M', '', 'g'), '[^[:alpha:]]+', ' ', 'g'))"
)


def upgrade() -> None:
    op.create_table(
        "calibration",
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("quantiles", sa.ARRAY(sa.Double()), nullable=False),
        sa.Column("pairs", sa.BigInteger(), nullable=False),
        sa.Column("products", sa.BigInteger(), nullable=False),
        sa.Column(
            "fitted_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("model", "query", "item", name="calibration_pkey"),
    )
    op.add_column(
        "product",
        sa.Column("family", sa.Text(), sa.Computed(FAMILY, persisted=True), nullable=True),
    )
    op.create_index("product_family_idx", "product", ["family"])
    op.create_table(
        "product_variant",
        sa.Column("product_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("leader_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["product.id"],
            name="product_variant_product_id_fkey",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["leader_id"],
            ["product.id"],
            name="product_variant_leader_id_fkey",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("product_id", name="product_variant_pkey"),
    )
    op.create_index("product_variant_leader_id_idx", "product_variant", ["leader_id"])


def downgrade() -> None:
    op.drop_table("product_variant")
    op.drop_column("product", "family")
    op.drop_table("calibration")
