"""An index to find who has a picture by its path.

Revision 0009, after 0008; 2026-11-21
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("product_image_path_idx", "product_image", ["path"], postgresql_using="hash")


def downgrade() -> None:
    op.drop_index("product_image_path_idx", "product_image")
