"""An index of the words of titles and attributes, for suggestions while a shopper types.

`product_lexemes_idx` also has the words of descriptions, so a word that many descriptions contain
would need a look at each of their products.

Revision 0035, after 0034; 2026-11-27
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "product_field_words_idx",
        "product",
        [sa.literal_column("ts_filter(lexemes, '{a,b}'::\"char\"[])")],
        postgresql_using="gin",
    )


def downgrade() -> None:
    op.drop_index("product_field_words_idx", table_name="product")
