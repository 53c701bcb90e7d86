"""Synonyms: the starter rows, their updates, and CSV files."""

import io
from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert, update

from catalog.db.connection import connect
from catalog.importing.cells.texts import FieldError
from catalog.synonyms import starter, store
from catalog.synonyms.csv_files import (
    LineError,
    SynonymFileError,
    export_synonyms,
    import_synonyms,
    read_file,
    write_file,
)
from catalog.synonyms.row import SynonymRow, parse_row
from catalog.synonyms.store import load_starter, starter_changes, stored_rows
from catalog.tables import SYNONYM
from embedding.lexicon import LANGUAGES, read_training_lexicon

SNEAKERS = SynonymRow("Turnschuhe", "sneakers", "both", "de", "starter")
HEADER = "phrase,meaning,relation,language,source,enabled\n"


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with connect() as connection:
        yield connection


@pytest.fixture
def empty(connection: Connection) -> Connection:
    connection.execute(delete(SYNONYM))
    return connection


def use_starter(monkeypatch: pytest.MonkeyPatch, *rows: SynonymRow) -> None:
    monkeypatch.setattr(store, "starter_rows", lambda: rows)


def load_file(connection: Connection, text: str) -> list[str]:
    """Import a file and return its errors."""
    return list(map(str, import_synonyms(connection, io.BytesIO(text.encode())).errors))


def rows(connection: Connection) -> list[SynonymRow]:
    return list(stored_rows(connection).values())


def test_migrate_loads_the_starter_rows(database: str) -> None:
    with connect() as connection:
        assert starter_changes(connection)
    call_command("migrate", verbosity=0)
    with connect() as connection:
        assert set(rows(connection)) == set(starter.starter_rows())
        assert not starter_changes(connection)


