"""A real PostgreSQL for every test that asks for one: the embedded server, on a folder of its own.

A template database holds the whole schema; a test that writes gets a clone of it, made in a tenth
of a second, and both Django and SQLAlchemy are pointed there.
"""

import hashlib
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
# Before anything reads the settings: tests never touch the shop's own folder or database.
os.environ["VAR_DIR"] = str(PROJECT / "var" / "tests")
os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
os.environ["DEBUG"] = "0"
# Playwright keeps an event loop in the tests' own thread, which Django takes for asynchronous code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
# Whoever runs the tests in the background ignores Ctrl-C, and so would the commands they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
for name in ("DATABASE_URL", "MEDIA_ROOT", "MODELS", "SEARCH_WINDOW", "EMBEDDING_REGISTRY"):
    os.environ.pop(name, None)
sys.path.insert(0, str(PROJECT))

import django  # noqa: E402
import psycopg  # noqa: E402
import pytest  # noqa: E402

django.setup()

from alembic import command  # noqa: E402
from alembic.config import Config  # noqa: E402
from django.core.management import call_command  # noqa: E402

from catalog import config  # noqa: E402
from catalog.db.connection import forget_engine  # noqa: E402
from catalog.db.embedded import embedded_url  # noqa: E402
from demo import write_catalogue  # noqa: E402

numbers = count(1)

DRAWN = 72
"""Products of the drawn catalogue in tests."""


def alembic_config() -> Config:
    return Config(toml_file=PROJECT / "pyproject.toml")


@contextmanager
def using_database(url: str) -> Iterator[str]:
    """Both sides of the house on the database at `url`."""
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


@contextmanager
def fresh_database(template: str) -> Iterator[str]:
    """A clone of the database `template`, dropped at the end; yields its address."""
    name = f"test_{os.getpid()}_{next(numbers)}"
    with psycopg.connect(embedded_url(), autocommit=True) as server:
        server.execute("ALTER SYSTEM SET fsync = off")  # nothing here need outlive a power cut
        server.execute("SELECT pg_reload_conf()")
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            with using_database(embedded_url(database=name)) as url:
                yield url
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def demo_database(template: str, folder: Path, media: Path) -> Iterator[str]:
    """The drawn catalogue, imported and embedded by the real `fashion` model."""
    with pytest.MonkeyPatch.context() as patch, fresh_database(template) as url:
        patch.setenv("MEDIA_ROOT", str(media))
        file, images = str(folder / "products.csv"), folder / "images"
        call_command("import_catalog", file, images=images, verbosity=0)
        call_command("embed_catalog", model=["fashion"], verbosity=0)
        yield url


@pytest.fixture(scope="session")
def demo_folder() -> Path:
    """The drawn catalogue, kept between runs for as long as it would be drawn the same."""
    sources = sorted((PROJECT / "demo").rglob("*.py"))
    drawn_by = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    folder = config.var_dir() / f"demo-{drawn_by[:12]}"
    write_catalogue(folder, DRAWN)
    return folder


@pytest.fixture(scope="session")
def template() -> Iterator[str]:
    """The name of a database with the schema and nothing in it."""
    with fresh_database("template1") as url:
        command.upgrade(alembic_config(), "head")
        call_command("migrate", verbosity=0)
        name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
        with using_database(embedded_url()):  # a template must have no connections
            yield str(name)


@pytest.fixture
def database(template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty catalogue of the test's own, with a media folder of its own; yields the address."""
    monkeypatch.setenv("MEDIA_ROOT", str(tmp_path / "media"))
    with fresh_database(template) as url:
        yield url


@pytest.fixture(scope="session")
def tiny_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry folder whose entry `tiny` leads to a tiny CLIP beside it."""
    from tests.embedding.tiny_clip import build_tiny_clip  # most tests need no torch

    folder = tmp_path_factory.mktemp("registry")
    build_tiny_clip(folder)
    return folder


@pytest.fixture
def with_tiny(tiny_registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the registry know `tiny`."""
    monkeypatch.setenv("EMBEDDING_REGISTRY", str(tiny_registry))
