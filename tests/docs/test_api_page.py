"""The examples of docs/api.md run against a shop, and find the same in every language."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from shop.api.models import ApiToken, Scope
from tests.conftest import PROJECT, demo_database
from tests.serving import serving

pytestmark = [pytest.mark.slow, pytest.mark.process]

PAGE = (PROJECT / "docs" / "api.md").read_text()
EXAMPLE = re.compile(r"^```(?P<language>\w+)\n(?P<code>.*?)^```", re.DOTALL | re.MULTILINE)
ADDRESS = "http://127.0.0.1:8000"


def examples(language: str) -> list[str]:
    return [it["code"] for it in EXAMPLE.finditer(PAGE) if it["language"] == language]


@pytest.fixture(scope="module")
def shop(
    template_with_synonyms: str, demo_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a running shop."""
    pictures = tmp_path_factory.mktemp("pictures")
    with (
        demo_database(template_with_synonyms, demo_folder, tmp_path_factory.mktemp("media")),
        override_settings(QUERY_PICTURE_DIR=pictures),
        serving(threads=2) as port,
    ):
        yield f"http://127.0.0.1:{port}"


def run(shop: str, folder: Path, *command: str) -> str:
    done = subprocess.run(
        [part.replace(ADDRESS, shop) for part in command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_same_search_in_three_languages(shop: str, tmp_path: Path) -> None:
    found = json.loads(run(shop, tmp_path, "sh", "-c", examples("sh")[0]))
    expected = [f"{hit['sku']} {hit['price']} {hit['title']}" for hit in found["hits"]]
    assert 0 < len(expected) <= 3
    assert run(shop, tmp_path, sys.executable, "-c", examples("python")[0]).splitlines() == expected
    (script,) = examples("js")
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node: the example in JavaScript did not run")
    printed = run(shop, tmp_path, node, "--input-type=module", "--eval", script).splitlines()
    assert printed == expected


def test_a_search_with_a_picture(shop: str, tmp_path: Path, demo_folder: Path) -> None:
    picture = sorted((demo_folder / "images").iterdir())[0]
    shutil.copy(picture, tmp_path / "photo.jpg")
    found = json.loads(run(shop, tmp_path, "sh", "-c", examples("sh")[1]))
    assert len(found["hits"]) == 3
    assert len(found["query"]["pictures"]) == 1


def test_page_by_page(shop: str, tmp_path: Path) -> None:
    lines = run(shop, tmp_path, sys.executable, "-c", examples("python")[1]).splitlines()
    assert len(lines) == len(set(lines)) == 72


def test_a_request_with_a_token(shop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = ApiToken(name="docs", scopes=[Scope.COVERAGE])
    monkeypatch.setenv("TOKEN", token.renew())
    token.save()
    found = json.loads(run(shop, tmp_path, "sh", "-c", examples("sh")[2]))
    assert found["coverage"]


def test_the_error_is_as_on_the_page(shop: str, tmp_path: Path) -> None:
    (said,) = examples("json")
    script = f"curl --silent '{ADDRESS}/api/v1/search?min_match=101'"
    answered: Any = json.loads(run(shop, tmp_path, "sh", "-c", script))
    expected = json.loads(said)
    assert answered.keys() == expected.keys()
    assert answered == expected | {"request_id": answered["request_id"]}
