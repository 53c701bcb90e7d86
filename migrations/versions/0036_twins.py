"""Products with the same picture file are compared again, since they are variants now.

Revision 0036, after 0035; 2026-11-27
"""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
UPDATE product_variant SET model = ''
 WHERE leader_id IN (
       SELECT v.leader_id
         FROM (SELECT i.path
                 FROM product_image i
                 JOIN product_variant v USING (product_id)
                WHERE i.position = 0
                GROUP BY i.path
               HAVING count(DISTINCT v.leader_id) > 1) AS twins
         JOIN product_image i ON i.path = twins.path AND i.position = 0
         JOIN product_variant v USING (product_id))"""
    )


def downgrade() -> None:
    """Nothing to undo: groups stay valid."""