def test_migrate_loads_a_changed_lexicon(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the shop edited stays, and the search knows the new words at once."""
    off = replace(SNEAKERS, phrase="Treter", enabled=False)
    mine = SynonymRow("Latschen", "sneakers", "both", "de", "admin")
    with connect() as connection:
        connection.execute(delete(SYNONYM))
        use_starter(monkeypatch, SNEAKERS, replace(off, enabled=True))
        load_starter(connection)
        load_file(connection, f"{HEADER}Latschen,sneakers,both,de,admin,true\n")
        switched = update(SYNONYM).where(SYNONYM.c.phrase == off.phrase)
        connection.execute(switched.values(enabled=False))
    new = replace(SNEAKERS, phrase="Sneaker")
    use_starter(monkeypatch, new, replace(off, enabled=True))
    call_command("migrate", verbosity=0)
    with connect() as connection:
        assert set(rows(connection)) == {new, off, mine}
        found = connection.exec_driver_sql(
            "SELECT key FROM search.meaning WHERE value = 'sneakers' AND kind = 'word'"
        ).scalars()
        assert {"sneaker", "latschen"} <= set(found)


@pytest.mark.parametrize(
    ("phrase", "meaning", "language"),
    [
        ("Turnschuhe", "sneakers", "de"),
        ("rote", "red", "de"),
        ("roten", "red", "de"),
        ("für Damen", "women", "de"),
        ("Damen", "women", "de"),
        ("hombre", "men", "es"),
        ("en cuir", "leather", "fr"),
        ("cuir", "leather", "fr"),
        ("damska", "women", "pl"),
        ("pool slides", "slides", "en"),
    ],
)
def test_words_of_the_lexicon_are_rows(phrase: str, meaning: str, language: str) -> None:
    assert SynonymRow(phrase, meaning, "both", language, "starter") in starter.starter_rows()


def test_relations_between_concepts_are_rows() -> None:
    found = starter.starter_rows()
    assert SynonymRow("slides", "flip flops", "one-way", "en", "starter") in found
    assert SynonymRow("slides", "mules", "close", "en", "starter") in found


def test_a_word_for_search_takes_the_place_of_one_for_training() -> None:
    """In training, slides are mules."""
    mules = read_training_lexicon()["type"]["mules"]
    assert "slides" in [word.text for word in mules.words["en"]]
    assert "slides" not in starter.phrases(mules, "en")


def test_words_that_mean_nothing_alone_are_no_rows() -> None:
    phrases = {row.phrase.casefold() for row in starter.starter_rows()}
    assert not phrases & {"ihn", "her", "him", "lauf", "my son", "einen jungen"}


def test_an_update_changes_starter_rows_only(
    empty: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    vanishing = SynonymRow("kicks", "sneakers", "both", "en", "starter")
    use_starter(monkeypatch, SNEAKERS, vanishing)
    assert str(load_starter(empty)) == "2 added, 0 changed, 0 removed"
    mine = SynonymRow("Treter", "sneakers", "both", "de", "admin")
    load_file(empty, f"{HEADER}Treter,sneakers,both,de,admin,true\n")
    new = replace(SNEAKERS, phrase="Sneaker")
    one_way = replace(SNEAKERS, relation="one-way")
    use_starter(monkeypatch, one_way, new)
    assert str(load_starter(empty)) == "1 added, 1 changed, 1 removed"
    assert set(rows(empty)) == {one_way, new, mine}
    assert not load_starter(empty)


def test_a_starter_row_stays_off(empty: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    use_starter(monkeypatch, SNEAKERS)
    load_starter(empty)
    empty.execute(update(SYNONYM).values(enabled=False))
    use_starter(monkeypatch, replace(SNEAKERS, relation="close"))
    load_starter(empty)
    assert rows(empty) == [replace(SNEAKERS, relation="close", enabled=False)]


def test_a_row_of_an_admin_takes_the_place_of_a_starter_row(
    empty: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = replace(SNEAKERS, source="admin", relation="close")
    empty.execute(
        insert(SYNONYM).values(
            phrase=mine.phrase, meaning=mine.meaning, relation="close", language="de"
        )
    )
    use_starter(monkeypatch, SNEAKERS)
    assert not load_starter(empty)
    use_starter(monkeypatch)
    assert not load_starter(empty)
    assert rows(empty) == [mine]


def test_a_file_adds_changes_and_keeps(empty: Connection) -> None:
    first = f"{HEADER}Treter,sneakers,both,de,admin,true\nzapas,sneakers,,,,\n"
    assert load_file(empty, first) == []
    report = import_synonyms(
        empty,
        io.BytesIO(f"{HEADER}zapas,sneakers,,,,\nTreter,sneakers,close,de,,no\n".encode()),
    )
    assert str(report) == "0 added, 1 changed, 1 unchanged, 0 skipped"
    assert rows(empty) == [
        SynonymRow("Treter", "sneakers", "close", "de", "import", False),
        SynonymRow("zapas", "sneakers"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffphrase,meaning\r\n  Sport   Schuhe ,sports shoes\r\n",
        "\n\nMeaning;Phrase\nsports shoes;Sport Schuhe\n",
        'phrase\tmeaning\n"Sport\nSchuhe"\tsports shoes\n',
        "phrase,meaning\rSport Schuhe,sports shoes",
    ],
)
def test_files_of_spreadsheets(empty: Connection, text: str) -> None:
    assert load_file(empty, text) == []
    assert rows(empty) == [SynonymRow("Sport Schuhe", "sports shoes")]


def test_bad_lines_are_reported_and_the_others_imported(empty: Connection) -> None:
    lines = [
        *("kicks,sneakers,both,en,,", ",sneakers,,,,", "kicks,Kicks,,,,", "!?,sneakers,,,,"),
        *(f"{'x' * 101},sneakers,,,,", "a,b,equal,,,", "a,b,,german,,", "a,b,,,shop,"),
        *("a,b,,,,maybe", "a,b", "kicks,sneakers,close,en,,", "a\0,b,,,,", 'a,"b"c,,,,'),
        *("", "=1+1,+2,,,,", "mülls,b,,,,"),
    ]
    assert load_file(empty, HEADER + "\n".join(lines)) == [
        "line 3: phrase is empty",
        "line 4: phrase and meaning are the same: 'kicks'",
        "line 5: phrase has no letter or digit: '!?'",
        "line 6: phrase has 101 characters; the limit is 100",
        "line 7: relation is not one of both, one-way, close: 'equal'",
        "line 8: language is not a code such as en or de, or empty: 'german'",
        "line 9: source is not one of starter, admin, import, meaning: 'shop'",
        "line 10: enabled is neither true nor false: 'maybe'",
        "line 11: 2 cells, but the header has 6",
        "line 12: the same synonym is on line 2",
        "line 13: phrase contains a NUL character",
        "line 14: ',' expected after '\"'",
    ]
    assert [row.phrase for row in rows(empty)] == ["=1+1", "kicks", "mülls"]


def test_a_file_that_is_not_utf_8_is_reported_by_line(empty: Connection) -> None:
    file = io.BytesIO("phrase,meaning\nmülls,b\nc,d\n".encode("latin-1"))
    report = import_synonyms(empty, file)
    assert list(map(str, report.errors)) == [r"line 2: phrase is not UTF-8: 'm\udcfclls'"]
    assert (report.added, file.closed) == (1, False)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no column phrase or meaning: expected the header phrase,meaning,"),
        ("phrase,word\n", "no column meaning"),
        ("phrase,meaning,note\n", "unknown column 'note'"),
        ("phrase,meaning,phrase\n", "a column is there twice"),
    ],
)
def test_a_file_without_a_valid_header_is_rejected(
    empty: Connection, text: str, reason: str
) -> None:
    with pytest.raises(SynonymFileError, match=reason):
        load_file(empty, text)


def test_a_file_switches_starter_rows_off_and_does_not_create_any(
    empty: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_starter(monkeypatch, SNEAKERS)
    load_starter(empty)
    lines = "Turnschuhe,sneakers,close,de,starter,false\nTreter,sneakers,both,de,starter,true\n"
    assert load_file(empty, HEADER + lines) == []
    assert set(rows(empty)) == {
        replace(SNEAKERS, enabled=False),
        SynonymRow("Treter", "sneakers", "both", "de", "import"),
    }


def test_an_export_can_be_imported_again(connection: Connection) -> None:
    load_file(connection, f"{HEADER}Treter,sneakers,close,de,admin,no\n'=cmd,x,,,,\n")
    before, file = rows(connection), io.StringIO(newline="")
    assert export_synonyms(connection, file) == len(before)
    connection.execute(update(SYNONYM).values(enabled=False))
    report = import_synonyms(connection, io.BytesIO(file.getvalue().encode()))
    assert report.errors == []
    assert rows(connection) == before


@given(st.text(min_size=1), st.text(min_size=1), st.booleans())
def test_texts_survive_a_file(phrase: str, meaning: str, enabled: bool) -> None:
    try:
        row = parse_row({"phrase": phrase, "meaning": meaning, "enabled": str(enabled)})
    except FieldError:
        return
    file = io.StringIO(newline="")
    write_file(file, [row])
    assert list(read_file(io.BytesIO(file.getvalue().encode()))) == [row]


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "'=1", "''+1"])
def test_formulas_are_written_as_text(text: str) -> None:
    file = io.StringIO(newline="")
    write_file(file, [SynonymRow(text, "x")])
    assert file.getvalue().splitlines()[1].startswith("'" + text[:3])
    (row,) = read_file(io.BytesIO(file.getvalue().encode()))
    assert not isinstance(row, LineError)
    assert row.phrase == text


def test_all_languages_have_starter_rows() -> None:
    assert {row.language for row in starter.starter_rows()} == {*LANGUAGES, "tr"}
