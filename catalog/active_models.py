"""Which models are in use, and which of them is the default.

`MODELS` lists the models of a process; the default is stored in the database, so that all
processes change to another one at the same moment (`catalog.indexing.switch_model`).
"""

from sqlalchemy import Connection

from catalog import config
from embedding.registry import models

DEFAULT_MODEL = "default_model"
"""The row of the table `setting` that names the default model."""


def models_in_use(connection: Connection) -> list[str]:
    """The names of `MODELS` that the registry knows, the default one first."""
    known = models()
    names = [name for name in config.settings().models if name in known]
    chosen = connection.exec_driver_sql(
        "SELECT value FROM setting WHERE name = %(key)s", {"key": DEFAULT_MODEL}
    ).scalar()
    return sorted(names, key=lambda name: name != chosen)


def default_model(connection: Connection) -> str:
    """The name of the model that searches use unless they name another one."""
    return models_in_use(connection)[0]
