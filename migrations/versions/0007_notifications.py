"""Word of products that change only where what is embedded does: not of every sale.

Revision 0007, after 0006; 2026-11-21
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

WATCHED = {"product": "document_md5", "product_image": "sha256"}
EVERY_STATEMENT = """
CREATE TRIGGER notify_search AFTER INSERT OR UPDATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION notify_search()
"""
NEW_ROWS = """
CREATE TRIGGER notify_search AFTER INSERT ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION notify_search()
"""
CHANGED_ROWS = """
CREATE TRIGGER notify_search_changed AFTER UPDATE ON {table}
FOR EACH ROW WHEN (OLD.{source} IS DISTINCT FROM NEW.{source})
EXECUTE FUNCTION notify_search()
"""


def upgrade() -> None:
    for table, source in WATCHED.items():
        op.execute(f"DROP TRIGGER notify_search ON {table}")
        op.execute(NEW_ROWS.format(table=table))
        op.execute(CHANGED_ROWS.format(table=table, source=source))


def downgrade() -> None:
    for table in WATCHED:
        op.execute(f"DROP TRIGGER notify_search_changed ON {table}")
        op.execute(f"DROP TRIGGER notify_search ON {table}")
        op.execute(EVERY_STATEMENT.format(table=table))
