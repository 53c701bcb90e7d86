"""The versions of a model's embeddings: those of an earlier version are stale.

A version begins with each rebuild, and when the files of the model or `EMBED_REGIONS` have changed.
The table
`embedding_version` has the number of the current one for each model and modality, and each
embedding has the number of its own. So a rebuild is a state of the database: any later run
continues it. Versions change only under `catalog.db.locks.embedding_lock`, since a run marks what
it writes with the current number.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from sqlalchemy import Connection

from catalog.active_models import stored_models
from catalog.config import settings
from catalog.db.connection import compose
from catalog.db.locks import try_lock_embedding
from catalog.indexing.pending import (
    EVERYTHING,
    FAILED,
    OUTDATED,
    Selection,
    coverage,
    source,
)
from catalog.indexing.reader import FillingError
from catalog.indexing.writer import forget_failures, forget_restored_pictures
from catalog.query_log import forget_embeddings
from catalog.reduction import reduction_digest
from catalog.tables import embedding_table_name
from embedding.fingerprint import LENGTH, finder_fingerprint, fingerprint
from embedding.registry import Modality, ModelSpec, models

KEY = "model = %(model)s AND modality = %(modality)s"

NEXT = f"""
UPDATE embedding_version SET number = number + 1, fingerprint = %(fingerprint)s, started_at = now()
 WHERE {KEY}
"""


class ChangedModel(FillingError):
    """The files of a model are not those that its embeddings were made with."""

    def __init__(self, model: str, modality: Modality) -> None:
        super().__init__(
            f"the {what_changed(model, modality)} have changed since its {modality}s were embedded:"
            f" run ./manage.py embed_catalog --model {model}, which embeds them again"
        )


@dataclass(frozen=True, slots=True)
class Version:
    """The current version; `fingerprint` is empty until something is embedded."""

    number: int
    fingerprint: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do: the number of rows, and why, if not only what is missing or stale."""

    rows: int
    reason: str = ""


def current_version(connection: Connection, model: str, modality: Modality) -> Version:
    """The current version of a model that has tables."""
    row = connection.exec_driver_sql(
        f"SELECT number, fingerprint, started_at FROM embedding_version WHERE {KEY}",
        {"model": model, "modality": modality},
    ).one()
    return Version(*row)


def has_changed(connection: Connection, spec: ModelSpec, modality: Modality) -> bool:
    """Whether the files on this machine are not those of the current version.

    Files that are not here, or were never recorded, count as unchanged.
    """
    recorded = current_version(connection, spec.name, modality).fingerprint
    here = identity(connection, spec, modality)
    return bool(recorded and here) and recorded != here


def identity(connection: Connection, spec: ModelSpec, modality: Modality) -> str:
    """A fingerprint of what the vectors depend on: the model's files, its reduction, and for
    pictures how they are cut. Empty if one of them is not known."""
    parts = [fingerprint(spec, modality)]
    if spec.full_dimensions:
        parts.append(reduction_digest(connection, spec))
    if modality == "image" and settings().embed_regions == "best":
        parts.append(finder_fingerprint())
    if not all(parts):
        return ""
    return parts[0] if len(parts) == 1 else blake2b(" ".join(parts).encode()).hexdigest()[:LENGTH]


def what_changed(model: str, modality: Modality) -> str:
    """What may have changed if `has_changed`, for messages."""
    files = f"files of the model {model}"
    return f"{files} or EMBED_REGIONS" if modality == "image" else files


def is_rebuilding(
    connection: Connection, model: str, modality: Modality, selection: Selection = EVERYTHING
) -> bool:
    """Whether embeddings of an earlier version are left, except for rows that failed."""
    return bool(
        connection.exec_driver_sql(
            f"SELECT EXISTS (SELECT FROM ({source(model, modality)}) AS s"
            f" WHERE {OUTDATED} AND NOT {FAILED}{selection.condition()})",
            {"model": model} | selection.parameters(),
        ).scalar()
    )


