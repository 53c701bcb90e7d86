"""Which models are in use, and which is the default: the setting `MODELS`, and a choice that
is kept in the database, so that all processes change over at the same moment.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from catalog import config
from catalog.filling.pending import coverage
from embedding.registry import get_spec, models

KEY = "default_model"


class ChoiceError(ValueError):
    """The model cannot be the default one; the message says why."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A modality that a model has not embedded all of, in rows."""

    modality: str
    embedded: int
    total: int

    def __str__(self) -> str:
        return f"{self.modality}: {self.embedded:,} of {self.total:,}"


def models_in_use(connection: Connection) -> list[str]:
    """The names of `MODELS` that the registry knows, the default one first."""
    known = models()
    names = [name for name in config.enabled_models() if name in known]
    chosen = connection.exec_driver_sql(
        "SELECT value FROM setting WHERE name = %(key)s", {"key": KEY}
    ).scalar()
    return sorted(names, key=lambda name: name != chosen)


def default_model(connection: Connection) -> str:
    return models_in_use(connection)[0]


def set_default_model(connection: Connection, name: str, *, force: bool = False) -> None:
    """Have all searches that name no model use `name`, from this transaction's end on.

    Raises:
        UnknownModel: the registry has no such model.
        ChoiceError: it is not in `MODELS`, or has not embedded everything, and `force` is not set.
    """
    get_spec(name)
    if name not in config.enabled_models():
        raise ChoiceError(f"{name} is not in use: add it to MODELS first")
    if (gaps := find_gaps(connection, name)) and not force:
        missing = "; ".join(map(str, gaps))
        raise ChoiceError(f"{name} has not embedded everything ({missing}): run embed_catalog")
    connection.exec_driver_sql(
        "INSERT INTO setting (name, value) VALUES (%(key)s, %(name)s)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        {"key": KEY, "name": name},
    )


def find_gaps(connection: Connection, name: str) -> list[Gap]:
    """What the model has still to embed; what could not be embedded is none."""
    gaps = []
    for modality in get_spec(name).modalities:
        state = coverage(connection, name, modality)
        if state.pending:
            gaps.append(Gap(modality, state.embedded, state.total))
    return gaps
