"""For any search, pages, total, facets and sorting agree, and no product appears twice."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.db.connection import connect
from catalog.importing import import_catalog
from catalog.indexing import fill
from catalog.indexing.calibrate import calibrate
from catalog.indexing.variants import find_variants
from catalog.search.filters import Filters
from catalog.search.pipeline import Hit, Results, SearchSpec, search
from catalog.search.vocabulary import forget_vocabulary
from tests.catalog.test_search import picture
from tests.conftest import fresh_database
from tests.fakes import COLOURS, WordsAndColours

ENCODER = WordsAndColours()
PRODUCTS = 600
WINDOW = 60
"""Small, so that some searches fill it and others do not."""

KINDS = ("shirt", "shoe", "hat", "bag", "coat", "sock")
STYLES = ("linen", "leather", "striped", "plain", "winter", "summer", "warm", "long", "short")
BRANDS = ("Nord", "Sued", "Ost", "")
GENDERS = ("Men", "Women", "")


@contextmanager
def catalogue_in(template: str, folder: Path) -> Iterator[None]:
    """A catalogue with variants, embedded and calibrated, in a clone of `template`."""
    for colour in COLOURS:
        (folder / f"{colour}.png").write_bytes(picture(colour))
    draw = random.Random(1)
    rows = [
        "sku,title,description,category,product_type,gender,colour,brand,price,in_stock,Size,images"
    ]
    for number in range(PRODUCTS):
        kind, colour, style = draw.choice(KINDS), draw.choice(list(COLOURS)), draw.choice(STYLES)
        price = "" if number % 17 == 0 else f"{draw.randrange(500, 9000) / 100}"
        images = "" if number % 13 == 0 else f"{colour}.png"
        rows.append(
            f"S{number},{style} {colour} {kind} {number % 40},made for {draw.choice(STYLES)} days,"
            f"Things,{kind}s,{draw.choice(GENDERS)},{colour.title()},{draw.choice(BRANDS)},{price},"
            f"{draw.choice(('yes', 'no'))},{draw.choice(('S', 'm', 'M', 'L'))},{images}"
        )
    (folder / "c.csv").write_text("\n".join(rows))
    with pytest.MonkeyPatch.context() as patch, fresh_database(template):
        patch.setenv("MEDIA_ROOT", str(folder / "media"))
        patch.setenv("SEARCH_WINDOW", str(WINDOW))
        import_catalog(folder / "c.csv", folder)
        for modality in ENCODER.spec.modalities:
            fill(ENCODER, modality)
        calibrate(ENCODER)
        assert find_variants("fashion") > 500
        forget_vocabulary()
        yield


@pytest.fixture(scope="module")
def catalogue(template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with catalogue_in(template, tmp_path_factory.mktemp("pages")):
        yield


pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("catalogue")]


def run(spec: SearchSpec) -> Results:
    with connect() as connection:
        return search(connection, spec, lambda name: ENCODER)


def chosen(values: Sequence[str], most: int) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=most, unique=True).map(tuple)


WORDS = (*KINDS, *STYLES, *COLOURS, "without", "-red", "shrit", "S77", "for", "the", '"', "%")
PRICES = st.none() | st.integers(5, 90).map(Decimal)
FILTERS = st.builds(
    Filters,
    st.fixed_dictionaries(
        {
            "product_type": chosen([f"{kind}s" for kind in KINDS], 2),
            "gender": chosen(["Men", "Women", "Nobody"], 1),
            "colour": chosen([name.title() for name in COLOURS], 2),
            "brand": chosen(BRANDS[:3], 1),
            "size": chosen(["S", "M", "L"], 2),
        }
    ),
    min_price=PRICES,
    max_price=PRICES,
    in_stock=st.booleans(),
)
SPECS = st.builds(
    SearchSpec,
    text=st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join),
    images=st.lists(st.sampled_from(sorted(COLOURS)).map(picture), max_size=2).map(tuple),
    like=st.sampled_from(["", "", "", "S1", "S26"]),
    without=st.sampled_from(["", "", "leather"]),
    blend=st.sampled_from([0.0, 0.3, 0.5, 1.0]),
    filters=FILTERS,
    signals=st.lists(st.sampled_from(["lexical", "text", "image"]), max_size=3, unique=True).map(
        tuple
    ),
    fusion=st.sampled_from(["", "rrf", "calibrated_max", "raw_max"]),
    min_match=st.sampled_from([None, 0.0, 0.2, 0.6, 1.0]),
    verbatim=st.booleans(),
    group_variants=st.booleans(),
    diversity=st.sampled_from([0.0, 0.0, 0.5]),
    sort=st.sampled_from(["", "", "price", "-price", "newest"]),
    limit=st.integers(5, 40),
)


def passes(hit: Hit, filters: Filters) -> bool:
    has_values = all(
        facet not in filters.values or getattr(hit, facet) in filters.values[facet]
        for facet in ("product_type", "colour", "brand")
    )
    bounds = [bound for bound in (filters.min_price, filters.max_price) if bound is not None]
    priced = not bounds or (
        hit.price is not None
        and (filters.min_price is None or hit.price >= filters.min_price)
        and (filters.max_price is None or hit.price <= filters.max_price)
    )
    return has_values and priced and (hit.in_stock or not filters.in_stock)


def test_products_that_match_enter_the_window_before_others_of_higher_score() -> None:
    spec = SearchSpec(text="linen red bag", fusion="rrf", min_match=0.8, group_variants=False)
    found = run(spec)
    assert 0 < found.total < WINDOW
    assert not found.truncated
    for value in found.facets["product_type"]:
        assert (
            run(replace(spec, filters=Filters({"product_type": (value.value,)}))).total
            == value.count
        )


@given(spec=SPECS, data=st.data())
def test_pages_facets_and_order_agree(spec: SearchSpec, data: st.DataObject) -> None:
    first = last = run(spec)
    hits, page = list(first), 1
    while len(last.hits) == spec.limit and (page < last.pages or last.truncated):
        page += 1
        more = run(replace(spec, page=page))
        assert more.total >= last.total
        if not first.truncated:
            assert (more.total, more.facets) == (first.total, first.facets)
        hits, last = hits + list(more), more
    assert len(hits) == last.total
    assert not run(replace(spec, page=page + 1)).hits
    # A wider window may find a product that belongs on an earlier page.
    moved = len(hits) - len({hit.id for hit in hits})
    assert moved == 0 or (first.truncated and moved <= len(hits) / 10)
    if spec.ranks and not spec.fusion and not spec.diversity:
        assert not last.truncated
    assert all(passes(hit, spec.filters) for hit in hits)
    assert not {hit.id for hit in first.hits} & {hit.id for hit in first.close}

    assert spec.min_match is None or not spec.ranks or first.min_match == spec.min_match
    if first.words or spec.images or spec.like:
        assert all(hit.exact or (hit.match or 0) >= first.min_match - 1e-6 for hit in hits)
    if spec.sort == "price":
        prices = [hit.price for hit in hits if hit.price is not None]
        assert prices == sorted(prices)

    assert set(spec.filters.values) <= set(first.facets)
    if first.facets:
        facet = data.draw(st.sampled_from(sorted(first.facets)))
        value = data.draw(st.sampled_from(first.facets[facet]))
        clicked = run(replace(spec, filters=spec.filters.choose(facet, [value.value])))
        if value.count is not None:
            assert clicked.total == value.count
        else:
            assert clicked.total or value.value in spec.filters.values[facet]
