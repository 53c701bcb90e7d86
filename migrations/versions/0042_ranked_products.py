"""How many products searches of each kind rank, as an admin sets it.

Revision 0042, after 0041; 2026-11-27
"""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("search_weights", sa.Column("products", sa.Integer(), nullable=True))
    op.create_check_constraint(
        op.f("search_weights_products_check"), "search_weights", "products BETWEEN 1 AND 1000"
    )


def downgrade() -> None:
    op.drop_column("search_weights", "products")