def changed_models(connection: Connection) -> Iterator[tuple[str, Modality]]:
    """The models that have tables, and the modalities, whose files have changed."""
    known = models()
    for name in stored_models(connection):
        if name in known:
            for modality in known[name].own_modalities:
                if has_changed(connection, known[name], modality):
                    yield name, modality


def plan(
    connection: Connection,
    spec: ModelSpec,
    modality: Modality,
    *,
    rebuild: bool,
    selection: Selection = EVERYTHING,
) -> Plan:
    """What a run with these options would embed. Pictures whose file was missing are among it once
    it is there."""
    if modality == "image":
        forget_restored_pictures(connection, spec.name)
    state = coverage(connection, spec.name, modality, selection=selection)
    if has_changed(connection, spec, modality):
        changed = what_changed(spec.name, modality)
        return Plan(state.total, f"the {changed} have changed, so everything is stale")
    if not rebuild:
        return Plan(state.pending)
    if not is_rebuilding(connection, spec.name, modality, selection):
        return Plan(state.total)
    started = current_version(connection, spec.name, modality).started_at
    return Plan(state.pending, f"continues the rebuild that was begun at {started:%Y-%m-%d %H:%M}")


def begin_run(
    connection: Connection,
    spec: ModelSpec,
    modality: Modality,
    *,
    rebuild: bool = False,
    renew: bool = False,
    selection: Selection = EVERYTHING,
) -> None:
    """Make stale what a run is to embed; the caller holds the lock of the model and modality.

    Args:
        rebuild: everything selected, unless an earlier rebuild is not finished. Then this run
            continues it.
        renew: everything, if the files of the model have changed.

    Raises:
        ChangedModel: they have changed, and the run is not to renew.
    """
    if has_changed(connection, spec, modality):
        if not renew:
            raise ChangedModel(spec.name, modality)
        _begin_version(connection, spec, modality)
        return
    connection.exec_driver_sql(
        f"UPDATE embedding_version SET fingerprint = %(fingerprint)s WHERE {KEY}"
        " AND fingerprint = '' AND %(fingerprint)s <> ''",
        _key(connection, spec, modality),
    )
    if not rebuild or is_rebuilding(connection, spec.name, modality, selection):
        return
    if selection == EVERYTHING:
        _begin_version(connection, spec, modality)
        return
    make_stale(connection, spec, modality, selection)


def make_stale(
    connection: Connection, spec: ModelSpec, modality: Modality, selection: Selection
) -> None:
    """Have the selected products embedded again, also what has failed."""
    forget_failures(connection, spec.name, modality, selection)
    connection.exec_driver_sql(
        compose("UPDATE {table} AS s SET version = 0 WHERE true", table=_table(spec, modality))
        + selection.condition(),
        selection.parameters(),
    )


def renew_versions(connection: Connection) -> list[tuple[str, Modality]]:
    """Begin a version of each model whose files have changed, unless it is being embedded now.

    Returns the models and modalities.
    """
    known = models()
    renewed = []
    for name, modality in changed_models(connection):
        if try_lock_embedding(connection, name, modality):
            _begin_version(connection, known[name], modality)
            renewed.append((name, modality))
    return renewed


def _begin_version(connection: Connection, spec: ModelSpec, modality: Modality) -> None:
    connection.exec_driver_sql(NEXT, _key(connection, spec, modality))
    forget_failures(connection, spec.name, modality)
    if modality == "text":
        forget_embeddings(connection, spec.name)  # of queries


def _key(connection: Connection, spec: ModelSpec, modality: Modality) -> dict[str, str]:
    found = identity(connection, spec, modality)
    return {"model": spec.name, "modality": modality, "fingerprint": found}


def _table(spec: ModelSpec, modality: Modality) -> str:
    return embedding_table_name(spec.name, modality)
