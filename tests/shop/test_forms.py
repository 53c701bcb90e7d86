"""Any address becomes a valid search, with notes about ignored parameters."""

from decimal import Decimal

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from catalog.importing.cells.texts import DEFAULT_MAX_LENGTH
from catalog.search.facets import Facet
from catalog.search.filters import Filters
from catalog.search.pipeline import MAX_LIMIT
from shop.forms import MAX_PAGE, MAX_QUERY_LENGTH, MAX_VALUES, SearchForm
from shop.search_params import LIMITS, SearchParams

DIGEST = "0a" * 32
FACETS = tuple(
    Facet(name, name.title())
    for name in ("category", "colour", "brand", "heel height", "page", "größe")
)


@pytest.fixture(autouse=True)
def _models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELS", "fashion,imagenet")


def parse(query: str) -> SearchForm:
    return SearchForm(QueryDict(query), FACETS)


def test_empty_address_is_the_whole_catalogue() -> None:
    form = parse("")
    assert form.state == SearchParams()
    assert form.state.is_home
    assert form.notes == []


def test_empty_fields_are_ignored() -> None:
    names = ["q", "picture", "like", "blend", "model", "limit", "page", "min_price", "max_price"]
    form = parse("&".join(f"{name}=" for name in [*names, "colour", "brand", "facet_page"]))
    assert form.state == SearchParams()
    assert form.notes == []


def test_all_parameters() -> None:
    form = parse(
        f"q=red+dress&picture={DIGEST}&blend=0.25&model=fashion&limit=48&page=3"
        "&category=Apparel&colour=Red&colour=Blue&brand=A%26B&min_price=10&max_price=99.90&in_stock=1"
    )
    assert form.notes == []
    assert form.state == SearchParams(
        text="red dress",
        pictures=(DIGEST,),
        blend=0.25,
        model="fashion",
        limit=48,
        page=3,
        filters=Filters(
            {"category": ("Apparel",), "colour": ("Red", "Blue"), "brand": ("A&B",)},
            min_price=Decimal("10"),
            max_price=Decimal("99.90"),
            in_stock=True,
        ),
    )


@pytest.mark.parametrize(
    "query",
    [
        "page=abc",
        "page=0",
        "page=-1",
        "page=1e9",
        f"page={MAX_PAGE + 1}",
        "page=" + "9" * 5000,
        "blend=7",
        "blend=nan",
        "blend=inf",
        "blend=-0.1",
        "limit=1000000000",
        "limit=25",
        "limit=abc",
        "colour=a%00b",
        "brand=" + "x" * (DEFAULT_MAX_LENGTH + 1),
        "min_price=abc",
        "min_price=-1",
        "min_price=NaN",
        "max_price=Infinity",
        "max_price=1.234",
        "max_price=" + "9" * 5000,
        "max_price=" + "9" * 10**6,
        "min_price=1E%2B999999999999",
        "min_price=1E-999999999999",
        "min_price=-1E%2B99",
        "min_price=sNaN",
        "min_price=1E99999999999999999999",
        "min_match=1E2",
        "min_match=" + "9" * 10**6,
        "min_match=101",
        "blend=1E999999999999",
        "blend=" + "9" * 10**6,
        "page=" + "0" * 10**6 + "1",
        "picture=../../etc/passwd",
        f"picture={DIGEST}0",
        f"picture={DIGEST.upper()}",
        "model=nope",
        "like=a%00b",
        "like=" + "x" * 1001,
    ],
)
def test_invalid_parameter_is_ignored_with_a_note(query: str) -> None:
    form = parse(query)
    assert form.state == SearchParams()
    assert len(form.notes) == 1


@pytest.mark.parametrize("zero", ["0", "-0.00", "0E2", "0E%2B999999999999", "0E-999999999999"])
def test_zero_price_in_any_notation(zero: str) -> None:
    assert parse(f"min_price={zero}").state.query() == "min_price=0"


def test_invalid_parameter_does_not_affect_others() -> None:
    form = parse("q=dress&page=abc&colour=Red&min_price=cheap")
    assert form.state == SearchParams(text="dress", filters=Filters({"colour": ("Red",)}))
    assert len(form.notes) == 2


def test_number_of_filter_values_is_limited() -> None:
    form = parse("&".join(f"brand={number}" for number in range(500)))
    assert form.state.filters.values["brand"] == tuple(map(str, range(MAX_VALUES)))
    assert form.notes == ["Only the first 20 values of a filter were used."]


def test_invalid_value_does_not_affect_others() -> None:
    form = parse(f"colour=Red&colour=a%00b&colour={'x' * 101}&colour=Blue")
    assert form.state.filters.values["colour"] == ("Red", "Blue")
    assert len(form.notes) == 1


def test_reversed_price_range_is_ignored() -> None:
    form = parse("min_price=50&max_price=10&in_stock=1")
    assert form.state == SearchParams(filters=Filters(in_stock=True))
    assert "lowest price" in form.notes[0]


