"""Synonyms in the admin, and the commands import_synonyms and export_synonyms."""

import io
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

from catalog.db.connection import connect
from catalog.synonyms.row import SynonymRow
from catalog.synonyms.store import Changes, write
from shop.meaning_refresh import wait_for_refresh
from shop.models import Synonym

PAGE = "/admin/shop/synonym/"
TYPED = {"phrase": "Treter", "meaning": "sneakers", "relation": "both", "language": "de"}
ON = {"enabled": "on"}
TURNSCHUHE = SynonymRow("Turnschuhe", "sneakers", "both", "de", "starter")


@pytest.fixture
def admin(admin: Client) -> Iterator[Client]:
    """The shop has one starter synonym."""
    with connect() as connection:
        write(connection, Changes([TURNSCHUHE]))
    yield admin
    wait_for_refresh()


def save(admin: Client, page: str = "add", **typed: str) -> str:
    """The page with the form's errors; empty if it was saved."""
    response = admin.post(f"{PAGE}{page}/", typed)
    return "" if response.status_code == 302 else unescape(response.content.decode())


def upload(admin: Client, text: str) -> str:
    file = SimpleUploadedFile("synonyms.csv", text.encode())
    response = admin.post(f"{PAGE}import/", {"file": file}, follow=True)
    assert response.status_code == 200
    return unescape(response.content.decode())


def starter_row() -> Synonym:
    return Synonym.objects.get(phrase="Turnschuhe", meaning="sneakers")


def test_an_admin_adds_and_edits(admin: Client) -> None:
    assert not save(admin, **TYPED | ON | {"phrase": " Treter  neu "})
    row = Synonym.objects.get(source="admin")
    assert (row.phrase, row.relation, row.language, row.enabled) == (
        "Treter neu",
        "both",
        "de",
        True,
    )
    assert not save(admin, f"{row.pk}/change", **TYPED | {"relation": "one-way"})
    row.refresh_from_db()
    assert (row.phrase, row.relation, row.source, row.enabled) == (
        "Treter",
        "one-way",
        "admin",
        False,
    )
    assert admin.post(f"{PAGE}{row.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Synonym.objects.filter(source="admin").exists()


def meanings(phrase: str) -> list[str]:
    wait_for_refresh()
    with connect() as connection:
        sql = "SELECT DISTINCT value FROM search.meaning WHERE key = public.phrase_key(%s)"
        return list(connection.exec_driver_sql(sql, (phrase,)).scalars())


def test_a_change_is_at_work_after_the_request(admin: Client) -> None:
    assert not save(admin, **TYPED | ON)
    assert meanings("Treter")
    row = Synonym.objects.get(source="admin")
    switch = {"_selected_action": [str(row.pk)]}
    admin.post(PAGE, switch | {"action": "disable"})
    assert not meanings("Treter")
    admin.post(PAGE, switch | {"action": "enable"})
    assert meanings("Treter")
    admin.post(f"{PAGE}{row.pk}/delete/", {"post": "yes"})
    assert not meanings("Treter")


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ({"phrase": ""}, "phrase is empty"),
        ({"phrase": "x" * 101}, "phrase has 101 characters; the limit is 100"),
        ({"meaning": "?"}, "meaning has no letter or digit: '?'"),
        ({"meaning": "treter"}, "phrase and meaning are the same: 'Treter'"),
        ({"language": "German"}, "language is not a code such as en or de, or empty: 'German'"),
        ({"relation": "equal"}, "equal is not one of the available choices"),
        ({"phrase": "Turnschuhe"}, "This synonym is there already"),
    ],
)
def test_invalid_values_are_reported(admin: Client, typed: dict[str, str], reason: str) -> None:
    assert reason in save(admin, **TYPED | typed)
    assert not Synonym.objects.filter(source="admin").exists()


