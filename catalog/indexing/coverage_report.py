"""How much of the catalogue each model has embedded, how fast it goes on, and what it occupies."""

import shutil
from dataclasses import dataclass

from sqlalchemy import Connection

from catalog import config
from catalog.active_models import models_in_use, stored_models
from catalog.db.ttl_cache import TtlCache
from catalog.indexing.pending import COUNTS, Coverage, states
from catalog.media.folders import media
from catalog.tables import embedding_table_name, signs_table_name
from embedding.registry import Modality, get_spec, models

RECENT = "10 minutes"
"""The time over which the rate of embedding is measured."""

SAMPLE = 400
"""About how many picture files are measured to estimate the size of all."""


@dataclass(frozen=True, slots=True)
class ModelCoverage:
    """The rows of a model and modality by state, and how many were embedded recently."""

    model: str
    label: str
    modality: Modality
    counts: Coverage
    recent: int = 0
    """The number of rows that were embedded in the last `RECENT`."""
    recent_seconds: float = 0.0
    """The time since the first of them, in seconds."""

    @property
    def rate(self) -> float:
        """Rows per second at the moment; 0 if nothing is being embedded."""
        return self.recent / self.recent_seconds if self.recent_seconds else 0.0

    @property
    def seconds_left(self) -> float | None:
        """The time until nothing is pending, at this rate; None if it is not known."""
        if not self.counts.pending:
            return 0.0
        return self.counts.pending / self.rate if self.rate else None

    @property
    def share(self) -> float:
        """The share of rows that can be found by this model, 0 to 1."""
        found = self.counts.embedded + self.counts.stale
        return found / self.counts.total if self.counts.total else 1.0


@dataclass(frozen=True, slots=True)
class Disk:
    """Sizes in bytes."""

    database: int
    models: dict[str, int]
    """The tables and indexes of each model, by label."""
    pictures: int
    """About how much the files of the products' pictures occupy."""
    free: int
    """What is free where the pictures are."""


def catalogue_coverage(connection: Connection) -> tuple[ModelCoverage, ...]:
    """The coverage of all models in use; cached for up to a minute, since it reads all rows."""
    return _coverage.get(connection)


def disk_usage(connection: Connection) -> Disk:
    """The sizes of the database and of the pictures; cached for up to a minute."""
    return _disk.get(connection)


def forget_coverage() -> None:
    """Count again at the next call, after embeddings were requested."""
    _coverage.forget()


def _count(connection: Connection, _key: str) -> tuple[ModelCoverage, ...]:
    found = []
    for name in models_in_use(connection):
        spec = get_spec(name)
        for modality in spec.modalities:
            owner = spec.owner(modality)
            row = connection.exec_driver_sql(
                f"SELECT {COUNTS}, count(*) FILTER (WHERE is_recent),"
                " coalesce(extract(epoch FROM now() - min(embedded_at)"
                " FILTER (WHERE is_recent)), 0)"
                f" FROM (SELECT *, coalesce(embedded_at > now() - interval '{RECENT}', false)"
                f" AS is_recent FROM ({states(owner, modality)}) AS s) AS t",
                {"model": owner},
            ).one()
            *counts, recent, seconds = row
            found.append(
                ModelCoverage(name, spec.label, modality, Coverage(*counts), recent, float(seconds))
            )
    return tuple(found)


def _measure(connection: Connection, _key: str) -> Disk:
    def size(table: str) -> int:
        found = connection.exec_driver_sql(
            "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)"
            " FROM pg_class LEFT JOIN pg_inherits ON inhrelid = oid"
            " WHERE relkind IN ('r', 'p') AND to_regclass(%(table)s) IN (oid, inhparent)",
            {"table": f"public.{table}"},
        )
        return int(found.scalar_one())

    known = models()
    sizes = {
        known[name].label: sum(
            size(table(name, it))
            for table in (embedding_table_name, signs_table_name)
            for it in known[name].own_modalities
        )
        for name in stored_models(connection)
        if name in known
    }
    database = connection.exec_driver_sql("SELECT pg_database_size(current_database())")
    folder = config.settings().media_root
    while not folder.exists():
        folder = folder.parent
    return Disk(
        int(database.scalar_one()), sizes, _pictures(connection), shutil.disk_usage(folder).free
    )


def _pictures(connection: Connection) -> int:
    """The size of all picture files, estimated from some: there may be millions."""
    total = int(connection.exec_driver_sql("SELECT count(*) FROM product_image").scalar_one())
    share = min(100.0, 100 * SAMPLE / max(total, 1))
    paths = connection.exec_driver_sql(
        f"SELECT path FROM product_image TABLESAMPLE {'BERNOULLI' if share == 100 else 'SYSTEM'}"
        f" ({share:.6f}) LIMIT {4 * SAMPLE}"
    ).scalars()
    sizes = media.sizes(paths)
    return round(total * sum(sizes) / len(sizes)) if sizes else 0


_coverage, _disk = TtlCache(_count), TtlCache(_measure)
