"""The figures of /metrics that the database has: coverage, requests, workers and recall.

All processes report the same. They are read again after a while only, within a time limit.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from threading import Lock

import psycopg
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from catalog.db.connection import DatabaseError, connect
from catalog.db.replica import replica
from catalog.db.watchdog import watchdog
from catalog.indexing.coverage_report import catalogue_coverage
from catalog.indexing.recall import stored_recalls
from catalog.query_log import TRIES

STATE_SECONDS = 15.0
"""How long the numbers of requests and workers are kept."""

COVERAGE_SECONDS = 60.0
"""How long the coverage is kept: counting reads all rows."""

GIVE_UP_SECONDS = 300.0
"""How long coverage is left out after counting took longer than `COVERAGE_TIMEOUT`."""

STATE_TIMEOUT, COVERAGE_TIMEOUT = "1s", "5s"

STATE = """
SELECT (SELECT count(*) FROM query_embedding
         WHERE embedding IS NULL AND attempts < %(tries)s) AS requests,
       (SELECT count(*) FROM worker_sign WHERE seen_at > now() - interval '1 minute') AS workers,
       (SELECT extract(epoch FROM now() - max(seen_at)) FROM worker_sign) AS sign_age,
       (SELECT extract(epoch FROM now())) AS now
"""


class _Kept:
    """Metrics that are read again after `seconds`, or if that failed, after `after_failure`."""

    def __init__(
        self,
        read: Callable[[Connection], Iterable[Metric]],
        timeout: str,
        seconds: float,
        after_failure: float,
    ) -> None:
        self._read, self._timeout = read, timeout
        self._seconds, self._after_failure = seconds, after_failure
        self._lock = Lock()
        self.forget()

    def forget(self) -> None:
        """Read again at the next call."""
        self._metrics: tuple[Metric, ...] | None = None
        self._until = float("-inf")

    def get(self) -> tuple[Metric, ...] | None:
        """The metrics; None if they could not be read."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._metrics = self._load()
                kept = self._after_failure if self._metrics is None else self._seconds
                self._until = time.monotonic() + kept
            return self._metrics

    def _load(self) -> tuple[Metric, ...] | None:
        if watchdog.is_away:
            return None
        try:
            with watchdog.watch(), connect() as connection:
                connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{self._timeout}'")
                return tuple(self._read(connection))
        except (psycopg.Error, DBAPIError, DatabaseError, PoolTimeout):
            return None


def _state(connection: Connection) -> Iterator[Metric]:
    row = connection.exec_driver_sql(STATE, {"tries": TRIES}).one()
    yield GaugeMetricFamily(
        "shop_embedding_requests", "Queries that wait for a worker to embed them.", row.requests
    )
    yield GaugeMetricFamily("shop_workers", "Embedding workers that run.", row.workers)
    if row.sign_age is not None:
        yield GaugeMetricFamily(
            "shop_worker_sign_age_seconds", "Time since the last sign of a worker.", row.sign_age
        )
    recall = GaugeMetricFamily(
        "shop_index_recall",
        "Share of the nearest embeddings that the index finds, by manage.py measure_recall.",
        labels=["model", "modality"],
    )
    age = GaugeMetricFamily(
        "shop_index_recall_age_seconds",
        "Time since the recall was measured.",
        labels=["model", "modality"],
    )
    for it in stored_recalls(connection):
        recall.add_metric([it.model, it.modality], it.recall)
        age.add_metric([it.model, it.modality], float(row.now) - it.measured_at.timestamp())
    yield from (recall, age)


def _coverage(connection: Connection) -> Iterator[Metric]:
    rows = GaugeMetricFamily(
        "shop_embeddings",
        "Texts and pictures of products, by model and by state: embedded, stale, missing, failed.",
        labels=["model", "modality", "state"],
    )
    for it in catalogue_coverage(connection):
        for state in ("embedded", "stale", "missing", "failed"):
            rows.add_metric([it.model, it.modality, state], getattr(it.counts, state))
    yield rows


class _Database(Collector):
    def collect(self) -> Iterator[Metric]:
        state = _kept_state.get()
        yield GaugeMetricFamily(
            "shop_database_up", "1 if the database has answered.", int(state is not None)
        )
        yield GaugeMetricFamily(
            "shop_replica_used",
            "1 if this process reads from the replica.",
            int(replica.is_usable()),
        )
        lag = math.nan if replica.lag is None else replica.lag
        yield GaugeMetricFamily(
            "shop_replica_lag_seconds", "How far the replica is behind; NaN if not known.", lag
        )
        yield from state or ()
        if state is not None:
            yield from _kept_coverage.get() or ()


_kept_state = _Kept(_state, STATE_TIMEOUT, STATE_SECONDS, STATE_SECONDS)
_kept_coverage = _Kept(_coverage, COVERAGE_TIMEOUT, COVERAGE_SECONDS, GIVE_UP_SECONDS)
_registry = CollectorRegistry()
_registry.register(_Database())


def database_metrics() -> bytes:
    """The figures in Prometheus' text format."""
    return generate_latest(_registry)


def forget_database_metrics() -> None:
    """Read all figures again at the next call."""
    _kept_state.forget()
    _kept_coverage.forget()
