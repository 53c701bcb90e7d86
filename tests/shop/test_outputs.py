"""What commands and the log write from files and addresses that are hostile."""

import csv
import logging
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import TooManyFieldsSent
from django.core.management import call_command
from django.test import Client

from shop.logs import PlainFormatter
from shop.management.outputs import PlainOutput
from tests.processes import run_python

CLEAR_SCREEN = "\x1b[2J"
REVERSE = "\u202e"


def write(folder: Path, *lines: str) -> Path:
    file = folder / "products.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def test_headers_and_skus_cannot_control_the_terminal(database: str, tmp_path: Path) -> None:
    file = write(
        tmp_path,
        f'sku,title,price,"{CLEAR_SCREEN}weird{REVERSE}"',
        f"A{CLEAR_SCREEN},red shirt,none at all,x",
        f"B{REVERSE},,1,é",
    )
    out, err = StringIO(), StringIO()
    with pytest.raises(SystemExit):
        call_command("import_catalog", str(file), stdout=out, stderr=err)
    written = out.getvalue() + err.getvalue()
    assert "weird" in written
    assert "price" in written
    assert not {"\x1b", REVERSE} & set(written)


def test_errors_cannot_control_the_terminal(database: str, tmp_path: Path) -> None:
    run = run_python("manage.py", "import_catalog", str(tmp_path / f"no{CLEAR_SCREEN}where.csv"))
    assert run.returncode == 2
    assert "where.csv" in run.stderr
    assert "\x1b" not in run.stderr


def test_output_keeps_letters_and_line_breaks() -> None:
    stream = StringIO()
    PlainOutput(stream).write("Größe\tΩδή\n価格\x07")
    assert stream.getvalue() == "Größe\tΩδή\n価格\\x07\n"


@pytest.mark.parametrize("sku", ["=cmd|' /C calc'!A0", "+1", "-2", "@SUM(A1)", "'=1"])
def test_spreadsheets_find_no_formula_in_the_errors(
    sku: str, database: str, tmp_path: Path
) -> None:
    with (tmp_path / "products.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["sku", "title"], [sku, ""]])
    errors = tmp_path / "errors.csv"
    with pytest.raises(SystemExit):
        call_command("import_catalog", str(tmp_path / "products.csv"), errors=errors, verbosity=0)
    with errors.open(newline="") as file:
        header, row = csv.reader(file)
    assert header[1] == "sku"
    assert row[1] == f"'{sku}"


def test_log_escapes_control_characters_and_has_no_traceback_of_rejected_requests() -> None:
    def line(name: str, message: str) -> str:
        try:
            raise TooManyFieldsSent("too many")
        except TooManyFieldsSent as error:
            info = type(error), error, error.__traceback__
        record = logging.LogRecord(name, logging.ERROR, "", 0, message, (), info)
        return PlainFormatter().format(record)

    assert line("django.security.TooManyFieldsSent", f"a{CLEAR_SCREEN}b") == "a\\x1b[2Jb"
    assert "Traceback" in line("django.request", "failed")


def test_login_without_a_page_to_return_to(database: str) -> None:
    call_command("migrate", verbosity=0)
    User.objects.create_superuser("admin", "", "correct horse battery")
    answer = Client(headers={"host": "localhost"}).post(
        "/admin/login/", {"username": "admin", "password": "correct horse battery"}, follow=True
    )
    assert answer.status_code == 200
    assert answer.request["PATH_INFO"] == "/admin/"
