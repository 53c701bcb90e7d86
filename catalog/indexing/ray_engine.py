"""Runs the reader, encoder and writer of `fill` as a Ray Data job on several machines.

Tasks read ranges of ids and decode pictures, actors hold one model each, and a few other actors
write. Batches are passed between them through Ray's object store; only counts and failures are
returned. `catalog.indexing` does not import this module, because Ray is an optional dependency.
"""

import logging
import os
import pickle
import socket
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from threading import Event
from types import ModuleType
from typing import Any

import psutil

from catalog import config
from catalog.db.connection import connect, database_url, forget_engine, retry_transient
from catalog.db.locks import embedding_lock
from catalog.indexing.encoding import encode
from catalog.indexing.fit_reduction import with_reduction
from catalog.indexing.job import (
    BATCHES_IN_USE,
    Progress,
    Summary,
    analyze,
    find_batch_size,
    is_any_pending,
)
from catalog.indexing.pending import FAILED, STALE, Pending, source
from catalog.indexing.reader import PAGE, Batch, FillingError, Reader, picture_decoder
from catalog.indexing.versions import begin_run
from catalog.indexing.writer import write
from catalog.reduction import stored_encoder
from embedding.malloc import keep_memory, keeping_memory
from embedding.preprocessing import Preparation
from embedding.registry import Modality, get_spec

INSTALL = "--engine ray needs Ray: python -m pip install --editable '.[ray]'"

FORWARDED_VARIABLES = (
    *("MEDIA_ROOT", "MEDIA_STORE", "VAR_DIR", "MODELS", "EMBEDDING_REGISTRY", "EMBED_REGIONS"),
    *("AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"),
)
"""Environment variables passed to every process of the job, in addition to DATABASE_URL."""

MAX_TASKS = 10_000
"""Maximum number of reading tasks, which Ray starts within seconds. In a large catalogue each task
reads several pages."""

MAX_WRITERS = 4
"""Maximum number of writing processes. Each uses one connection and writes about 20,000 rows per
second."""

CONNECT_TIMEOUT = 5.0
"""Seconds to wait for a connection to the cluster's address."""

Row = dict[str, Any]
"""What the parts pass on: a pickled batch, and the seconds that each part was busy with it."""


class RayEngineError(FillingError):
    """The job cannot run; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Job:
    """The settings of all parts. `batch_size` is None if the encoder is to determine it."""

    model: str
    modality: Modality
    device: str
    batch_size: int | None


@dataclass(frozen=True, slots=True)
class RangeReader(Reader):
    """A `Reader` of the ids in the range (`after`, `until`]."""

    after: int = 0
    until: int = 0

    def _pages(self) -> Iterator[list[Pending]]:
        after = self.after
        while after < self.until:
            page = retry_transient(partial(self._page, after, page_size(self.batch_size)))
            forget_engine()  # many readers decode most of the time: keep no idle connections
            page = [row for row in page if row.id <= self.until]
            if not page:
                return
            after = page[-1].id
            yield page


class Reading:
    """Reads a range of ids as batches with decoded pictures."""

    def __init__(self, job: Job, batch_size: int, preparation: Preparation | None) -> None:
        self.job, self.batch_size, self.preparation = job, batch_size, preparation

    def __call__(self, ids: Row) -> Iterator[Row]:
        job, size = self.job, self.batch_size
        with ExitStack() as stack, keeping_memory():
            decoder = None
            if job.modality == "image":
                decoder = stack.enter_context(
                    picture_decoder(self.preparation, 0, size, BATCHES_IN_USE)
                )
            reader = RangeReader(
                job.model,
                job.modality,
                size,
                decoder=decoder,
                after=ids["after"],
                until=ids["until"],
            )
            batches = iter(reader)
            started = time.perf_counter()
            while (batch := next(batches, None)) is not None:
                yield {"batch": _pickled(batch), "reader": time.perf_counter() - started}
                started = time.perf_counter()


class Encoding:
    """Encodes batches to vectors, with the model that the actor holds."""

    def __init__(self, job: Job) -> None:
        self.job = job
        keep_memory()
        self.encoder = _load(job)
        if job.batch_size is None:
            self.encoder.tune(job.modality)

    def __call__(self, row: Row) -> Row:
        started = time.perf_counter()
        batch: Batch = pickle.loads(row["batch"])
        encoded = encode(self.encoder, self.job.modality, batch)
        packed = _pickled(encoded)
        return row | {"batch": packed, "encoder": time.perf_counter() - started}


class Writing:
    """Writes vectors to the database, a transaction per batch; returns counts and failures."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def __call__(self, row: Row) -> Row:
        started = time.perf_counter()
        encoded = pickle.loads(row.pop("batch"))
        retry_transient(partial(write, self.job.model, self.job.modality, encoded))
        return row | {
            "embedded": len(encoded.rows),
            "failures": _pickled(encoded.failures),
            "writer": time.perf_counter() - started,
        }


