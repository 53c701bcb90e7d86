"""A full notification queue does not fail changes of products.

Everybody who can connect can fill the queue, and PostgreSQL then rejects transactions that notify.
Workers also look for work on their own, every few seconds.

Revision 0034, after 0033; 2026-11-27
"""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

NOTIFY = """
CREATE OR REPLACE FUNCTION notify_search() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    {condition}PERFORM pg_notify('search_products', '');{end}
    RETURN NULL;
END
$$
"""


def upgrade() -> None:
    op.execute(
        NOTIFY.format(condition="IF pg_notification_queue_usage() < 0.5 THEN ", end=" END IF;")
    )


def downgrade() -> None:
    op.execute(NOTIFY.format(condition="", end=""))
