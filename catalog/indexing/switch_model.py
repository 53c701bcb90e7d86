"""Changes the default model to one that has embedded the whole catalogue."""

from dataclasses import dataclass

from sqlalchemy import Connection

from catalog import config
from catalog.active_models import DEFAULT_MODEL, NEXT_MODEL, require_tables
from catalog.indexing.pending import coverage
from embedding.errors import UserFacingError
from embedding.registry import get_spec


class SwitchError(UserFacingError, ValueError):
    """The model cannot become the default; the message says why."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A modality that a model has not embedded completely, in rows."""

    modality: str
    embedded: int
    total: int

    def __str__(self) -> str:
        return f"{self.modality}: {self.embedded:,} of {self.total:,}"


def require_switchable(connection: Connection, name: str, *, force: bool = False) -> None:
    """Check that `name` can become the default model.

    Raises:
        UnknownModel: the registry has no such model.
        NoTables: the model has no tables.
        SwitchError: the model is not in `MODELS`, or has not embedded everything without `force`.
    """
    get_spec(name)
    if name not in config.settings().models:
        raise SwitchError(f"{name} is not in use: add it to MODELS first")
    require_tables(connection, name)
    if (gaps := find_gaps(connection, name)) and not force:
        missing = "; ".join(map(str, gaps))
        raise SwitchError(f"{name} has not embedded everything ({missing}): run embed_catalog")


def set_default_model(connection: Connection, name: str, *, force: bool = False) -> None:
    """Make `name` the default model of all processes, from the end of this transaction on.

    A planned switch is done, or overtaken.

    Raises:
        UnknownModel, NoTables, SwitchError: see `require_switchable`.
    """
    require_switchable(connection, name, force=force)
    connection.exec_driver_sql(
        "INSERT INTO setting (name, value) VALUES (%(key)s, %(name)s)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        {"key": DEFAULT_MODEL, "name": name},
    )
    connection.exec_driver_sql("DELETE FROM setting WHERE name = %(key)s", {"key": NEXT_MODEL})


def find_gaps(connection: Connection, name: str) -> list[Gap]:
    """The modalities that the model has not embedded completely; failed rows do not count."""
    gaps = []
    spec = get_spec(name)
    for modality in spec.modalities:
        state = coverage(connection, spec.owner(modality), modality)
        if state.pending:
            gaps.append(Gap(modality, state.embedded, state.total))
    return gaps
