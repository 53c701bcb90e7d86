"""The regular price of a product that is sold for less.

Revision 0025, after 0024; 2026-11-27
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("product", sa.Column("regular_price", sa.Numeric(12, 2), nullable=True))
    op.create_check_constraint(op.f("product_regular_price_check"), "product", "regular_price >= 0")


def downgrade() -> None:
    op.drop_column("product", "regular_price")