@pytest.mark.usefixtures("few_synonyms")
def test_of_a_starter_row_only_the_switch_changes(admin: Client) -> None:
    page = f"{starter_row().pk}/change"
    assert not save(admin, page, phrase="Other", meaning="other", relation="close")
    row = starter_row()
    assert (row.relation, row.enabled, row.source) == ("both", False, "starter")
    assert admin.post(f"{PAGE}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    call_command("migrate", verbosity=0)
    assert not starter_row().enabled


def test_the_list_searches_filters_and_switches(admin: Client) -> None:
    pk = starter_row().pk
    found = admin.get(PAGE, {"q": "turnschuh", "language": "de", "source": "starter"})
    assert "Turnschuhe" in found.content.decode()
    selected = {"_selected_action": [pk]}
    response = admin.post(PAGE, {"action": "disable", **selected}, follow=True)
    assert "1 switched off" in response.content.decode()
    assert not starter_row().enabled
    admin.post(PAGE, {"action": "enable", **selected})
    assert starter_row().enabled
    admin.post(PAGE, {"action": "delete_selected", "post": "yes", **selected})
    assert starter_row(), "a starter row is never deleted"


def test_selected_rows_are_exported(admin: Client) -> None:
    selected = {"_selected_action": [starter_row().pk]}
    response = admin.post(PAGE, {"action": "export_csv", **selected})
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response.content.decode().splitlines() == [
        "phrase,meaning,relation,language,source,enabled",
        "Turnschuhe,sneakers,both,de,starter,true",
    ]


def test_a_file_is_imported(admin: Client) -> None:
    assert "Import CSV" in admin.get(PAGE).content.decode()
    assert "the columns phrase, meaning, relation" in admin.get(f"{PAGE}import/").content.decode()
    assert "1 added, 0 changed" in upload(admin, "phrase,meaning\nTreter,sneakers\n")
    page = upload(admin, "phrase,meaning\n<b>,\nLatschen,flip flops\n")
    assert "line 2: meaning is empty" in page
    assert "1 added, 0 changed, 0 unchanged, 1 skipped" in page
    assert Synonym.objects.filter(source="import").count() == 2


def test_a_bad_file_is_reported(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no column phrase: expected the header" in upload(admin, "word,meaning\n")
    assert "The submitted file is empty" in upload(admin, "")
    monkeypatch.setattr("shop.admin.synonyms.MAX_FILE_BYTES", 10)
    assert "is larger than 0 MB: split it" in upload(admin, "phrase,meaning\na,b\n")


def test_only_those_who_may_change_synonyms_import(admin: Client) -> None:
    bob = User.objects.create_user("bob", is_staff=True)
    bob.user_permissions.add(Permission.objects.get(codename="view_synonym"))
    admin.force_login(bob)
    page = admin.get(PAGE).content.decode()
    assert "Import CSV" not in page
    assert "Switch off" not in page
    assert "Export the selected" in page
    assert admin.get(f"{PAGE}import/").status_code == 403


def test_the_commands_read_and_write_files(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("phrase,meaning\nTreter,sneakers\n,x\n")
    with pytest.raises(SystemExit) as end:
        call_command("import_synonyms", file)
    assert end.value.code == 1
    printed = capsys.readouterr()
    assert printed.out == "1 added, 0 changed, 0 unchanged, 1 skipped\n"
    assert printed.err == "line 3: phrase is empty\n"
    written = tmp_path / "all.csv"
    call_command("export_synonyms", written)
    assert "synonyms written to" in capsys.readouterr().out
    call_command("export_synonyms")
    assert capsys.readouterr().out.encode() == written.read_bytes()
    assert b"\r\nTreter,sneakers,both,,import,true\r\n" in written.read_bytes()
    call_command("import_synonyms", written)
    assert capsys.readouterr().out.startswith("0 added, 0 changed, ")


def test_many_errors_are_counted(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bad.csv"
    file.write_text("phrase,meaning\n" + ",x\n" * 25)
    with pytest.raises(SystemExit):
        call_command("import_synonyms", file)
    assert capsys.readouterr().err.endswith("line 21: phrase is empty\n... and 5 more\n")


@pytest.mark.parametrize(
    ("content", "reason"),
    [("word\n", "bad.csv: no column phrase or meaning"), (None, "bad.csv: No such file")],
)
def test_a_file_that_cannot_be_read_ends_the_command(
    database: str, tmp_path: Path, content: str | None, reason: str
) -> None:
    file = tmp_path / "bad.csv"
    if content is not None:
        file.write_text(content)
    with pytest.raises(CommandError, match=reason) as error:
        call_command("import_synonyms", file, stderr=io.StringIO())
    assert error.value.returncode == 2
