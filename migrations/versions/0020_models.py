"""The table `model`, with a row for each model that has tables.

The numbers 0010 to 0019 are not used: an older drop_model created revisions with them.

Revision 0020, after 0009; 2026-11-26
"""

import sqlalchemy as sa
from alembic import op

from catalog.sqlapi.objects import drop_named

revision = "0020"
down_revision = "0009"
branch_labels = None
depends_on = None

RECORD = """
INSERT INTO model (name, label, dimensions, modalities)
SELECT name, name, dimensions, array_agg(modality ORDER BY modality DESC)
  FROM (SELECT left(c.relname, -length('_' || kind.modality)) AS name, kind.modality,
               e.atttypmod AS dimensions
          FROM (VALUES ('text', 'source_md5'), ('image', 'source_sha256'))
                   AS kind (modality, source),
               pg_class c
               JOIN pg_attribute e ON e.attrelid = c.oid AND e.attname = 'embedding'
               JOIN pg_attribute s ON s.attrelid = c.oid
         WHERE c.relkind = 'r' AND c.relnamespace = to_regnamespace(current_schema())
           AND right(c.relname, 1 + length(kind.modality)) = '_' || kind.modality AND s.attname = kind.source
           AND e.atttypid = 'halfvec'::regtype AND e.atttypmod > 0) AS found
 GROUP BY name, dimensions
"""


def upgrade() -> None:
    op.create_table(
        "model",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("dimensions", sa.Integer(), nullable=False),
        sa.Column("modalities", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("model_pkey")),
    )
    op.get_bind().exec_driver_sql(RECORD, execution_options={"no_parameters": True})
    drop_named(op.get_bind(), ("statements", "conditions", "readable"))


def downgrade() -> None:
    op.drop_table("model")
