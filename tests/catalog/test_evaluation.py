"""Evaluation: judgments are read strictly, metrics match hand counts, judgments can be derived."""

import json
from collections.abc import Iterator
from decimal import Decimal
from math import log2
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sqlalchemy import Connection

from catalog import config
from catalog.db.connection import connect
from catalog.evaluation import query_rows
from catalog.evaluation.derive_judgments import KINDS, derive, save_records
from catalog.evaluation.judgment_parsers import FormatError
from catalog.evaluation.judgments import Judgment, JudgmentError, parse_judgments, read_judgments
from catalog.evaluation.metrics import NAMES, estimate, measure
from catalog.evaluation.product_lookup import Catalogue, Product
from catalog.evaluation.query_rows import bad_rankings
from catalog.evaluation.report_tables import answered, measure_tables
from catalog.evaluation.runner import run_judgments
from catalog.evaluation.setup_result import Setup, SetupResult
from catalog.evaluation.threshold_curves import thresholds
from catalog.evaluation.typo_generator import add_typo
from catalog.evaluation.variant_grades import grade_cards
from catalog.importing import import_catalog
from catalog.search.filters import Filters
from catalog.search.results import Hit, Results, Signal, Timings
from catalog.search.search_spec import SearchSpec
from catalog.search.understanding import Part

ROWS = """sku,title,product_type,gender,colour,price,pattern,images
H1,Red Heels,Heels,Women,Red,30,plain,a.png
H2,Red Heels,Heels,Women,Red,40,plain,b.png
H3,Black Heels,Heels,Women,Black,50,plain,c.png
F1,Green Flats,Flats,Women,Green,20,plain,d.png
S1,Floral Shirt,Shirts,Men,White,25,floral,
B1,Bag,Bags,,,10,,e.png
"""