def fill_on_ray(
    model: str,
    modality: Modality,
    *,
    address: str | None = None,
    actors: int | None = None,
    device: str | None = None,
    batch_size: int | None = None,
    limit: int | None = None,
    rebuild: bool = False,
    progress: Progress = lambda rows: None,
    stop: Event | None = None,
    on_wait: Callable[[], None] = lambda: None,
) -> Summary:
    """Like `fill` with `renew`, on all machines of a Ray cluster. Both use the same lock.

    Args:
        model: the name of the model.
        modality: texts or pictures.
        address: the address of a cluster that this machine belongs to. Without one, a cluster of
            this machine only is started, and stopped at the end.
        actors: the number of copies of the model. The default is the number of GPUs, or the number
            of machines if there are no GPUs.
        device: the device in torch's notation; "cpu" uses no GPU.
        batch_size, limit, rebuild, progress, stop, on_wait: as in `fill`.

    Raises:
        FillingError: Ray is not installed or not reachable, or some of its machines have no access
            to the database or to the pictures.
        EncoderError: the model cannot be loaded.
    """
    summary = Summary(model, modality)
    ray = _import_ray()
    if address is not None:
        _require_reachable(address)
    with embedding_lock(model, modality, on_wait):
        if get_spec(model).full_dimensions:
            with_reduction(stored_encoder(model, device), renew=True)
        with connect() as connection:
            begin_run(connection, get_spec(model), modality, rebuild=rebuild, renew=True)
        if not is_any_pending(model, modality):
            return summary
        with _connected(ray, address), _unwrapped_errors(ray):
            gpus = int(ray.cluster_resources().get("GPU", 0))
            gpus = 0 if (device or "").startswith("cpu") else gpus
            machines = sum(node["Alive"] for node in ray.nodes())
            job = Job(model, modality, device or ("cuda" if gpus else "cpu"), batch_size)
            results = _results(ray, job, actors or gpus or machines, bool(gpus), limit)
            with closing(results):  # ends a stopped job before Ray shuts down
                _collect(results, summary, progress, stop)
        analyze(model, modality, summary.embedded)
    return summary


