"""The command on a catalogue without embeddings, so that only full-text search finds products."""

import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from PIL import Image

from catalog.evaluation.judgments import Judgment
from catalog.evaluation.setup_result import Setup
from catalog.importing import import_catalog
from catalog.search.filters import Filters
from shop.search_params import DEFAULT_LIMIT, SearchParams
from tests.data import QUERIES, needs_queries

HOSTILE = "<script>alert(1)</script> shirt"


@pytest.fixture
def catalogue(database: str, tmp_path: Path) -> None:
    Image.new("RGB", (300, 200), (200, 30, 30)).save(tmp_path / "a.png")
    rows = ["sku,title,product_type,images", f"A,{HOSTILE},Shirts,a.png", "B,plain shirt,Shirts,"]
    (tmp_path / "c.csv").write_text("\n".join(rows))
    import_catalog(tmp_path / "c.csv", tmp_path)


@pytest.mark.usefixtures("catalogue")
def test_table_json_and_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved, figures, page = (tmp_path / name for name in ("j.jsonl", "f.json", "r.html"))
    call_command(
        *("evaluate_search", "--derive", "titles", "--derive", "nonsense", "--sample", "5"),
        *("--signals", "lexical", "--save", str(saved), "--json", str(figures)),
        *("--report", str(page), "--verbosity", "0"),
    )
    table = capsys.readouterr().out
    assert "| titles (2) " in table
    assert "| nonsense queries with hits " in table
    (setup,) = json.loads(figures.read_text())["setups"]
    assert setup["signals"] == ["lexical"]
    assert setup["kinds"]["titles"]["measures"]["MRR"]["mean"] == 1
    assert len(setup["thresholds"]) == 51
    html = page.read_text()
    assert "<script" not in html
    assert "http" not in html.replace("http-equiv", ""), "one page, no network"

    call_command("evaluate_search", str(saved), "--signals", "lexical", "--verbosity", "0")
    assert "| titles (2) " in capsys.readouterr().out


@pytest.mark.usefixtures("catalogue")
def test_report_shows_wrong_hits_and_escapes_text(tmp_path: Path) -> None:
    judged, page = tmp_path / "j.jsonl", tmp_path / "r.html"
    record = {"id": "<b>", "kind": "<i>", "text": HOSTILE, "relevant": ["B"]}
    judged.write_text(json.dumps(record))
    call_command(
        *("evaluate_search", str(judged), "--signals", "lexical"),
        *("--report", str(page), "--verbosity", "0"),
    )
    html = page.read_text()
    assert 'class="wrong"' in html
    assert "data:image/webp;base64," in html
    assert "&lt;script&gt;" in html
    assert not [
        tag for tag in ("<script", "<b>&lt;", "<i>", "<I>") if tag in html.replace("<i></i>", "")
    ]


def test_page_is_the_search_of_the_shop() -> None:
    filters = Filters({"colour": ("Red",)})
    judgment = Judgment("1", 1, "red shirt", like="A", filters=filters)
    picture = b"a picture"
    params = SearchParams(text="red shirt", like="A", filters=filters)
    assert Setup(page=True).spec(judgment, DEFAULT_LIMIT, picture) == params.spec((picture,))


@pytest.mark.usefixtures("catalogue")
def test_page_of_several_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures, page = tmp_path / "f.json", tmp_path / "r.html"
    records = {
        "one.jsonl": {"id": "1", "kind": "right", "text": "plain shirt", "relevant": ["B"]},
        "two.jsonl": {"id": "1", "kind": "empty", "text": "trousers", "relevant": ["A", "B"]},
        "no.jsonl": {"id": "1", "kind": "nonsense", "text": "asdf", "relevant": []},
    }
    for name, record in records.items():
        (tmp_path / name).write_text(json.dumps(record))
    call_command(
        *("evaluate_search", *(str(tmp_path / name) for name in records), "--page"),
        *("--signals", "lexical", "--json", str(figures), "--report", str(page)),
        *("--verbosity", "0"),
    )
    table = capsys.readouterr().out
    assert "the shop's page, the first 24 hits" in table
    assert [row for row in ("| right (1) ", "| empty (1) ", "| all (2) ") if row not in table] == []
    said = json.loads(figures.read_text())
    (setup,) = said["setups"]
    assert (said["page"], said["depth"], setup["page"]) == (True, 24, True)
    kinds = {kind: (of["answered"], of["measures"]) for kind, of in setup["kinds"].items()}
    assert {kind: (hits, of["nDCG@10"]["mean"]) for kind, (hits, of) in kinds.items()} == {
        "right": (1, 1),
        "empty": (0, 0),
    }
    assert (setup["all"]["queries"], setup["all"]["measures"]["MRR"]["mean"]) == (2, 0.5)
    assert setup["nonsense"] == {"queries": 1, "answered": 0}
    html = page.read_text()
    assert "Nothing found." in html
    assert "2 relevant, not among the first hits" in html
    assert '<dt>searched for</dt><dd dir="auto">trousers</dd>' in html


