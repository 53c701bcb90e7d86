"""An index to find who has a picture by its path.

Revision 0007, after 0006; 2026-11-21
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("product_image_path_idx", "product_image", ["path"], postgresql_using="hash")


def downgrade() -> None:
    op.drop_index("product_image_path_idx", "product_image")
