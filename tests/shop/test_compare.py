"""The page that compares searches, with two models that are not real."""

import json
import re
from collections.abc import Iterator
from html import unescape
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.http import QueryDict
from django.test import Client, override_settings
from django.test.utils import setup_test_environment, teardown_test_environment
from hypothesis import given
from hypothesis import strategies as st

from catalog.db.connection import connect
from catalog.evaluation.judgments import read_judgments
from catalog.evaluation.product_lookup import Catalogue
from catalog.importing import import_catalog
from catalog.indexing import fill
from catalog.search.facets import Facet
from embedding import encoder
from embedding.encoder import Encoder, EncoderError
from embedding.registry import ModelSpec
from shop import comparison
from shop.compare_params import ColumnSetup, CompareParams
from shop.errors import try_search
from shop.forms import CompareForm
from shop.search_params import SearchParams
from tests.catalog.test_search import picture
from tests.conftest import fresh_database
from tests.fakes import COLOURS, WordsAndColours
from tests.shop.test_pictures import PLAIN_STORAGE

pytestmark = pytest.mark.slow

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module", autouse=True)
def shop(template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Shirts and shoes in five colours, embedded by two models of different dimensions."""
    folder = tmp_path_factory.mktemp("compare")
    rows = ["sku,title,product_type,colour,price,images"]
    for colour in COLOURS:
        (folder / f"{colour}.png").write_bytes(picture(colour))
        rows += [
            f"{colour}-{kind},{colour} {kind},{kind},{colour},20,{colour}.png"
            for kind in ("shirt", "shoe")
        ]
    (folder / "c.csv").write_text("\n".join(rows))
    with pytest.MonkeyPatch.context() as patch, fresh_database(template):
        patch.setenv("MEDIA_ROOT", str(folder / "media"))
        patch.setenv("MODELS", "fashion,clip")
        patch.setattr(encoder, "_loads", {})
        for loader in ("fashion", "checkpoint"):
            patch.setattr(
                f"embedding.loaders.{loader}.load", lambda spec, device: WordsAndColours(spec.name)
            )
        import_catalog(folder / "c.csv", folder)
        for model in ("fashion", "clip"):
            for modality in ("text", "image"):
                fill(WordsAndColours(model), modality)
        with override_settings(
            STORAGES=PLAIN_STORAGE,
            QUERY_PICTURE_DIR=folder / "query",
            JUDGED_PICTURE_DIR=folder / "judged",
        ):
            setup_test_environment(debug=False)  # responses keep the context of their templates
            User.objects.create_user("visitor")
            User.objects.create_user("ada", is_staff=True)
            yield
            teardown_test_environment()


def client(name: str = "ada", **options: Any) -> Client:
    who = Client(headers={"host": "localhost"}, **options)
    if name:
        who.force_login(User.objects.get(username=name))
    return who


def get(address: str, who: Client | None = None) -> Any:
    response = (who or client()).get(address)
    assert response.status_code == HTTPStatus.OK
    return response


def setups(response: Any) -> list[str]:
    return [str(setup) for setup in response.context["comparison"].columns]


def tokens(response: Any) -> list[str]:
    return re.findall(r'name="token" value="([^"]+)"', response.content.decode())


def judge(page: Any, verdict: str, who: Client | None = None, number: int = 0) -> Any:
    data = {"token": tokens(page)[number], "verdict": verdict}
    return (who or client()).post("/compare/verdict/", data, follow=True)


def count() -> int:
    with connect() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM comparison").scalar_one())


@pytest.mark.parametrize("name", ["", "visitor"])
def test_only_staff_gets_in(name: str) -> None:
    who = client(name)
    for response in (
        who.get("/compare/?q=red"),
        who.post("/compare/verdict/", {"token": "x", "verdict": "left"}),
        who.post("/compare/picture/", {"state": "q=red"}),
    ):
        assert response.status_code == HTTPStatus.FOUND
        assert response["location"].startswith("/admin/login/?next=/compare/")
    with override_settings(COMPARE_OPEN=True):
        page = get("/compare/?q=red", who)
        before = count()
        assert "Stored: " in judge(page, "left", who).content.decode()
        assert count() == before + 1


def test_columns_have_the_results_of_their_setups() -> None:
    page = get("/compare/?q=red+shirt&column=fashion&column=clip,signals=image&column=clip+fashion")
    assert setups(page) == ["fashion", "clip,signals=image", "clip+fashion"]
    first, second, third = page.context["columns"]
    assert {it.name for hit in second.results for it in hit.signals} == {"image"}
    assert {it.model for it in first.results.hits[0].signals} == {"", "fashion"}
    assert {it.model for it in third.results.hits[0].signals} == {"", "clip", "fashion"}
    assert first.skus[0] == third.skus[0] == "red-shirt"
    card = first.cards[0]
    assert card.elsewhere == (("B", second.skus.index("red-shirt") + 1), ("C", 1))
    assert [(it.left.letter, it.right.letter) for it in page.context["pairs"]] == [
        *(("A", "B"), ("A", "C"), ("B", "C"))
    ]


def test_columns_of_one_page_show_the_products_of_the_search_page() -> None:
    """The columns use the one search pipeline."""
    (column, _) = get("/compare/?q=red+shirt").context["columns"]
    found = get("/?q=red+shirt", client("")).context["results"]
    assert column.skus == tuple(hit.sku for hit in found.hits)


def test_the_search_page_offers_two_models_in_tandem() -> None:
    page = get("/?q=red+shirt&model=fashion%2Bclip", client(""))
    assert '<option value="clip+fashion" title="Both models together" selected>' in (
        page.content.decode()
    )
    assert {it.model for it in page.context["results"].hits[0].signals} == {"", "clip", "fashion"}


def test_equal_columns_are_as_alike_as_can_be() -> None:
    (pair,) = get("/compare/?q=red&column=default&column=fashion").context["pairs"]
    assert (pair.overlap, pair.similarity) == (1, pytest.approx(1))


def test_the_form_leads_to_the_short_address() -> None:
    parts = "column_model=fashion&column_signals=&column_fusion=rrf&column_min_match="
    other = "&column_model=clip&column_signals=text%2Bimage&column_fusion=&column_min_match=5"
    unused = "&column_model=&column_signals=text&column_fusion=&column_min_match="
    response = client().get(f"/compare/?q=red&colour=red&{parts}{other}{unused}")
    assert response.status_code == HTTPStatus.FOUND
    assert parse_qs(urlsplit(response["location"]).query) == {
        "q": ["red"],
        "colour": ["red"],
        "column": ["fashion,fusion=rrf", "clip,signals=text+image,min_match=5"],
    }


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        ("nope", "there is no model “nope”; there is fashion and clip"),
        ("fashion+clip+nope", "there is no model “nope”"),
        ("clip,fusion=best", "there is no fusion “best”"),
        ("clip,signals=text+smell", "there is no signal “smell”"),
        ("clip,min_match=101", "min_match must be a whole number from 0 to 100"),
        ("clip,min_match=%C2%B2", "min_match must be a whole number"),
        ("clip,size=3", "“size=3” is not an option"),
        ("clip,fusion=rrf,fusion=rrf", "fusion is there twice"),
        ("x" * 300, "it is too long"),
        (HOSTILE, "there is no model"),
    ],
)
def test_unknown_columns_are_left_out_with_a_note(column: str, reason: str) -> None:
    page = get(f"/compare/?q=red&column=clip&column={column.replace('+', '%2B')}")
    assert setups(page) == ["clip", "default"]
    assert reason in " ".join(page.context["notes"])
    assert HOSTILE not in page.content.decode()


def test_there_are_at_most_four_columns_each_once() -> None:
    names = ["clip,+min_match=1", *(f"clip,min_match={share}" for share in (1, 2, 3, 4, 5))]
    page = get("/compare/?q=red&" + "&".join(f"column={name}" for name in names))
    assert setups(page) == [f"clip,min_match={share}" for share in (1, 2, 3, 4)]
    assert len(page.context["notes"]) == 2


def test_a_failed_column_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(spec: ModelSpec, device: str) -> Encoder:
        raise EncoderError("secret details")

    monkeypatch.setattr(encoder, "_loads", {})
    monkeypatch.setattr("embedding.loaders.checkpoint.load", fail)
    page = get(
        "/compare/?q=red+never+asked+before&column=clip&column=fashion&column=fashion,fusion=rrf"
    )
    first, second, third = page.context["columns"]
    assert "not available" in first.notes[0]
    assert not first.ran_as_set
    assert second.cards
    assert third.cards
    assert len(tokens(page)) == 1, "only B and C can be judged"
    assert "secret" not in page.content.decode()


def test_an_error_of_the_database_stays_in_its_column(monkeypatch: pytest.MonkeyPatch) -> None:

    def broken(connection: Any, spec: Any) -> Any:
        if spec.model == "clip":
            connection.exec_driver_sql("SELECT 1/0")
        return try_search(connection, spec)

    monkeypatch.setattr(comparison, "try_search", broken)
    first, second = get("/compare/?q=red&column=clip&column=fashion").context["columns"]
    assert first.problem == "The database could not run this search."
    assert second.cards


def test_a_model_without_tables_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with connect() as connection:
        connection.exec_driver_sql("DELETE FROM model WHERE name = 'clip'")
    try:
        page = get("/compare/?q=red&column=clip&column=fashion")
        assert setups(page) == ["fashion", "default"]
        assert "run ./manage.py add_model clip" in page.context["notes"][0]
    finally:
        with connect() as connection:
            connection.exec_driver_sql(
                "INSERT INTO model (name, label, dimensions, modalities)"
                " VALUES ('clip', 'CLIP', 512, '{text,image}')"
            )


def test_without_a_query_nothing_is_searched() -> None:
    page = get("/compare/?column=clip&column=fashion")
    assert page.context["columns"] == []
    assert "Search with words, a picture or both" in page.content.decode()


def test_a_picture_keeps_the_columns_and_its_file() -> None:
    who = client()
    state = "q=shirt&column=clip&column=fashion,fusion=rrf"
    file = SimpleUploadedFile("a.png", picture("blue"))
    response = who.post("/compare/picture/", {"state": state, "file": file})
    assert response.status_code == HTTPStatus.SEE_OTHER
    page = get(response["location"], who)
    assert setups(page) == ["clip", "fashion,fusion=rrf"]
    (digest,) = page.context["state"].pictures
    assert page.context["columns"][0].skus[0] == "blue-shirt"
    judge(page, "left", who)
    with connect() as connection:
        row = connection.exec_driver_sql("SELECT * FROM comparison ORDER BY id DESC LIMIT 1").one()
    assert (row.text, row.pictures, row.verdict, row.username) == ("shirt", [digest], "left", "ada")
    assert (row.left_setup, row.right_setup) == ("clip", "fashion,fusion=rrf")
    assert row.left_skus[0] == "blue-shirt"


@pytest.mark.parametrize("content", [b"", b"not a picture"])
def test_a_bad_upload_shows_the_page_with_a_note(content: bytes) -> None:
    data: dict[str, Any] = {"state": "q=red&column=clip&column=fashion"}
    if content:
        data["file"] = SimpleUploadedFile("a.png", content)
    response = client().post("/compare/picture/", data, follow=True)
    assert setups(response) == ["clip", "fashion"]
    assert "picture" in response.context["notes"][0]


def test_the_page_shows_ones_own_last_verdict() -> None:
    address = "/compare/?q=white+shoe&column=clip&column=fashion"
    judge(get(address), "left")
    page = judge(get(address), "right")
    assert page.redirect_chain[0][0].endswith("#verdicts")
    assert "Stored: fashion is better." in page.content.decode()
    assert page.context["pairs"][0].verdict == "right"
    swapped = get("/compare/?q=white+shoe&column=fashion&column=clip")
    assert swapped.context["pairs"][0].verdict == "left"
    assert get("/compare/?q=white&column=clip&column=fashion").context["pairs"][0].verdict is None


def test_forged_verdicts_are_refused() -> None:
    token = tokens(get("/compare/?q=red"))[0]
    before = count()
    for data in (
        {"token": token[:-3] + "abc", "verdict": "left"},
        {"token": token, "verdict": "best"},
        {"token": token},
        {"verdict": "left"},
    ):
        page = client().post("/compare/verdict/", data, follow=True)
        assert "could not be stored" in page.content.decode()
    assert client().get("/compare/verdict/").status_code == HTTPStatus.METHOD_NOT_ALLOWED
    strict = client(enforce_csrf_checks=True)
    for address in ("/compare/verdict/", "/compare/picture/"):
        data = {"token": token, "verdict": "left"}
        assert strict.post(address, data).status_code == HTTPStatus.FORBIDDEN
    assert count() == before


def test_words_are_escaped() -> None:
    page = get("/compare/?q=%3Cscript%3Ealert(1)%3C/script%3E+shirt&colour=%3Cb%3E&like=%3Ci%3E")
    content = page.content.decode()
    assert HOSTILE not in content
    assert "<b>" not in content
    assert HOSTILE in unescape(content)


def test_verdicts_become_judgments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with connect() as connection:
        connection.exec_driver_sql("TRUNCATE comparison")
    who = client()
    address = "/compare/?q=red+shoe&colour=red&colour=blue&max_price=20.50&in_stock=1"
    columns = "&column=default,min_match=0&column=default,min_match=99"
    page = get(address + columns, who)
    left, right = page.context["columns"]
    assert set(left.skus) > set(right.skus)
    judge(page, "left", who)
    file = SimpleUploadedFile("a.png", picture("green"))
    upload = who.post("/compare/picture/", {"state": columns[1:], "file": file})
    picture_page = get(upload["location"], who)
    judge(picture_page, "left", who)
    out = tmp_path / "verdicts.jsonl"
    call_command("export_comparisons", str(out))
    output = capsys.readouterr()
    assert "| default,min_match=0 | default,min_match=99 | 2 | 0 | 0 | 0.500 |" in output.out
    assert not output.err
    with connect() as connection:
        judgments = read_judgments(out, Catalogue(connection))
    pictured, words = sorted(judgments, key=lambda it: it.text)
    assert words.text == "red shoe"
    assert set(words.filters.values["colour"]) == {"red", "blue"}
    assert str(words.filters.max_price) == "20.5"
    assert set(words.relevant) == set(left.skus[:5]) - set(right.skus[:5])
    assert pictured.image is not None
    assert pictured.image.parent.name == "verdicts_pictures"
    assert json.loads(out.read_text().splitlines()[0])["kind"] == "comparison"


text = st.text(st.characters(codec="utf-8"), max_size=30)
option = st.sampled_from(["clip", "fashion", "signals=text", "min_match=4", "fusion=rrf", "+", "="])


@given(columns=st.lists(st.one_of(text, st.lists(option, max_size=4).map(",".join)), max_size=20))
def test_any_columns_become_valid_ones(columns: list[str]) -> None:
    parameters = QueryDict(mutable=True)
    parameters.setlist("column", columns)
    form = CompareForm(parameters, [Facet("column", "Column")])
    found = form.comparison
    assert len(found.columns) <= 4
    again = CompareForm(QueryDict(urlsplit(found.url()).query))
    assert again.comparison == found
    assert again.notes == []


def test_plus_signs_survive_the_address() -> None:
    setup = ColumnSetup("clip+fashion", ("text", "image"), "rrf", 5)
    params = CompareParams(SearchParams("red & blue"), (setup,))
    form = CompareForm(QueryDict(params.query()))
    assert form.comparison == params
    by_hand = CompareForm(
        QueryDict("column=fashion+clip,signals=image+text,fusion=rrf,min_match=5")
    )
    assert by_hand.comparison.columns == (setup,)
