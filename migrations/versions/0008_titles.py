"""A title that is looked for as it stands is found, however common its words.

Revision 0008, after 0007; 2026-11-21
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "product_lower_title_idx",
        "product",
        [sa.literal_column("lower(title)")],
        postgresql_using="hash",
    )


def downgrade() -> None:
    op.drop_index("product_lower_title_idx", "product")
