"""The script of docs/operations.md for a nightly sync, as it is on the page."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.db.connection import connect
from tests.catalog.misbehaving import misbehaving_server
from tests.conftest import PROJECT

pytestmark = [pytest.mark.process, pytest.mark.slow]

MANAGE = f"""#!{sys.executable}
import sys
sys.path.insert(0, {str(PROJECT)!r})
from tests.fake_manage import main
main()
"""

Night = Callable[..., tuple[int, list[str], str]]


@pytest.fixture
def night(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Night:
    """Run the script with these rows of a file: its exit status, its log, and stderr."""
    page = (PROJECT / "docs" / "operations.md").read_text()
    script = re.search(r"^```sh\n(#!/bin/sh\n# nightly\.sh.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert script
    (tmp_path / "nightly.sh").write_text(script[1])
    (tmp_path / "manage.py").write_text(MANAGE)
    (tmp_path / "manage.py").chmod(0o755)
    monkeypatch.setenv("VAR_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("MODELS", "fashion")
    monkeypatch.setenv("FETCH_ALLOW", "127.0.0.1")

    def run(*rows: str) -> tuple[int, list[str], str]:
        (tmp_path / "c.csv").write_text("\n".join(["sku,title,price,image_url", *rows]) + "\n")
        done = subprocess.run(
            ["sh", "nightly.sh", "c.csv"],
            cwd=tmp_path,
            env=dict(os.environ),
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout.splitlines(), done.stderr

    return run


def stock() -> dict[str, bool]:
    with connect() as connection:
        rows = connection.exec_driver_sql("SELECT sku, in_stock FROM product")
        return dict(map(tuple, rows))


def test_two_nights(night: Night, tmp_path: Path) -> None:
    with misbehaving_server() as server:
        rows = [f"S{number},Thing {number},5,{server.url('ok/red')}" for number in range(8)]
        status, log, errors = night(*rows, "S8,Thing,cheap,")
    assert status == 1, errors
    said = [re.sub(r"^\S+ ", "", line) for line in log]
    assert said[:2] == [
        "import_catalog: 8 added, 0 updated, 0 unchanged, 1 skipped, 0 marked out of stock"
        " [status 1]",
        "fetch_images: 8 fetched, 0 dead (0 in all), 0 not reached (the next run tries them again)"
        " [status 0]",
    ]
    assert re.fullmatch(
        r"embed_catalog: fashion text: 8 embedded in .*; fashion image: 8 embedded in .*"
        r" \[status 0\]",
        said[2],
    )
    assert re.fullmatch(
        r"prune_pictures: product pictures: 0 files .*; thumbnails: .* \[status 0\]", said[3]
    )
    assert len(log) == 4
    assert errors.strip() == "line 10 (S8): price is not a number like 19.90: 'cheap'"
    assert (tmp_path / "skipped.csv").read_text().splitlines()[1:] == [
        "10,S8,skipped,price is not a number like 19.90: 'cheap'"
    ]

    status, log, errors = night(*rows[:4])
    assert status == 2
    assert len(log) == 1
    assert "0 added, 0 updated, 4 unchanged, 0 skipped, 0 marked out of stock [status 2]" in log[0]
    assert "4 of 8 products in stock are missing from it, more than a fifth" in errors
    assert all(stock().values())