@pytest.fixture(scope="module")
def connection(template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    from tests.conftest import fresh_database

    folder = tmp_path_factory.mktemp("evaluation")
    for number, name in enumerate("abcde"):
        Image.new("RGB", (8, 8), (40 * number, 90, 90)).save(folder / f"{name}.png")
    (folder / "c.csv").write_text(ROWS)
    with pytest.MonkeyPatch.context() as patch, fresh_database(template):
        patch.setenv("MEDIA_ROOT", str(folder / "media"))
        import_catalog(folder / "c.csv", folder)
        with connect() as connection:
            yield connection


@pytest.fixture(scope="module")
def catalogue(connection: Connection) -> Catalogue:
    return Catalogue(connection)


def parse(catalogue: Catalogue, folder: Path = Path(), **record: Any) -> Judgment:
    record = {"id": "q", "text": "red heels", "relevant": ["H1"]} | record
    return parse_judgments([(1, record)], folder, catalogue)[0]


# -- judgments


def test_relevant_as_skus_grades_and_conditions(catalogue: Catalogue) -> None:
    assert parse(catalogue, relevant=["H1", "H2"]).relevant == {"H1": 1, "H2": 1}
    assert parse(catalogue, relevant={"H1": 3, "H3": 1}).relevant == {"H1": 3, "H3": 1}
    both = {"product_type": ["Heels", "Flats"], "colour": ["Red", "Green"]}
    assert set(parse(catalogue, relevant=both).relevant) == {"H1", "H2", "F1"}
    assert set(parse(catalogue, relevant={"pattern": ["floral"]}).relevant) == {"S1"}
    assert parse(catalogue, relevant=[]).is_nonsense


def test_relevant_excludes_products_that_cannot_be_found(catalogue: Catalogue) -> None:
    heels = {"product_type": ["Heels"]}
    cheap = parse(catalogue, relevant=heels, filters={"max_price": 40, "gender": ["Women"]})
    assert cheap.filters == Filters({"gender": ("Women",)}, max_price=Decimal(40))
    assert set(cheap.relevant) == {"H1", "H2"}
    assert set(parse(catalogue, relevant=heels, exclude=["H1"]).relevant) == {"H2", "H3"}
    like = parse_judgments([(1, {"id": "l", "like": "H1", "relevant": heels})], Path(), catalogue)
    assert set(like[0].relevant) == {"H2", "H3"}


def test_read_file_with_relative_picture_path(catalogue: Catalogue, tmp_path: Path) -> None:
    (tmp_path / "p.png").write_bytes(b"a picture")
    lines = [
        {"id": "1", "image": "p.png", "relevant": ["H1"]},
        {"id": "2", "text": "☂", "relevant": []},
    ]
    text = "\ufeff" + "\r\n".join(map(json.dumps, lines)) + "\n\n"
    (tmp_path / "j.jsonl").write_text(text)
    first, second = read_judgments(tmp_path / "j.jsonl", catalogue)
    assert first.image == tmp_path / "p.png"
    assert (second.text, second.line) == ("☂", 2)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"colour": "red"}, "unknown key 'colour'"),
        ({"id": 7}, "'id' must be a text"),
        ({"id": " "}, "'id' is empty"),
        ({"text": "\x00 \x00"}, "'text' is empty"),
        ({"text": "\ud800"}, "lone surrogate"),
        ({"text": None}, "'text' must be a text"),
        ({"image": "gone.png"}, "no picture file"),
        ({"image": "/"}, "no picture file"),
        ({"image": "a\x00b"}, "NUL"),
        ({"like": "X"}, "no product with the SKU 'X'"),
        ({"exclude": ["X"]}, "no product with the SKU 'X'"),
        ({"exclude": "H1"}, "'exclude' must be a list"),
        ({"relevant": ["X"]}, "no product with the SKU 'X'"),
        ({"relevant": ["H1", "H1"]}, "contains 'H1' twice"),
        ({"relevant": "H1"}, "'relevant' must be"),
        ({"relevant": {}}, "'relevant' must be"),
        ({"relevant": {"H1": 0}}, "the grade of 'H1'"),
        ({"relevant": {"H1": True}}, "the grade of 'H1'"),
        ({"relevant": {"H1": 10**30}}, "the grade of 'H1'"),
        ({"relevant": {"H1": Decimal("1.5")}}, "the grade of 'H1'"),
        ({"relevant": {"H1": 1, "colour": ["Red"]}}, "the grade of 'colour'"),
        ({"relevant": {"colour": []}}, "'colour' is an empty list"),
        ({"relevant": {"color": ["Red"]}}, "no product has a field 'color'"),
        ({"relevant": {"colour": ["Rde"]}}, "no product has 'Rde' as its colour"),
        ({"relevant": {"colour": ["Red"], "product_type": ["Flats"]}}, "no product matches all"),
        ({"exclude": ["H1"]}, "no relevant product is left"),
        ({"filters": {"colour": ["Black"]}}, "no relevant product is left"),
        ({"filters": []}, "'filters' must be an object"),
        ({"filters": {"size": ["M"]}}, "unknown filter 'size'"),
        ({"filters": {"colour": "Red"}}, "'colour' must be a list"),
        ({"filters": {"colour": ["\x00"]}}, "'colour'"),
        ({"filters": {"min_price": "3"}}, "'min_price' must be a price"),
        ({"filters": {"min_price": -1}}, "'min_price' must be a price"),
        ({"filters": {"max_price": True}}, "'max_price' must be a price"),
        ({"filters": {"max_price": Decimal("1e-999999")}}, "'max_price' must be a price"),
        ({"filters": {"max_price": Decimal("1e999999")}}, "'max_price' must be a price"),
        ({"filters": {"in_stock": 1}}, "'in_stock' must be true or false"),
    ],
)
def test_malformed_judgments_are_errors(
    catalogue: Catalogue, change: dict[str, Any], reason: str
) -> None:
    with pytest.raises(JudgmentError, match=r"^line 1: ") as raised:
        parse(catalogue, **change)
    assert reason in str(raised.value)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"[" * 100_000, "not JSON"),
        (b'{"id": "\xff"}', "not UTF-8"),
        (b'{"id": "a", "id": "b"}', "duplicate key 'id'"),
        (b'{"filters": {"min_price": NaN}}', "NaN"),
        (b'{"relevant": {"H1": ' + b"9" * 9999 + b"}}", "not JSON"),
        (b"{}", "'id' is missing"),
        (b'{"id": "a", "text": "b"}', "'relevant' is missing"),
        (b'{"id": "a", "relevant": ["H1"]}', "the query is empty"),
        (b'{"id": "first", "text": "b", "relevant": []}', "already on line 1"),
    ],
)
def test_errors_give_their_line(
    catalogue: Catalogue, tmp_path: Path, line: bytes, reason: str
) -> None:
    first = b'{"id": "first", "text": "b", "relevant": ["H1"]}\n\n'
    (tmp_path / "j.jsonl").write_bytes(first + line)
    with pytest.raises(JudgmentError) as raised:
        read_judgments(tmp_path / "j.jsonl", catalogue)
    assert str(raised.value).startswith(f"{tmp_path / 'j.jsonl'}: line 3: ")
    assert reason in str(raised.value)


