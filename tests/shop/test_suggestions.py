"""The command suggest_synonyms and the admin's page of suggestions."""

import re
from dataclasses import replace
from html import unescape

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client

from catalog.db.connection import connect
from catalog.search.vocabulary import refresh_vocabulary
from catalog.synonyms.row import SynonymRow
from catalog.synonyms.store import upsert
from catalog.synonyms.unknown_words import Proposal, UnknownWord, store_unknown_words
from catalog.tables import PRODUCT
from shop.management.commands import suggest_synonyms
from shop.models import Synonym
from tests.fakes import LettersAndColours

LIST = "/admin/shop/synonym/"
PAGE = f"{LIST}suggestions/"
SANDALS = Proposal("Sandals", "one-way", "name", 0.8, 0.62, False, "Schlappen")
HOSTILE = "<script>alert('w')</script>"
ZORIS = UnknownWord("zoris", 5, 2, (SANDALS, replace(SANDALS, meaning="Red", way="vote", like="")))


@pytest.fixture
def admin(admin: Client) -> Client:
    """The shop sells sandals, and two unknown words are stored."""
    with connect() as connection:
        connection.execute(
            PRODUCT.insert(), [{"sku": "A", "title": "A", "product_type": "Sandals"}]
        )
        refresh_vocabulary(connection)
        store_unknown_words(connection, [ZORIS, UnknownWord("gumboots", 9, 1)])
    return admin


def page(admin: Client) -> str:
    response = admin.get(PAGE)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def words(admin: Client) -> list[str]:
    return re.findall(r'<th scope="row">([^<]*)</th>', page(admin))


def answer(admin: Client, **typed: str) -> str:
    response = admin.post(PAGE, typed, follow=True)
    assert response.redirect_chain == [(PAGE, 302)]
    return unescape(response.content.decode())


def test_the_list_leads_to_the_words_and_their_proposals(admin: Client) -> None:
    assert f'href="{PAGE}"' in admin.get(LIST).content.decode()
    assert words(admin) == ["zoris", "gumboots"]
    text = page(admin)
    assert "<td>2 of 5 found nothing</td>" in text
    assert "like Schlappen, right in 62 %" in text
    assert "by pictures, right in 62 %" in text
    assert '<option value="one-way" selected' in text
    assert "add/?phrase=gumboots" in text


def test_a_proposal_is_accepted_with_the_chosen_relation(admin: Client) -> None:
    shown = answer(admin, word="zoris", meaning="Sandals", relation="both", accept="1")
    assert "Zoris means Sandals (both)" in shown
    row = Synonym.objects.get(phrase="zoris")
    assert (row.meaning, row.relation, row.source, row.enabled) == (
        "Sandals",
        "both",
        "admin",
        True,
    )
    assert words(admin) == ["gumboots"]
    with connect() as connection:
        understood = connection.exec_driver_sql("SELECT keys FROM search.understand('zoris')")
        assert understood.scalar() == ["product_type=sandals"]


def test_a_word_is_dismissed(admin: Client) -> None:
    assert "Zoris is not suggested again" in answer(admin, word="zoris", dismiss="1")
    assert words(admin) == ["gumboots"]
    assert not Synonym.objects.exists()


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ({"meaning": ""}, "Meaning is empty"),
        ({"word": "x" * 101}, "Phrase has 101 characters"),
        ({"relation": "equal"}, "Relation is not one of both, one-way, close: 'equal'"),
        ({"meaning": "Zoris"}, "Phrase and meaning are the same"),
        ({"dismiss": "1", "word": ""}, "Phrase is empty"),
        ({"word": "zo\x00ris"}, "Phrase contains a NUL character"),
    ],
)
def test_invalid_answers_are_reported(admin: Client, typed: dict[str, str], reason: str) -> None:
    valid = {"word": "zoris", "meaning": "Sandals", "relation": "both"}
    assert reason in answer(admin, **valid | typed)
    assert not Synonym.objects.exists()
    assert words(admin) == ["zoris", "gumboots"]