def page_size(batch_size: int) -> int:
    """Rows per page: a multiple of the batch size, as in `Reader`."""
    return -(-PAGE // batch_size) * batch_size


def ranges(job: Job, size: int, limit: int | None) -> list[dict[str, int]]:
    """Divide the pending rows into ranges of ids with `size` rows each, or a multiple of `size`.

    Each range has the keys `after` (exclusive) and `until` (inclusive).
    """
    with connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT max(id) FROM (SELECT s.id, (row_number() OVER (ORDER BY s.id) - 1) / %(size)s"
            f" AS page FROM ({source(job.model, job.modality)}) AS s"
            f" WHERE {STALE} AND NOT {FAILED} ORDER BY s.id LIMIT %(limit)s) AS pages"
            " GROUP BY page ORDER BY page",
            {"model": job.model, "size": size, "limit": limit},
        )
        ends = [int(end) for (end,) in rows]
    together = -(-len(ends) // MAX_TASKS) or 1
    ends = ends[together - 1 : -1 : together] + ends[-1:]
    afters = [0, *ends]
    return [{"after": after, "until": until} for after, until in zip(afters, ends, strict=False)]


def _results(
    ray: ModuleType, job: Job, actors: int, on_gpus: bool, limit: int | None
) -> Generator[Row, None, None]:
    """Run the job and yield the rows that `Writing` returns.

    The seconds of each part are divided by the number of its processes.
    """
    from ray.data import ActorPoolStrategy

    # Encoders and writers reserve no cores: on a small machine none would be left for reading.
    with_model = {"num_cpus": 0, "num_gpus": 1 if on_gpus else 0}
    size, preparation = ray.get(ray.remote(**with_model)(_describe).remote(job))
    if not (parts := ranges(job, page_size(size), limit)):
        return
    cores = int(ray.cluster_resources().get("CPU", 1))
    processes = {
        "reader": min(cores, len(parts)),
        "encoder": actors,
        "writer": min(actors, MAX_WRITERS),
    }
    encoders, writers = (ActorPoolStrategy(size=processes[part]) for part in ("encoder", "writer"))
    data = (
        ray.data.from_items(parts, override_num_blocks=len(parts))
        .flat_map(Reading(job, size, preparation).__call__, num_cpus=1)
        .map(Encoding, fn_constructor_args=[job], compute=encoders, **with_model)
        .map(Writing, fn_constructor_args=[job], compute=writers, num_cpus=0)
    )
    for row in data.iter_rows():
        yield row | {part: row[part] / number for part, number in processes.items()}


def _collect(
    results: Iterator[Row], summary: Summary, progress: Progress, stop: Event | None
) -> None:
    started = time.perf_counter()
    for row in results:
        failures = pickle.loads(row["failures"])
        rows = row["embedded"] + len(failures)
        summary.embedded += row["embedded"]
        summary.failures += failures
        for name, part in summary.profile.parts.items():
            part.rows += rows
            part.busy += row[name]
        progress(rows)
        if stop is not None and stop.is_set():
            break
    summary.profile.seconds += time.perf_counter() - started


def _describe(job: Job) -> tuple[int, Preparation | None]:
    """What readers need from the model: the batch size, and how it preprocesses pictures."""
    encoder = _load(job)
    return job.batch_size or find_batch_size(encoder, job.modality), encoder.preparation


def _load(job: Job) -> Any:
    # Ray limits a process to as many threads as it has reserved cores, here none.
    os.environ.pop("OMP_NUM_THREADS", None)
    return stored_encoder(job.model, job.device)


def _pickled(value: object) -> bytes:
    return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)


def _import_ray() -> ModuleType:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # it bypasses Python's logging
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # silences a warning
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise RayEngineError(INSTALL) from error
    module: ModuleType = ray
    return module


@contextmanager
def _connected(ray: ModuleType, address: str | None) -> Iterator[None]:
    """Connect to the cluster at `address`, or start a local one, until the end of the context."""
    environment = {name: os.environ[name] for name in FORWARDED_VARIABLES if name in os.environ}
    try:
        ray.init(
            address=address or "local",
            runtime_env={"env_vars": environment | {"DATABASE_URL": database_url()}},
            include_dashboard=None if address else False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        action = f"connect to Ray at {address}" if address else "start Ray on this machine"
        raise RayEngineError(f"cannot {action}: {error}") from error
    try:
        _require_shared_database([node["NodeManagerAddress"] for node in ray.nodes()])
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # errors are raised anyway
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.raise_original_map_exception = True
        context.target_max_block_size = 1  # pass each batch on as soon as it is read
        yield
    finally:
        ray.shutdown()


def _require_reachable(address: str) -> None:
    if address.startswith("ray://"):
        raise RayEngineError(
            f"{address}: run this on a machine of the cluster, with --address auto or HOST:PORT"
        )
    host, _, port = address.rpartition(":")
    if not port.isdecimal():  # a keyword of Ray, such as auto
        return
    try:
        _require_shared_database([socket.gethostbyname(host)])
        socket.create_connection((host, int(port)), CONNECT_TIMEOUT).close()
    except OSError as error:
        raise RayEngineError(f"cannot connect to Ray at {address}: {error}") from error


def _require_shared_database(machines: list[str]) -> None:
    """Check that all machines can reach the database: the embedded one has only a Unix socket."""
    if config.settings().database_url:
        return
    own = {it.address for addresses in psutil.net_if_addrs().values() for it in addresses}
    if others := sorted(set(machines) - own):
        raise RayEngineError(
            f"{', '.join(others)} cannot reach the embedded PostgreSQL of this machine: set"
            " DATABASE_URL to a server that every machine of the cluster can reach"
        )


@contextmanager
def _unwrapped_errors(ray: ModuleType) -> Iterator[None]:
    """Raise the original error of a task or an actor instead of Ray's wrapper."""
    try:
        yield
    except ray.exceptions.RayTaskError as error:
        cause: object = error
        while isinstance(cause, ray.exceptions.RayTaskError):
            cause = cause.cause
        if not isinstance(cause, Exception):
            raise
        raise cause from None