def test_empty_or_missing_file_is_an_error(catalogue: Catalogue, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("\n")
    for name in ("empty.jsonl", "missing.jsonl"):
        with pytest.raises(FormatError, match=name):
            read_judgments(tmp_path / name, catalogue)


# -- measures


def named(relevant: dict[str, int], *ranking: tuple[str, float]) -> dict[str, float]:
    return dict(zip(NAMES, measure(relevant, ranking), strict=True))


def test_metrics_match_hand_counts() -> None:
    # Of three relevant items, two are at ranks 2 and 4 and one is not found.
    found = [("x", 5.0), ("a", 4.0), ("y", 3.0), ("b", 2.0), ("z", 1.0)]
    values = named({"a": 1, "b": 1, "c": 1}, *found)
    ideal = 1 + 1 / log2(3) + 1 / log2(4)
    expected = {
        **{"P@1": 0, "P@5": 2 / 5, "P@10": 2 / 10},
        **{"R@1": 0, "R@5": 2 / 3, "R@10": 2 / 3, "S@5": 1, "S@10": 1},
        **{"MRR": 1 / 2, "mAP": (1 / 2 + 2 / 4) / 3},
        "nDCG@10": (1 / log2(3) + 1 / log2(5)) / ideal,
        # Not at 0.7: trec_eval counts int(0.7 * 3 + 0.9) items there, 2 because of rounding.
        **{"IPrec@0.0": 1 / 2, "IPrec@0.6": 1 / 2, "IPrec@0.8": 0},
    }
    assert {name: values[name] for name in expected} == pytest.approx(expected)


def test_grades_affect_only_ndcg() -> None:
    values = named({"a": 1, "b": 3}, ("a", 2.0), ("b", 1.0))
    assert values["nDCG@10"] == pytest.approx((1 + 3 / log2(3)) / (3 + 1 / log2(3)))
    assert values["mAP"] == values["R@5"] == 1


def test_ties_are_broken_against_the_search() -> None:
    right_first = named({"a": 1}, ("a", 1.0), ("x", 1.0), ("y", 1.0), ("z", 0.5))
    assert right_first["MRR"] == pytest.approx(1 / 3)
    graded = named({"a": 3, "b": 1}, ("a", 1.0), ("b", 1.0))
    assert graded["nDCG@10"] < 1
    assert named({"a": 1}, ("x", 1.0), ("a", 0.5), ("y", 1.0))["MRR"] == 1 / 2, "order is kept"


def test_metrics_are_zero_without_hits() -> None:
    assert not measure({"a": 1}, []).any()


def test_intervals_contain_the_mean_and_are_reproducible() -> None:
    values = np.random.default_rng(0).random((400, 2))
    first, _ = estimate(values)
    assert first.low < first.mean < first.high
    # For the mean of a uniform variable: 1.96 / sqrt(12 n) on either side.
    assert first.high - first.low == pytest.approx(2 * 1.96 / (12 * 400) ** 0.5, rel=0.1)
    assert estimate(values)[0] == first
    assert estimate(np.ones((5, 1)))[0].low == 1


# -- derivation


def test_derived_judgments_survive_saving_and_reading(catalogue: Catalogue, tmp_path: Path) -> None:
    records = [record for kind in KINDS for record in derive(kind, catalogue, tmp_path)]
    save_records(records, tmp_path / "j.jsonl")
    parsed = parse_judgments(enumerate(records, start=1), tmp_path, catalogue)
    assert read_judgments(tmp_path / "j.jsonl", catalogue) == parsed
    assert {judgment.kind for judgment in parsed} == set(KINDS)
    assert all(judgment.is_nonsense == (judgment.kind == "nonsense") for judgment in parsed)


@pytest.mark.parametrize("kind", KINDS)
def test_sample_is_reproducible_and_of_the_requested_size(catalogue: Catalogue, kind: str) -> None:
    one, two, other = (derive(kind, catalogue, Path(), 3, seed) for seed in (1, 1, 2))
    assert one == two
    assert len(one) == len({record["id"] for record in one}) == 3
    assert kind == "images" or one != other


def test_attribute_queries_have_all_matching_products_as_relevant(catalogue: Catalogue) -> None:
    records = derive("attributes", catalogue, Path())
    wanted = {
        frozenset(judgment.relevant)
        for judgment in parse_judgments(enumerate(records), Path(), catalogue)
    }
    assert frozenset({"H1", "H2"}) in wanted, "red heels"
    assert frozenset({"H1", "H2", "H3", "F1"}) in wanted, "shoes"
    assert not any("plain" in record["text"] for record in records)
    assert any("floral" in text or "flowery" in text for text in [r["text"] for r in records])


def test_title_queries_have_all_products_of_that_title_as_relevant(catalogue: Catalogue) -> None:
    titles = {record["text"]: record for record in derive("titles", catalogue, Path())}
    assert len(titles) == 5
    assert parse(catalogue, **titles["Red Heels"]).relevant == {"H1": 1, "H2": 1}


def test_picture_queries_have_other_products_of_the_type_as_relevant(catalogue: Catalogue) -> None:
    records = derive("images", catalogue, config.settings().media_root)
    assert [record["exclude"] for record in records] == [["H1"], ["H2"], ["H3"]]
    judgments = parse_judgments(enumerate(records), config.settings().media_root, catalogue)
    assert set(judgments[0].relevant) == {"H2", "H3"}


@given(st.text(max_size=40), st.integers())
def test_typo_changes_one_long_word(title: str, seed: int) -> None:
    wrong = add_typo(title, Random(seed))
    if wrong is None:
        return
    assert wrong != title
    assert abs(len(wrong) - len(title)) <= 1
    assert len([word for word in title.split() if word not in wrong.split()]) <= 1
    assert add_typo("The Red Top", Random(seed)) is None


# -- runs


def hit(sku: str, score: float, **more: Any) -> Hit:
    rest: dict[str, Any] = dict.fromkeys(("brand", "product_type", "colour", "currency"), "")
    none: dict[str, Any] = dict.fromkeys(
        ("price", "regular_price", "image_path", "image_width", "image_height")
    )
    return Hit(
        id=1, sku=sku, title=sku, in_stock=True, score=score, match=score, **rest, **none, **more
    )


def run(
    judgments: list[Judgment],
    found: dict[str, list[Hit]],
    catalogue: Catalogue,
    setup: Setup | None = None,
    **more: Any,
) -> SetupResult:
    """The judgments, measured with a search that returns the hits in `found`, by text."""

    def search(_connection: Connection, spec: SearchSpec) -> Results:
        hits = tuple(found[spec.text])
        return Results(hits, len(hits), spec, words=spec.text, **more)

    nothing: Any = None
    return run_judgments(nothing, judgments, setup or Setup(), search, 24, catalogue.products)


def test_run_judgments(connection: Connection, catalogue: Catalogue) -> None:
    specs: list[SearchSpec] = []
    found = {
        "good": [hit("H1", 0.9), hit("F1", 0.5)],
        "bad": [hit("H2", 0.9), hit("F1", 0.5), hit("H1", 0.2)],
        "noise": [hit("F1", 0.3)],
    }

    def search(_connection: Connection, spec: SearchSpec) -> Results:
        specs.append(spec)
        return Results(tuple(found[spec.text]), 3, spec, timings=Timings(encode=0.01, sql=0.02))

    records: list[dict[str, Any]] = [
        {"id": "1", "text": "good", "kind": "k", "relevant": ["H1"]},
        {"id": "2", "text": "bad", "kind": "k", "relevant": ["H1"], "exclude": ["H2"]},
        {"id": "3", "text": "noise", "relevant": []},
    ]
    judgments = parse_judgments(enumerate(records, start=1), Path(), catalogue)
    setup = Setup("fashion", ("text",), "rrf")
    measured = run_judgments(connection, judgments, setup, search, 50, catalogue.products)
    assert [spec.text for spec in specs] == ["good", "good", "bad", "noise"], "first is a warm-up"
    spec = specs[0]
    assert (spec.model, spec.signals, spec.fusion) == ("fashion", ("text",), "rrf")
    assert (spec.min_match, spec.group_variants, spec.limit) == (0.0, False, 50)
    assert measured.kinds == ["k"]
    assert measured.estimates("k")["MRR"].mean == pytest.approx((1 + 1 / 2) / 2)
    assert [each.judgment.id for each in bad_rankings(measured)] == ["2"], "1 is perfect"
    assert measured.speed.encode_p50 == pytest.approx(10)
    assert measured.speed.sql_p95 == pytest.approx(20)
    at = {each.min_match: each for each in thresholds(measured)}
    shares = [(a.false_positives, a.lost, a.emptied) for a in (at[0.0], at[0.3], at[0.4], at[1.0])]
    assert shares == [(1, 0, 0), (1, 0.5, 0.5), (0, 0.5, 0.5), (0, 1, 1)]


def test_exact_hit_is_not_tied_with_the_hits_after_it(catalogue: Catalogue) -> None:
    hits = [hit("H1", 0.5, exact=True), hit("F1", 0.5)]
    measured = run([parse(catalogue)], {"red heels": hits}, catalogue)
    assert measured.estimates("")["MRR"].mean == 1


def test_results_of_a_changed_query_are_measured_for_pages_only(catalogue: Catalogue) -> None:
    found = {"red heels": [hit("H1", 1)]}
    notes = ("no weights; only products with these words are shown",)
    with pytest.raises(JudgmentError, match="only products with these words are shown"):
        run([parse(catalogue)], found, catalogue, notes=notes, is_complete=False)
    page = Setup(page=True)
    measured = run([parse(catalogue)], found, catalogue, page, notes=notes, is_complete=False)
    assert measured.estimates()["MRR"].mean == 1
    assert ("notes", notes[0]) in measured.rankings[0].explanation


def test_words_that_a_model_cannot_read_are_measured(catalogue: Catalogue) -> None:
    notes = ("the model fashion cannot read bugxtdcbdql",)
    measured = run([parse(catalogue)], {"red heels": []}, catalogue, notes=notes)
    assert measured.estimates()["MRR"].mean == 0


def judged(catalogue: Catalogue, *records: dict[str, Any]) -> list[Judgment]:
    numbered = [{"id": str(number)} | record for number, record in enumerate(records, start=1)]
    return parse_judgments(enumerate(numbered, start=1), Path(), catalogue)


def test_table_has_a_row_for_each_kind_and_one_for_all(catalogue: Catalogue) -> None:
    judgments = judged(
        catalogue,
        {"text": "good", "kind": "a", "relevant": ["H1"]},
        {"text": "good", "kind": "b", "relevant": ["H1"]},
        {"text": "bad", "kind": "b", "relevant": ["H1"]},
        {"text": "bad", "kind": "b", "relevant": []},
    )
    found = {"good": [hit("H1", 1)], "bad": [hit("F1", 1)]}
    one = run(judgments, found, catalogue)
    (table,) = measure_tables([one])
    means = {label: measures["MRR"].mean for label, measures in table.rows}
    assert means == {"a (1)": 1, "b (2)": 0.5, "all (3)": pytest.approx(2 / 3)}
    titles = [table.title for table in measure_tables([one, one])]
    assert titles == ["a (1)", "b (2)", "all (3)"]
    assert [len(table.rows) for table in measure_tables([one, one])] == [2, 2, 2]


def test_one_kind_is_not_repeated_as_all_and_none_is_no_table(catalogue: Catalogue) -> None:
    found = {"red heels": [hit("H1", 1)]}
    (table,) = measure_tables([run([parse(catalogue)], found, catalogue)])
    assert [label for label, _ in table.rows] == ["queries (1)"]
    assert measure_tables([run([parse(catalogue, relevant=[])], found, catalogue)]) == []


def test_empty_pages_count_zero_and_answered_nonsense_is_counted(catalogue: Catalogue) -> None:
    judgments = judged(
        catalogue,
        {"text": "good", "kind": "a", "relevant": ["H1"]},
        {"text": "empty", "kind": "a", "relevant": ["H1"]},
        {"text": "good", "kind": "noise", "relevant": []},
        {"text": "empty", "kind": "noise", "relevant": []},
    )
    found = {"good": [hit("H1", 0.9)], "empty": []}
    close = (hit("H1", 0.1),)
    measured = run(judgments, found, catalogue, Setup(page=True), close=close)
    assert measured.estimates("a")["nDCG@10"].mean == 0.5
    assert answered(measured) == [("a", 2, 1), ("nonsense", 2, 1)]
    (bad,) = bad_rankings(measured)
    assert (bad.judgment.id, bad.shown, bad.is_answered) == ("2", close, False)
    assert bad.missed == ["H1"], "the nearest products do not count"
    assert thresholds(measured) == [], "the page has a minimum match already"


def products(**leaders: str) -> dict[str, Product]:
    return {sku: Product(sku, {}, None, leader) for sku, leader in leaders.items()}


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ([], {"A1": 3, "B": 2}),  # both groups are missed
        (["A1", "B"], {"A1": 3, "B": 2}),
        (["A2"], {"A2": 1, "B": 2}),  # the grade of the product that the card shows
        (["A3"], {"A1": 3, "B": 2}),  # a card that shows an irrelevant product is a miss
    ],
)
def test_card_of_variants_has_the_grade_of_its_product(
    shown: list[str], expected: dict[str, int]
) -> None:
    of_a = dict.fromkeys(("A1", "A2", "A3"), "A1")
    graded = grade_cards({"A2": 1, "A1": 3, "B": 2}, shown, products(**of_a, B="B"))
    assert graded == expected


