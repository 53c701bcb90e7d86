"""The comments on tables and columns, from their definitions in `catalog.tables`.

They are no migrations: `migrate` writes them where they have changed.
"""

from collections.abc import Iterable, Iterator

from psycopg.sql import SQL, Composed, Identifier, Literal
from sqlalchemy import Table

from catalog.sqlapi.rendered import StoredModel
from catalog.tables import embedding_table, metadata, signs_table


def comments(models: Iterable[StoredModel]) -> Composed:
    """The statements for all tables of the catalogue and of the models."""
    own = [metadata.tables[name] for name in sorted(metadata.tables)]
    others = [
        table(it.name, modality)
        for table in (embedding_table, signs_table)
        for it in models
        for modality in it.modalities
        if it.owner(modality) == it.name
    ]
    return SQL(";\n").join(it for table in (*own, *others) for it in _on_table(table))


def _on_table(table: Table) -> Iterator[Composed]:
    yield SQL("COMMENT ON TABLE {} IS {}").format(Identifier(table.name), Literal(table.comment))
    for column in table.columns:
        yield SQL("COMMENT ON COLUMN {} IS {}").format(
            Identifier(table.name, column.name), Literal(column.comment)
        )
