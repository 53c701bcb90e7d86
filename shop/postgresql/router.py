"""Where Django reads the catalogue: from the replica in functions that read from it."""

from typing import Any

from catalog.db.replica import is_reading_replica
from shop.postgresql.base import REPLICA


class ReplicaRouter:
    """Writes, and all tables of Django itself, are of the primary."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        """The connection to read `model` with; None for the default one."""
        if is_reading_replica() and model._meta.app_label == "shop":
            return REPLICA
        return None

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        """A replica has what its primary has."""
        return False if db == REPLICA else None
