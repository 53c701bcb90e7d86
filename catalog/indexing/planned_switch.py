"""A change of the default model that a worker makes, after it has embedded the stored queries.

The row `next_model` of the table `setting` names the model. `manage.py set_default_model` does the
same while an admin waits.
"""

from collections.abc import Callable
from typing import Literal

from sqlalchemy import Connection

from catalog.active_models import NEXT_MODEL
from catalog.db.connection import connect
from catalog.indexing.embed_queries import MAX_QUERIES, embed_queries, missing_queries
from catalog.indexing.requests import WAKE
from catalog.indexing.switch_model import require_switchable, set_default_model
from embedding.encoder import Encoder
from embedding.registry import get_spec

BATCH = 64
"""How many queries are embedded before another plan or the end of the worker is noticed."""

Step = Literal["none", "embedded", "switched"]

PLAN = """
INSERT INTO setting (name, value) VALUES (%(key)s, %(name)s)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""


def plan_switch(connection: Connection, name: str) -> None:
    """Let a worker make `name` the default model. An earlier plan is replaced.

    Raises:
        UnknownModel, NoTables, SwitchError: see `require_switchable`.
    """
    require_switchable(connection, name)
    connection.exec_driver_sql(PLAN, {"key": NEXT_MODEL, "name": name})
    connection.exec_driver_sql(WAKE)


def planned_model(connection: Connection, *, lock: bool = False) -> str | None:
    """The model that a worker will make the default one; `lock` keeps the plan until the end of
    the transaction."""
    query = "SELECT value FROM setting WHERE name = %(key)s" + (" FOR UPDATE" if lock else "")
    return connection.exec_driver_sql(query, {"key": NEXT_MODEL}).scalar()


def cancel_switch(connection: Connection) -> None:
    """Keep the default model."""
    connection.exec_driver_sql("DELETE FROM setting WHERE name = %(key)s", {"key": NEXT_MODEL})


def queries_to_embed(connection: Connection, name: str) -> list[str]:
    """The stored queries that must be embedded before the switch, the most frequent ones first."""
    if "text" not in get_spec(name).modalities:
        return []
    return missing_queries(connection, name, MAX_QUERIES)


class PlannedSwitch:
    """Carries out the plan, step by step."""

    def __init__(self) -> None:
        self._model = ""
        self._texts: list[str] = []

    def advance(self, encoder_for: Callable[[str], Encoder]) -> Step:
        """Embed the next `BATCH` stored queries, or change the default model after the last.

        Raises:
            SwitchError: the model has not embedded all products; the next call tries again.
            UnknownModel, NoTables: the model was dropped.
            EncoderError: the model cannot be loaded.
        """
        with connect() as connection:
            name = planned_model(connection) or ""
            if name and name != self._model:
                self._texts = queries_to_embed(connection, name)
        self._model = name
        if not name:
            return "none"
        if self._texts:
            embed_queries(self._texts[:BATCH], encoder_for(name))
            del self._texts[:BATCH]
            return "embedded"
        self._model = ""  # the next call looks for queries that were stored meanwhile
        with connect() as connection:
            if planned_model(connection, lock=True) != name:
                return "none"
            set_default_model(connection, name)
        return "switched"
