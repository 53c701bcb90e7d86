"""Commands that encode nothing never import torch, which takes seconds and hundreds of MB."""

import subprocess
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.processes import run_python

pytestmark = pytest.mark.process

SETUP = """
import sys
from importlib.abc import MetaPathFinder

class Forbidden(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in ("torch", "transformers", "sentence_transformers"):
            raise AssertionError(f"{name} was imported")

sys.meta_path.insert(0, Forbidden())
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
import django
from django.core.management import call_command, get_commands, load_command_class
django.setup()
"""

ALL_HELP = """
for name, app in get_commands().items():
    load_command_class(app, name).create_parser("manage.py", name).format_help()
"""

COMMANDS = """
import catalog.synonyms.store as store
few = store.starter_rows()[:100]
store.starter_rows = lambda: few
call_command("check", databases=["default"])
call_command("migrate", verbosity=0)
call_command("import_catalog", sys.argv[1], verbosity=0)
call_command("fetch_images", verbosity=0)
call_command("export_synonyms", sys.argv[2])
call_command("import_synonyms", sys.argv[2])
call_command("collectstatic", interactive=False, verbosity=0)
import shop.wsgi, shop.processes, shop.server, shop.management.commands.serve
"""


def run(code: str, *arguments: Path) -> "subprocess.CompletedProcess[str]":
    return run_python("-c", SETUP + code, *map(str, arguments), PYTHONPATH=str(PROJECT))


def test_the_help_of_no_command_imports_torch() -> None:
    done = run(ALL_HELP)
    assert done.returncode == 0, done.stderr


def test_commands_that_encode_nothing_import_no_torch(database: str, tmp_path: Path) -> None:
    catalogue = tmp_path / "products.csv"
    catalogue.write_text("sku,title\nA,red shirt\n")
    done = run(COMMANDS, catalogue, tmp_path / "synonyms.csv")
    assert done.returncode == 0, done.stderr
