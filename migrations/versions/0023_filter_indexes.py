"""No B-tree indexes for combinations of filters: the GIN index of the facets serves them.

Revision 0023, after 0022; 2026-11-27
"""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

COLUMNS = (
    ("category", "gender", "colour", "price"),
    ("product_type", "gender", "colour", "price"),
    ("gender", "colour", "price"),
    ("colour", "price"),
    ("brand", "price"),
)


def upgrade() -> None:
    for columns in COLUMNS:
        op.drop_index(op.f(f"product_{'_'.join(columns)}_idx"), "product")


def downgrade() -> None:
    for columns in COLUMNS:
        op.create_index(op.f(f"product_{'_'.join(columns)}_idx"), "product", list(columns))