def test_nothing_is_written_by_a_link(admin: Client) -> None:
    admin.get(PAGE, {"word": "zoris", "meaning": "Sandals", "relation": "both", "dismiss": "1"})
    assert words(admin) == ["zoris", "gumboots"]
    assert not Synonym.objects.exists()


def test_a_form_of_another_site_is_refused(admin: Client) -> None:
    admin.handler.enforce_csrf_checks = True
    assert admin.post(PAGE, {"word": "zoris", "dismiss": "1"}).status_code == 403
    assert words(admin) == ["zoris", "gumboots"]


def test_words_and_meanings_are_escaped(admin: Client) -> None:
    with connect() as connection:
        hostile = replace(SANDALS, meaning=HOSTILE, like=HOSTILE)
        store_unknown_words(connection, [UnknownWord(HOSTILE, 1, 1, (hostile,))])
    text = page(admin)
    assert "<script>alert" not in text
    assert text.count("&lt;script&gt;alert") >= 3


def test_only_those_who_may_change_synonyms_answer(admin: Client) -> None:
    admin.force_login(bob := User.objects.create_user("bob", is_staff=True))
    bob.user_permissions.add(Permission.objects.get(codename="add_synonym"))
    bob.user_permissions.add(Permission.objects.get(codename="view_synonym"))
    assert admin.get(PAGE).status_code == 403
    assert admin.post(PAGE, {"word": "zoris", "dismiss": "1"}).status_code == 403
    admin.force_login(User.objects.create_user("eve"))
    assert admin.get(PAGE).status_code == 302


def test_many_words_are_counted(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shop.admin.synonyms.MAX_LISTED_WORDS", 1)
    assert words(admin) == ["zoris"]
    assert "and 1 more" in page(admin)
    with connect() as connection:
        store_unknown_words(connection, [])
    assert "There are no suggestions" in page(admin)


@pytest.fixture
def fake(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggest_synonyms, "stored_encoder", LettersAndColours)
    with connect() as connection:
        upsert(connection, [SynonymRow("Schlappen", "Sandals", "one-way", "de")])
        upsert(connection, [SynonymRow("Latschen", "Sandals", "both", "de")])
        connection.exec_driver_sql(
            "INSERT INTO query_log (text, searches, unanswered)"
            " VALUES ('latschenmodell', 4, 3), ('quux', 1, 0)"
        )


def test_the_command_prints_and_stores(fake: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("suggest_synonyms", limit=1)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split() == [
        *("word", "unanswered", "searches", "proposal", "score", "right", "above", "bar", "by")
    ]
    assert re.fullmatch(
        r"latschenmodell  3           4         Sandals   0\.\d\d   \d+%  +no +name: Latschen",
        printed[1],
    )
    assert printed[2].startswith("by name with fashion: not measured: no known word")
    assert not Synonym.objects.filter(source="meaning").exists()
    with connect() as connection:
        stored = connection.exec_driver_sql("SELECT word FROM unknown_word").scalars().all()
    assert stored == ["latschenmodell"]


def test_the_command_applies(
    fake: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("catalog.synonyms.suggestions.choose_bar", lambda *_: 0.3)
    call_command("suggest_synonyms", apply=True)
    assert capsys.readouterr().out.endswith("1 close synonyms written\n")
    row = Synonym.objects.get(source="meaning")
    assert (row.phrase, row.meaning, row.relation) == ("latschenmodell", "Sandals", "close")
    call_command("suggest_synonyms", verbosity=0)
    assert "latschenmodell" not in capsys.readouterr().out


def test_without_unknown_words_the_command_says_so(
    admin: Client, fake: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with connect() as connection:
        connection.exec_driver_sql("DELETE FROM query_log")
    call_command("suggest_synonyms")
    assert capsys.readouterr().out.startswith("All words of logged queries are known.\n")
    assert words(admin) == []
