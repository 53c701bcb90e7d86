"""Taking a model out of service: a migration that drops its tables and forgets what rests on it."""

from datetime import UTC, datetime
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from catalog import config
from catalog.tables import EMBEDDINGS

MIGRATION = '''"""Drop the model {name}: its embeddings, and what was learnt of them.

Revision {revision}, after {head}; {date}
"""

from alembic import op

revision = "{revision}"
down_revision = "{head}"
branch_labels = None
depends_on = None

TABLES = {tables}
ROWS = ("calibration", "query_embedding", "embedding_failure")


def upgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    for table in ROWS:
        op.execute(f"DELETE FROM {{table}} WHERE model = '{name}'")


def downgrade() -> None:
    raise NotImplementedError(
        "the embeddings are gone: put {name} back into the registry, and make a migration that"
        " creates its tables (alembic revision --autogenerate)"
    )
'''


def write_migration(name: str) -> Path:
    """Write a migration that drops the tables of the model `name`; returns its file.

    Its number follows the newest one's.
    """
    scripts = ScriptDirectory.from_config(Config(toml_file=config.PROJECT / "pyproject.toml"))
    head = str(scripts.get_current_head())
    revision = f"{int(head) + 1:0{len(head)}d}" if head.isdecimal() else f"{head}_drop_{name}"
    tables = tuple(table.name for table in EMBEDDINGS[name].values())
    file = Path(scripts.versions) / f"{revision}_drop_{name}.py"
    date = datetime.now(UTC).date().isoformat()
    file.write_text(
        MIGRATION.format(name=name, revision=revision, head=head, date=date, tables=tables)
    )
    return file