def test_page_with_all_variants_on_one_card_is_perfect(connection: Connection) -> None:
    with connect() as writing:  # H1 and H2 are variants
        writing.exec_driver_sql(
            "INSERT INTO product_variant (product_id, leader_id, family, model)"
            " SELECT p.id, l.id, p.family, 'fashion' FROM product p, product l"
            " WHERE p.sku IN ('H1', 'H2') AND l.sku = 'H1'"
        )
    try:
        grouped = Catalogue(connection)
    finally:
        with connect() as writing:
            writing.exec_driver_sql("DELETE FROM product_variant")
    judgments = [parse(grouped, relevant=["H1", "H2"])]
    found = {"red heels": [hit("H2", 0.9, variants=2)]}
    page = run(judgments, found, grouped, Setup(page=True)).estimates()
    assert (page["nDCG@10"].mean, page["R@10"].mean) == (1, 1)
    assert run(judgments, found, grouped).estimates()["R@10"].mean == 0.5, "not grouped"


def test_bad_queries_are_the_worst_first_and_limited_by_kind(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query_rows, "MOST", 2)
    wrong = [hit("F1", 0.9), hit("H3", 0.8)]
    found = {
        "first": [hit("H1", 0.1)],
        "second": [*wrong[:1], hit("H1", 0.1)],
        "third": [*wrong, hit("H1", 0.1)],
        "none": wrong,
    }
    texts = [("a", text) for text in ("second", "first", "none", "third")] + [("b", "second")]
    records = [{"text": text, "kind": kind, "relevant": ["H1"]} for kind, text in texts]
    shown = bad_rankings(run(judged(catalogue, *records), found, catalogue))
    assert [(each.judgment.kind, each.judgment.text) for each in shown] == [
        ("a", "none"),
        ("a", "third"),
        ("b", "second"),
    ]


