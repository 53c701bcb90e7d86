"""The models in use, and the default model.

`MODELS` lists the models of a process. The table `model` contains the models that have tables. The
default model is stored in the database, so that all processes switch at the same moment
(`catalog.indexing.switch_model`).
"""

from sqlalchemy import Connection, select

from catalog import config
from catalog.db.connection import DatabaseError, driver_connection
from catalog.tables import MODEL
from embedding.registry import get_spec, models

DEFAULT_MODEL = "default_model"
"""The row of the table `setting` that names the default model."""

NEXT_MODEL = "next_model"
"""The row of the table `setting` that names the model to switch to; see
`catalog.indexing.planned_switch`."""

# This query reads `setting` first, and it is the first query of a search. Schema changes lock
# `setting`, so a search that waits for them holds no other lock.
STORED = """
SELECT model.name, model.name = chosen.value AS is_default
  FROM (SELECT max(value) AS value FROM setting WHERE name = %(key)s) AS chosen CROSS JOIN model
"""


class NoTables(DatabaseError):
    """A model has no tables in this database; the message says how to create them."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the model {name} has no tables: run ./manage.py add_model {name}")


def models_in_use(connection: Connection) -> list[str]:
    """The names of `MODELS` that the registry knows and that have tables, the default one first."""
    rows = driver_connection(connection).execute(STORED, {"key": DEFAULT_MODEL}, prepare=True)
    stored = {name: bool(is_default) for name, is_default in rows}
    names = [name for name in _enabled() if name in stored]
    return sorted(names, key=lambda name: not stored[name])


def default_model(connection: Connection) -> str:
    """The name of the model that searches use unless they name another one.

    Raises:
        NoTables: no model of `MODELS` has tables.
    """
    names = models_in_use(connection)
    if not names:
        raise NoTables(config.settings().models[0])
    return names[0]


def stored_models(connection: Connection) -> list[str]:
    """The names of the models that have tables, in the order in which they were added."""
    query = select(MODEL.c.name).order_by(MODEL.c.created_at, MODEL.c.name)
    return list(connection.execute(query).scalars())


def missing_models(connection: Connection) -> list[str]:
    """The names of `MODELS` that the registry knows and that have no tables."""
    stored = stored_models(connection)
    return [name for name in _enabled() if name not in stored]


def require_tables(connection: Connection, *names: str) -> None:
    """Check that models can be used.

    Raises:
        UnknownModel: a model is not in the registry.
        NoTables: a model has no tables.
    """
    stored = stored_models(connection) if names else []
    for name in names:
        known = get_spec(name).name
        if known not in stored:
            raise NoTables(known)


def _enabled() -> list[str]:
    known = models()
    return [name for name in config.settings().models if name in known]
