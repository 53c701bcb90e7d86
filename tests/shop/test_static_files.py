"""`serve` collects static files; other servers need `collectstatic`."""

import subprocess
from http import HTTPStatus
from pathlib import Path

import pytest
from django.test import Client, override_settings

from tests.processes import run_python

OPEN = "from shop.wsgi import application; print(application)"


def run(var: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return run_python(*arguments, VAR_DIR=str(var))


@pytest.mark.process
def test_missing_static_files_are_reported_at_start(tmp_path: Path) -> None:
    refused = run(tmp_path, "-c", OPEN)
    assert refused.returncode == 1
    assert "run manage.py collectstatic" in refused.stderr.splitlines()[-1]
    assert run(tmp_path, "manage.py", "collectstatic", "--no-input").returncode == 0
    assert "strip_bodies" in run(tmp_path, "-c", OPEN).stdout


def test_error_page_works_without_static_files(tmp_path: Path) -> None:
    with override_settings(STATIC_ROOT=tmp_path):
        client = Client(headers={"host": "localhost"}, raise_request_exception=False)
        response = client.get("/nowhere")  # its page has the search box, and fails
    assert response.status_code == HTTPStatus.INTERNAL_SERVER_ERROR
    assert "Something went wrong on our side" in response.content.decode()