def test_row_of_a_query_has_its_explanation_hits_and_missed_products(catalogue: Catalogue) -> None:
    signals = (Signal("text", 0.5, 0.45, "fashion", 0.3), Signal("lexical", 1.0, 0.3))
    hits = [hit("F1", 0.5, signals=signals)] + [hit("S1", 0.4)] * 9 + [hit("H3", 0.3)]
    judgments = [parse(catalogue, relevant={"H1": 1, "H3": 2, "F1": 1})]
    setup = Setup(page=True)
    measured = run(
        judgments,
        {"red heels": hits},
        catalogue,
        setup,
        corrected="red heels",
        min_match=0.4,
        understood=(
            Part(1, "red", "colour", "Red", True, "name", 0, 3),
            Part(2, "no pumps", "type", "Pumps", False, "synonym", 4, 12),
        ),
        given_up=("colour",),
    )
    row = query_rows.query_row(measured.rankings[0], catalogue.products)
    assert dict(row.ranking.explanation) == {
        "searched for": "red heels",
        "corrected to": "red heels",
        "understood": "colour Red (red, name); not type Pumps (no pumps, synonym)",
        "given up": "colour",
        "minimum match": "40%",
        "found": "11",
    }
    assert [hit.grade for hit in row.hits] == [1] + [0] * 9
    assert row.hits[0].signals == "text 50% · lexical 100%"
    missed = [(each.picture.title, each.grade, each.rank) for each in row.missed]
    assert missed == [("Black Heels", 2, 11), ("Red Heels", 1, None)]
    assert all(each.picture.image.startswith("data:image/webp") for each in row.missed)


def test_search_errors_give_the_line_of_the_judgment(
    connection: Connection, catalogue: Catalogue, tmp_path: Path
) -> None:
    from catalog.search.pipeline import search

    (tmp_path / "no.png").write_bytes(b"no picture")
    record = {"id": "1", "image": "no.png", "relevant": ["H1"]}
    judgments = parse_judgments([(7, record)], tmp_path, catalogue)
    with pytest.raises(JudgmentError, match=r"line 7: .*not a picture"):
        run_judgments(connection, judgments, Setup("imagenet"), search, 10, catalogue.products)
