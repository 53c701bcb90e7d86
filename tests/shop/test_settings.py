"""Settings are parsed from environment variables, and checked."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from catalog.config import CatalogSettings
from embedding.config import ConfigError, EmbeddingSettings, Settings
from shop.config import ShopSettings
from shop.settings_page import settings_page
from tests.conftest import PROJECT
from tests.processes import run_python

TOGETHER = """
import sys
import django.core.management.utils, catalog.config
print("ready", flush=True)
sys.stdin.readline()
from shop import settings
print(settings.SECRET_KEY)
"""


def start(code: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


CANNOT_BE_USED = (
    (CatalogSettings, "SEARCH_WINDOW", "abc", "a whole number from 1 to 1000"),
    (CatalogSettings, "SEARCH_WINDOW", "0", "a whole number from 1 to 1000"),
    (CatalogSettings, "SEARCH_WINDOW", "1001", "a whole number from 1 to 1000"),
    (CatalogSettings, "SEARCH_MIN_MATCH", "1.5", "a number from 0 to 1"),
    (CatalogSettings, "SEARCH_MIN_MATCH", "nan", "a number from 0 to 1"),
    (CatalogSettings, "SEARCH_MINIMUM", "most", "a number from 0 to 1"),
    (CatalogSettings, "QUERY_LOG", "-1", "a whole number, 0 or more"),
    (CatalogSettings, "MODELS", " , ", "names of models, separated by commas"),
    (CatalogSettings, "FETCH_ALLOW", "10.0.0.0/99", "hosts and networks such as 10.1.0.0/16"),
    (CatalogSettings, "FETCH_ALLOW", "ftp://a", "hosts and networks such as 10.1.0.0/16"),
    (ShopSettings, "DEBUG", "2", "1 or 0"),
    (ShopSettings, "HTTPS", "always", "1 or 0"),
    (ShopSettings, "TRUSTED_PROXY", "proxy", "an IP address, or * for any"),
    (ShopSettings, "TZ", "Europe/Nowhere", "a time zone such as Europe/Berlin"),
)


@pytest.mark.parametrize(
    ("group", "name", "value", "allowed"), CANNOT_BE_USED, ids=lambda it: str(it)[:20]
)
def test_message_contains_the_variable_its_value_and_what_it_must_be(
    group: type[Settings], name: str, value: str, allowed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as refused:
        group.read()
    assert str(refused.value).startswith(f"{name} must be {allowed}")
    assert str(refused.value).endswith(f", not {value!r}")


def test_changed_environment_is_used_immediately(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEARCH_WINDOW", "12")
    assert CatalogSettings.read().search_window == 12
    assert CatalogSettings.read() is CatalogSettings.read()  # parsed once
    monkeypatch.setenv("SEARCH_WINDOW", "13")
    assert CatalogSettings.read().search_window == 13
    monkeypatch.setenv("SEARCH_WINDOW", "")
    assert CatalogSettings.read().search_window == 240


def test_former_name_is_used_if_the_new_one_is_not_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert CatalogSettings.read().search_min_match is None
    monkeypatch.setenv("SEARCH_MINIMUM", "0.3")
    assert CatalogSettings.read().search_min_match == 0.3
    monkeypatch.setenv("SEARCH_MIN_MATCH", "0")
    assert CatalogSettings.read().search_min_match == 0
    monkeypatch.setenv("SEARCH_MIN_MATCH", "")
    assert CatalogSettings.read().search_min_match == 0.3


def test_lists_folders_and_addresses_are_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELS", " clip, fashion,clip")
    assert CatalogSettings.read().models == ("clip", "fashion")
    monkeypatch.setenv("FETCH_ALLOW", "CDN.internal, 10.1.2.3/16")
    allow = CatalogSettings.read().fetch_allow
    assert (set(allow.hosts), list(map(str, allow.networks))) == ({"cdn.internal"}, ["10.1.0.0/16"])
    monkeypatch.setenv("EMBEDDING_REGISTRY", f"/a{os.pathsep}/b")
    assert EmbeddingSettings.read().embedding_registry == (Path("/a"), Path("/b"))
    monkeypatch.delenv("MEDIA_ROOT", raising=False)
    monkeypatch.setenv("VAR_DIR", "/elsewhere")
    assert CatalogSettings.read().media_root == Path("/elsewhere/media")


@pytest.mark.parametrize("name", ["SEARCH_WINDOW", "DEBUG", "PROMETHEUS_MULTIPROC_DIR"])
def test_any_command_reports_an_invalid_setting_in_one_line(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=PROJECT,
        env=os.environ | {name: "many"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"manage.py: {name} must be ")


def test_password_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://shop:hunter2@localhost/shop")
    monkeypatch.setenv("SECRET_KEY", "hunter2")
    assert "hunter2" not in f"{CatalogSettings.read()!r} {ShopSettings.read()!r}"


def test_settings_page_is_up_to_date() -> None:
    advice = "run: python -m shop.settings_page > docs/settings.md"
    assert (PROJECT / "docs" / "settings.md").read_text() == settings_page(), advice


@pytest.mark.process
def test_hosts_can_be_separated_by_blanks() -> None:
    code = "from shop import settings; print(settings.ALLOWED_HOSTS)"
    printed, _ = start(code, ALLOWED_HOSTS=" a.example, b.example,").communicate()
    assert printed.strip() == "['a.example', 'b.example']"


@pytest.mark.process
def test_processes_that_start_together_share_a_secret_key(tmp_path: Path) -> None:
    for attempt in range(4):
        folder = tmp_path / str(attempt)
        processes = [start(TOGETHER, VAR_DIR=str(folder), SECRET_KEY="") for _ in range(6)]
        for process in processes:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin
            process.stdin.write("\n")
            process.stdin.flush()
        keys = {process.communicate()[0].strip() for process in processes}
        assert len(keys) == 1
        assert len(keys.pop()) == 50
        assert [path.name for path in folder.iterdir()] == ["secret_key"]
        assert (folder / "secret_key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("variables", "arguments", "message"),
    [
        ({"VAR_DIR": "/etc/passwd"}, ["check"], "VAR_DIR must be a writable folder"),
        ({"DATABASE_URL": "mysql://x/y"}, ["serve", "--port", "8932"], "DATABASE_URL"),
        ({}, ["serve", "--port", "abc"], "must be a number from 1 to 65535, not 'abc'"),
    ],
)
def test_invalid_value_ends_a_command_with_status_2(
    variables: dict[str, str], arguments: list[str], message: str
) -> None:
    done = run_python("manage.py", *arguments, **variables)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
    assert message in done.stderr