def test_long_query_is_cut_with_a_note() -> None:
    form = parse("q=" + "x" * 10_000)
    assert form.state.text == "x" * MAX_QUERY_LENGTH
    assert "characters" in form.notes[0]


def test_white_space_and_nuls_become_single_spaces() -> None:
    assert parse("q=%00+red%00%0A%09dress++").state.text == "red dress"
    assert not parse("q=%00+%0A").state.ranks


@pytest.mark.parametrize(
    "words", ["👗 ❤️", "فستان أحمر", "rote Schuhe", "'; DROP TABLE product; --"]
)
def test_words_in_any_script_are_kept(words: str) -> None:
    query = SearchParams(text=words).query()
    assert parse(query).state.text == words


def test_words_can_refine_a_search_for_similar_products() -> None:
    form = parse("q=in+blue&like=SKU-1")
    assert form.state == SearchParams(text="in blue", like="SKU-1")
    assert form.state.spec().like == "SKU-1"


def test_pictures_are_unique_and_the_oldest_is_removed() -> None:
    digests = [f"{number:064x}" for number in range(5)]
    state = parse("&".join(f"picture={digest}" for digest in [*digests[:4], digests[0]])).state
    assert state.pictures == tuple(digests[:4])
    assert state.with_picture(digests[4]).pictures == tuple(digests[1:])
    assert state.with_picture(digests[0]).pictures == (*digests[1:4], digests[0])
    assert state.without_picture(digests[1]).pictures == (digests[0], *digests[2:4])
    assert parse("&".join(f"picture={digest}" for digest in digests)).state.pictures == ()


def test_verbatim_is_valid_only_for_the_same_words() -> None:
    state = SearchParams(text="shrit", verbatim=True)
    assert parse(state.query()).state == state
    assert not parse("q=shoos&verbatim=shrit").state.verbatim


def test_sku_keeps_spaces_and_slashes() -> None:
    sku = " A/B  42%2F'\" "
    assert parse(SearchParams(like=sku).query()).state.like == sku


def test_model_without_texts_is_replaced_for_words() -> None:
    form = parse("q=dress&model=imagenet")
    assert form.state == SearchParams(text="dress")
    assert "ImageNet" in form.notes[0]
    assert parse(f"picture={DIGEST}&model=imagenet").state.model == "imagenet"


def test_chip_removes_a_value_and_returns_to_the_first_page() -> None:
    state = SearchParams(
        text="a", page=4, filters=Filters({"colour": ("Red", "Blue")}, in_stock=True)
    )
    expected = SearchParams(text="a", filters=Filters({"colour": ("Blue",)}, in_stock=True))
    assert state.without("colour", "Red") == expected


WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Z")), min_size=1, max_size=40)
PRICES = st.none() | st.decimals(0, 10**6, places=2)
STATES = st.builds(
    SearchParams,
    text=st.just("") | WORDS,
    pictures=st.sampled_from([(), (DIGEST,), (DIGEST, "0" * 64)]),
    blend=st.integers(0, 20).map(lambda step: step / 20),
    limit=st.sampled_from(LIMITS),
    page=st.integers(1, MAX_PAGE),
    filters=st.builds(
        Filters,
        st.fixed_dictionaries(
            {facet.name: st.lists(WORDS, unique=True, max_size=3).map(tuple) for facet in FACETS}
        ),
        min_price=PRICES,
        max_price=st.none(),
        in_stock=st.booleans(),
    ),
)


@given(STATES)
def test_address_contains_all_parameters(state: SearchParams) -> None:
    form = parse(state.query())
    assert form.state == state
    assert form.notes == []


NUMBERS = st.from_regex(r"[+-]?\d{0,5}\.?\d{0,3}([eE][+-]?\d{1,13})?", fullmatch=True)


@given(st.dictionaries(st.sampled_from([*parse("").fields]), st.text(max_size=30) | NUMBERS))
def test_any_parameters_give_a_valid_search(parameters: dict[str, str]) -> None:
    query = QueryDict(mutable=True)
    query.update(parameters)
    state = SearchForm(query, FACETS).state
    images = (b"picture",) * len(state.pictures)
    spec = state.spec(images)
    assert 1 <= spec.limit <= MAX_LIMIT
    assert parse(state.query()).state == state


@pytest.mark.parametrize("model", ["imagenet%2Bfashion", "fashion+imagenet"])
def test_two_models_in_tandem(model: str) -> None:
    form = parse(f"picture={DIGEST}&model={model}")
    assert form.notes == []
    assert form.state.model == "fashion+imagenet"
    assert SearchForm(QueryDict(form.state.query()), FACETS).state == form.state
    assert parse(f"q=red&model={model}").state.model == "", "imagenet reads no words"
    assert parse(f"q=red&model={model}%2Bclip").state.model == ""