@needs_queries
@pytest.mark.slow
@pytest.mark.usefixtures("database")
def test_public_judgments_are_read_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    products = str(QUERIES / "products_priced.csv")
    call_command("import_catalog", products, "--map", "Image=", "--verbosity", "0")
    capsys.readouterr()
    files = [str(QUERIES / name) for name in ("shoppers.jsonl", "languages.jsonl")]
    call_command("evaluate_search", *files, "--signals", "lexical", "--verbosity", "0")
    table = capsys.readouterr().out
    assert "| synonym (15) " in table
    assert "| de (10) " in table
    assert "| all (98) " in table


@pytest.mark.usefixtures("catalogue")
def test_the_default_model_is_recorded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    judged, figures, page = (tmp_path / name for name in ("j.jsonl", "f.json", "r.html"))
    judged.write_text(json.dumps({"id": "1", "text": "shirt", "relevant": ["A"]}))
    for name in ("fashion", "imagenet"):
        call_command("set_default_model", name, force=True, verbosity=0)
        call_command(
            *("evaluate_search", str(judged), "--signals", "lexical", "--json", str(figures)),
            *("--report", str(page), "--verbosity", "0"),
        )
        assert json.loads(figures.read_text())["default_model"] == name
        assert f"The default model is {name}.\n" in capsys.readouterr().out
        assert f"The default model is <b>{name}</b>." in page.read_text()


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize(
    ("arguments", "depth", "window", "precision"),
    [([], 2, 2, 2 / 3), (["--depth", "1"], 1, 2, 1 / 3), (["--depth", "3"], 3, 3, 1)],
)
def test_window_of_the_shop_is_measured(
    arguments: list[str],
    depth: int,
    window: int,
    precision: float,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "c.csv").write_text("sku,title\nC,striped shirt\n")
    import_catalog(tmp_path / "c.csv", tmp_path)
    monkeypatch.setenv("SEARCH_WINDOW", "2")
    judged, figures, page = (tmp_path / name for name in ("j.jsonl", "f.json", "r.html"))
    judged.write_text(json.dumps({"id": "1", "text": "shirt", "relevant": ["A", "B", "C"]}))
    call_command(
        *("evaluate_search", str(judged), "--signals", "lexical", "--json", str(figures)),
        *("--report", str(page), "--verbosity", "0", *arguments),
    )
    said = json.loads(figures.read_text())
    assert (said["depth"], said["window"]) == (depth, window)
    mean = said["setups"][0]["kinds"][""]["measures"]["mAP"]["mean"]
    assert mean == pytest.approx(precision)
    assert f"first {depth} hits of a window of {window}" in capsys.readouterr().out
    assert f"the first {depth} hits of a window of {window}" in page.read_text()


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "either judgments files or --derive"),
        (["j.jsonl", "--derive", "titles"], "either judgments files or --derive"),
        (["j.jsonl", "--save", "x"], "--save requires --derive"),
        (["bad.jsonl"], "bad.jsonl: line 1: not JSON"),
        (["missing.jsonl"], "missing.jsonl: No such file"),
        (["good.jsonl", "bad.jsonl"], "bad.jsonl: line 1: not JSON"),
        (["good.jsonl", "--model", "imagenet"], "good.jsonl: line 1: imagenet"),
        (["--derive", "titles", "--model", "nobody"], "nobody"),
    ],
)
def test_misuse_has_status_2(
    arguments: list[str], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.jsonl").write_text("{")
    (tmp_path / "good.jsonl").write_text('{"id": "1", "text": "shirt", "relevant": ["A"]}')
    with pytest.raises(CommandError, match=reason) as raised:
        call_command("evaluate_search", *arguments, "--verbosity", "0")
    assert raised.value.returncode == 2


@pytest.mark.parametrize(
    "arguments",
    [["--signals", "smell"], ["--signals", "text+text"], ["--fusion", "cold"], ["--depth", "1001"]],
)
def test_unknown_choices_are_rejected(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("evaluate_search", "--derive", "titles", *arguments)
