"""Commands report an unusable database, setting or file in one line, with status 2."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command

from tests.conftest import PROJECT, fresh_database, using_database
from tests.ports import free_port
from tests.processes import run_python

COMMANDS = (
    ("embed_catalog", "--model", "fashion"),
    ("import_catalog", "FILE"),
    ("fetch_images",),
    ("set_default_model", "fashion"),
    ("drop_model", "fashion"),
    ("evaluate_search", "--derive", "titles"),
    ("prune_pictures",),
    ("demo", "--remove"),
)
each_command = pytest.mark.parametrize("arguments", COMMANDS, ids=[name for name, *_ in COMMANDS])
OUTPUTS = (
    ("import_catalog", "FILE", "--errors"),
    ("fetch_images", "--dead"),
    ("embed_catalog", "--profile"),
    ("evaluate_search", "--derive", "titles", "--json"),
    ("evaluate_search", "--derive", "titles", "--report"),
)


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "c.csv").write_text("sku,title\nA,Shirt\n")
    return str(tmp_path / "c.csv")


@pytest.fixture
def nobody() -> str:
    """The address of a server that does not exist."""
    return f"postgresql://shop:hunter2@127.0.0.1:{free_port()}/shop"


def refusal(arguments: tuple[str, ...], file: str) -> str:
    with pytest.raises(CommandError) as refused:
        call_command(*(file if it == "FILE" else it for it in arguments), verbosity=0)
    assert refused.value.returncode == 2
    assert "\n" not in str(refused.value)
    return str(refused.value)


@each_command
def test_unreachable_database(arguments: tuple[str, ...], file: str, nobody: str) -> None:
    with using_database(nobody):
        said = refusal(arguments, file)
    assert "PostgreSQL at 127.0.0.1:" in said
    assert "Connection refused" in said
    assert "is it running?" in said
    assert "hunter2" not in said


@pytest.mark.parametrize("arguments", [("embedding_worker",), *COMMANDS], ids=lambda it: it[0])
def test_database_without_tables(arguments: tuple[str, ...], file: str) -> None:
    with fresh_database("template1"):
        assert "run ./manage.py migrate" in refusal(arguments, file)


@pytest.mark.parametrize("arguments", [("embedding_worker",), *COMMANDS], ids=lambda it: it[0])
def test_invalid_address(arguments: tuple[str, ...], file: str) -> None:
    with using_database("postgresql//hunter2@localhost"):
        said = refusal(arguments, file)
    assert "DATABASE_URL is not a PostgreSQL address" in said
    assert "hunter2" not in said


def test_import_that_loses_the_database_reports_imported_rows(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "".join(f"S{number},Thing {number}\n" for number in range(501))
    (tmp_path / "c.csv").write_text(f"sku,title\n{rows}")
    with psycopg.connect(database, autocommit=True) as other:
        other.execute(
            "CREATE FUNCTION go() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " PERFORM pg_terminate_backend(pg_backend_pid()); RETURN new; END $$"
        )
        other.execute(
            "CREATE TRIGGER go BEFORE INSERT ON product FOR EACH ROW"
            " WHEN (new.sku = 'S500') EXECUTE FUNCTION go()"
        )
    assert "terminating connection" in refusal(("import_catalog", "FILE"), str(tmp_path / "c.csv"))
    assert "500 added, 0 updated" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", OUTPUTS, ids=lambda it: it[0] + it[-1])
def test_unwritable_output_is_reported_first(
    arguments: tuple[str, ...], file: str, nobody: str, tmp_path: Path
) -> None:
    with using_database(nobody), pytest.raises(CommandError, match="Is a directory"):
        call_command(*(file if it == "FILE" else it for it in arguments), str(tmp_path))


@pytest.mark.process
def test_error_is_one_line_without_a_traceback(file: str, nobody: str) -> None:
    done = run_python("manage.py", "import_catalog", file, "-v", "0", DATABASE_URL=nobody)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    done = run_python("manage.py", "embed_catalog", DATABASE_URL=nobody, MODELS="nothing")
    assert done.returncode == 2
    assert "no model is called 'nothing'" in done.stderr


HEAVY = "torch transformers sentence_transformers scipy sklearn sympy pandas ray playwright"
LOAD_ALL = f"""
import sys, django
from django.core.management import get_commands, load_command_class
django.setup()
for name, app in get_commands().items():
    load_command_class(app, name)
import shop.urls
print(*(name for name in {HEAVY.split()} if name in sys.modules))
"""


@pytest.mark.process
def test_garbage_is_collected_from_the_start_of_a_command_on() -> None:
    code = "import gc; print(gc.isenabled(), gc.get_freeze_count() > 10_000)"
    assert run_python("manage.py", "shell", "-v", "0", "-c", code).stdout.split() == ["True"] * 2


@pytest.mark.process
def test_commands_start_without_heavy_libraries() -> None:
    """They are imported when a model is loaded: torch alone takes seconds."""
    done = subprocess.run(
        [sys.executable, "-c", LOAD_ALL], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
