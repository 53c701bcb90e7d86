"""Settings of the shop as a whole: the default model.

Revision 0005, after 0004; 2026-11-21
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "setting",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="setting_pkey"),
    )


def downgrade() -> None:
    op.drop_table("setting")
