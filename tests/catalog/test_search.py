"""The search pipeline: search by words, by pictures, by both, and for similar products."""

from collections.abc import Iterator
from decimal import Decimal
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from catalog.db.connection import connect
from catalog.importing import import_catalog
from catalog.indexing import fill
from catalog.search.filters import Filters, count_facets
from catalog.search.fusion import FUSIONS, NAMED, SIGNALS
from catalog.search.pipeline import Results, SearchError, SearchSpec, UnknownProduct, search
from catalog.search.query_vectors import interpolate
from catalog.search.ranking_sql import MAX_CLOSE
from embedding.encoder import EncoderError, ModelUnavailable
from embedding.image_decoding import ImageError
from embedding.registry import get_spec
from tests.fakes import COLOURS, WordsAndColours

ENCODERS = {name: WordsAndColours(name) for name in ("fashion", "imagenet")}


def run(image: bytes | None = None, **spec: Any) -> Results:
    if image is not None:
        spec["images"] = (image,)
    with connect() as connection:
        return search(connection, SearchSpec(**spec), ENCODERS.__getitem__)


def skus(results: Results) -> list[str]:
    return [hit.sku for hit in results]


def picture(colour: str) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (24, 32), COLOURS[colour]).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def catalogue(template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Shirts and shoes in three colours, each with a picture of that colour; REDSHIRT has a second,
    green one. NOPIC has no picture."""
    from tests.conftest import fresh_database

    folder = tmp_path_factory.mktemp("search")
    rows = ["sku,title,category,product_type,gender,colour,brand,price,in_stock,images"]
    for kind, gender, price in (("shirt", "Men", 20), ("shoe", "Women", 50)):
        for number, colour in enumerate(("red", "green", "blue")):
            (folder / f"{colour}.png").write_bytes(picture(colour))
            images = "red.png;green.png" if (kind, colour) == ("shirt", "red") else f"{colour}.png"
            stock = "no" if colour == "blue" else "yes"
            rows.append(
                f"{colour.upper()}{kind.upper()},{colour} {kind},Things,{kind}s,{gender},"
                f"{colour.title()},Nord,{price + number},{stock},{images}"
            )
    rows.append("NOPIC,plain hat,Things,Hats,,,,,yes,")
    (folder / "c.csv").write_text("\n".join(rows))
    with pytest.MonkeyPatch.context() as patch, fresh_database(template) as url:
        patch.setenv("MEDIA_ROOT", str(folder / "media"))
        import_catalog(folder / "c.csv", folder)
        for encoder in ENCODERS.values():
            for modality in encoder.spec.modalities:
                fill(encoder, modality)
        yield url


pytestmark = pytest.mark.usefixtures("catalogue")


def test_words_find_texts_and_pictures_with_one_hit_per_product() -> None:
    results = run(text="green shirt", min_match=0.0)
    assert skus(results)[0] == "GREENSHIRT"
    assert len(set(skus(results))) == len(results.hits) == results.total == 7
    best = results.hits[0]
    assert [signal.name for signal in best.signals] == ["text", "image", "lexical"]
    assert 0 < best.signals[0].similarity <= 1  # type: ignore[operator]
    assert best.exact
    assert best.match == 1


def test_a_match_is_the_weighted_mean_of_the_signals_a_product_has() -> None:
    for hit in run(text="a red shoe", min_match=0.0):
        weights = [signal.weight for signal in hit.signals]
        mean = np.average([signal.match for signal in hit.signals], weights=weights)
        assert hit.match == pytest.approx(np.clip(mean, 0, 1), abs=1e-6)
        names = {signal.name for signal in hit.signals}
        assert names == ({"text", *NAMED} if hit.sku == "NOPIC" else set(SIGNALS))


@pytest.mark.parametrize("fusion", FUSIONS)
def test_every_fusion_finds_the_same_products(fusion: str) -> None:
    results = run(text="red shoe", fusion=fusion, min_match=0.0)
    assert skus(results)[0] == "REDSHOE"
    assert len(set(skus(results))) == 7


def test_reciprocal_rank_fusion_equals_its_definition() -> None:
    results = run(text="a red shoe", fusion="rrf", min_match=0.0)
    for hit in results:
        expected = 0.0
        for signal in hit.signals:
            values = [
                s.similarity if s.similarity is not None else s.match
                for other in results
                for s in other.signals
                if s.name == signal.name
            ]
            own = signal.similarity if signal.similarity is not None else signal.match
            if own or signal.name not in NAMED:
                expected += 1 / (60 + 1 + sum(value > own for value in values))
        assert hit.score == pytest.approx(expected)


def test_each_signal_can_be_used_alone() -> None:
    for signal in SIGNALS:
        results = run(text="a red shoe", signals=(signal,), min_match=0.0)
        assert {found.name for hit in results for found in hit.signals} == {signal}
        for fusion in FUSIONS:
            assert run(text="a red shoe", signals=(signal,), fusion=fusion, min_match=0.0).hits
    assert skus(run(text="red shoe", signals=("lexical",)))[0] == "REDSHOE"


def test_without_a_match_the_nearest_products_are_returned_separately() -> None:
    results = run(text="asdfghjkl", min_match=0.5)
    assert results.hits == ()
    assert results.total == 0
    assert 1 <= len(results.close) <= MAX_CLOSE


def test_without_a_minimum_match_what_fulfils_most_comes_first() -> None:
    assert skus(run(text="red women hat"))[0] == "NOPIC"  # the type outweighs colour and person
    everything = skus(run(text="red women hat", min_match=0.0))
    assert everything[:2] == ["NOPIC", "REDSHOE"]
    assert len(everything) > 2


def test_an_exact_sku_or_title_comes_first() -> None:
    assert skus(run(text="BLUESHOE"))[0] == "BLUESHOE"
    assert skus(run(text="Blue SHOE"))[0] == "BLUESHOE"


def test_an_exact_title_is_found_even_if_its_words_are_common() -> None:
    """More products contain the word than there may be candidates, and none is embedded."""
    with connect() as connection:
        connection.exec_driver_sql(
            "INSERT INTO product (sku, title, description)"
            " SELECT 'BAG' || n, 'Bag ' || n, 'of canvas' FROM generate_series(1, 1200) AS n"
        )
        connection.exec_driver_sql("INSERT INTO product (sku, title) VALUES ('LAST', 'Canvas')")
        connection.exec_driver_sql("ANALYZE product")
        spec = SearchSpec(text="canvas", verbatim=True)
        assert search(connection, spec, ENCODERS.__getitem__).hits[0].sku == "LAST"
        connection.rollback()  # keeps the catalogue as it is for other tests


def test_excluded_words_and_words_to_avoid() -> None:
    assert "shoe" not in " ".join(hit.title for hit in run(text="red -shoe", min_match=0.0))
    colours = {hit.colour for hit in run(text="shoe without red", min_match=0.0)}
    assert "Red" not in colours
    assert "Green" in colours


def test_a_text_of_conditions_alone_lists_and_counts_what_is_left() -> None:
    results = run(text="-red")
    assert {hit.colour for hit in results.hits} == {"Green", "Blue", ""}
    assert {it.value for it in results.facets["colour"]} == {"Green", "Blue"}
    assert sum(it.count or 0 for it in results.facets["product_type"]) == results.total


def test_words_change_which_similar_products_are_found() -> None:
    assert skus(run(like="REDSHOE", text="blue", min_match=0.0))[0].startswith("BLUE")


def test_several_pictures_and_a_picture_to_avoid() -> None:
    both = run(images=(picture("red"), picture("blue")), min_match=0.0)
    assert {hit.colour for hit in both.hits[:4]} == {"Red", "Blue"}
    ask: dict[str, Any] = {"images": (picture("red"), picture("blue")), "min_match": 0.0}
    avoiding = run(**ask, without_images=(picture("red"),), without_weight=0.9)
    assert {hit.colour for hit in avoiding.hits[:2]} == {"Blue"}


def test_hits_can_be_sorted_by_price() -> None:
    prices = [hit.price for hit in run(text="shoe", sort="price", min_match=0.0)]
    known = [price for price in prices if price is not None]
    assert known == sorted(known)
    assert prices[-1] is None
    descending = [hit.price for hit in run(text="shoe", sort="-price", min_match=0.0)]
    assert descending[0] == max(known)


def test_a_picture_finds_similar_pictures_and_hits_show_the_one_that_matched() -> None:
    results = run(image=picture("green"), min_match=0.0)
    assert {hit.sku for hit in results.hits[:3]} == {"GREENSHIRT", "GREENSHOE", "REDSHIRT"}
    paths = {hit.sku: hit.image_path for hit in results}
    assert paths["REDSHIRT"] == paths["GREENSHOE"], "REDSHIRT shows its green picture"
    assert paths["NOPIC"] is None


def test_words_and_a_picture_are_blended() -> None:
    ask: dict[str, Any] = {"text": "shoe", "image": picture("red"), "min_match": 0.0}
    both = run(**ask, blend=0.5)
    assert both.hits[0].sku == "REDSHOE"
    words, image = run(**ask, blend=0), run(**ask, blend=1)
    assert {hit.sku for hit in words.hits[:3]} == {"REDSHOE", "BLUESHOE", "GREENSHOE"}
    assert {hit.sku for hit in image.hits[:2]} == {"REDSHOE", "REDSHIRT"}


HALF = 2**-11
"""Relative rounding error of half precision."""


def blended(parts: list[tuple[float, np.ndarray]]) -> np.ndarray:
    with connect() as connection:
        return interpolate(connection, parts)


def test_interpolation_is_linear_and_normalized() -> None:
    a, b = np.eye(2, dtype=np.float32)
    np.testing.assert_allclose(blended([(0.5, a), (0.5, b)]), [2**-0.5, 2**-0.5], rtol=HALF)
    np.testing.assert_allclose(blended([(0.8, a), (0.2, b)]), np.array([4, 1]) / 17**0.5, rtol=HALF)
    np.testing.assert_allclose(blended([(0.6, a), (0.4, -a)]), a, rtol=1e-6)
    np.testing.assert_array_equal(blended([(0.5, a), (0.5, -a)]), a)


def test_similar_products_do_not_include_the_product_itself() -> None:
    results = run(like="REDSHOE", min_match=0.0)
    assert "REDSHOE" not in skus(results)
    assert skus(results)[0] == "REDSHIRT"
    assert run(like="NOPIC", min_match=0.0).total == 6


def test_a_product_without_embeddings_has_no_similar_products() -> None:
    with connect() as connection:
        connection.exec_driver_sql("INSERT INTO product (sku, title) VALUES ('NEW', 'New')")
        assert search(connection, SearchSpec(like="NEW"), ENCODERS.__getitem__).hits == ()
        connection.rollback()


def test_filters_apply_to_every_kind_of_search() -> None:
    only = Filters({"colour": ("Red", "Blue"), "gender": ("Women",)})
    assert set(skus(run(text="green shirt", filters=only, min_match=0.0))) == {
        "REDSHOE",
        "BLUESHOE",
    }
    assert set(skus(run(image=picture("green"), filters=only, min_match=0.0))) == {
        "REDSHOE",
        "BLUESHOE",
    }
    in_stock = Filters({"brand": ("Nord",)}, in_stock=True)
    assert "BLUESHIRT" not in skus(run(text="shirt", filters=in_stock))
    cheap = Filters(min_price=Decimal(21), max_price=Decimal(50))
    assert set(skus(run(text="shirt", filters=cheap, min_match=0.0))) == {
        "GREENSHIRT",
        "BLUESHIRT",
        "REDSHOE",
    }
    assert run(like="REDSHOE", filters=Filters({"gender": ("Women",)}), min_match=0.0).total == 2
    assert run(text="shirt", filters=Filters({"colour": ("Mauve",)})).hits == ()


def test_a_search_without_a_query_lists_the_catalogue() -> None:
    results = run(limit=3)
    assert results.total == 7
    assert results.pages == 3
    everything = [sku for page in (1, 2, 3) for sku in skus(run(limit=3, page=page))]
    assert len(everything) == len(set(everything)) == 7
    assert all(hit.match is None for hit in results)
    assert {hit.sku for hit in run(limit=7).hits[-2:]} == {"BLUESHIRT", "BLUESHOE"}
    beyond = run(limit=3, page=9)
    assert (beyond.hits, beyond.total) == ((), 7)


def test_pages_of_a_search_share_one_ranking() -> None:
    whole = skus(run(text="red shirt", limit=7, min_match=0.0))
    paged = [
        sku
        for page in (1, 2, 3)
        for sku in skus(run(text="red shirt", limit=3, page=page, min_match=0.0))
    ]
    assert paged == whole


def test_facet_counts_equal_the_hits_after_a_click() -> None:
    chosen = Filters({"colour": ("Red",)}, in_stock=True)
    with connect() as connection:
        facets = count_facets(connection, chosen)
    counts = {facet: {v.value: v.count for v in values} for facet, values in facets.items()}
    assert counts["gender"] == {"Men": 1, "Women": 1}
    assert counts["colour"] == {"Red": 2, "Green": 2}
    for value, count in counts["product_type"].items():
        refined = Filters({"colour": ("Red",), "product_type": (value,)}, in_stock=True)
        assert run(filters=refined).total == count
        assert run(text="shoe", filters=refined, min_match=0.0).total == count
    with connect() as connection:
        facets = count_facets(connection, Filters({"colour": ("Mauve",)}))
    assert [(v.value, v.count) for v in facets["colour"]][-1] == ("Mauve", 0)


def test_a_model_is_used_only_for_modalities_it_understands() -> None:
    assert run(image=picture("red"), model="imagenet").hits
    assert run(like="REDSHOE", model="imagenet").hits
    with pytest.raises(SearchError, match="does not understand words; choose fashion"):
        run(text="red", model="imagenet")


def test_by_default_the_first_model_in_use_that_understands_the_query_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def models(**spec: Any) -> set[str]:
        found = run(min_match=0.0, **spec)
        assert not found.notes
        return {it.model for hit in found for it in hit.signals if it.name not in NAMED}

    monkeypatch.setenv("MODELS", "imagenet,fashion")
    assert models(text="red") == {"fashion"}
    assert models(image=picture("red")) == models(like="REDSHOE") == {"imagenet"}
    assert models(text="red", image=picture("red")) == {"fashion"}
    assert models(text="red", like="REDSHOE") == {"fashion"}


def test_words_that_no_model_in_use_understands_are_searched_without_a_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MODELS", "imagenet")
    specs: list[dict[str, Any]] = [{}, {"model": "imagenet"}]
    for spec in specs:
        results = run(text="red", **spec)
        assert set(skus(results)) == {"REDSHIRT", "REDSHOE"}
        note = "no single model in use understands words; only products with these words are shown"
        assert results.notes == (note,)
    both = run(text="red", image=picture("red"))
    assert both.notes == (note.replace("words;", "words and pictures;"),)
    with pytest.raises(SearchError, match="no single model in use understands words"):
        run(like="REDSHOE", without="red")


def test_without_embeddings_only_full_text_search_finds_products() -> None:
    encoder = WordsAndColours("clip")
    with connect() as connection:
        results = search(connection, SearchSpec(text="red", model="clip"), lambda name: encoder)
    assert set(skus(results)) == {"REDSHIRT", "REDSHOE"}
    assert {signal.name for hit in results for signal in hit.signals} == set(NAMED)


def test_words_that_the_model_cannot_read_do_not_count_by_meaning() -> None:
    results = run(text="\u725b\u4ed4\u88e4", min_match=0)
    assert results.notes == ("the model fashion cannot read \u725b\u4ed4\u88e4",)
    assert results.is_complete, "a later search has the same results"
    assert not results.encoded
    assert not any(hit.signals for hit in results)


LEFT_OUT = "nothing matches “{}”, so it was left out"


@pytest.mark.parametrize(
    "words", ["zzz", "\u725b\u4ed4\u88e4", "why is zzz blue", "who painted it"]
)
def test_beside_a_picture_words_that_mean_nothing_do_not_count(words: str) -> None:
    assert not run(text=words).hits
    alone = run(picture("red"))
    assert alone.hits
    both = run(picture("red"), text=words)
    assert [(hit.sku, hit.match) for hit in both] == [(hit.sku, hit.match) for hit in alone]
    assert both.notes == (LEFT_OUT.format(words),)
    like = run(like="REDSHOE", text=words)
    assert skus(like) == skus(run(like="REDSHOE"))
    assert like.notes == both.notes


def test_conditions_of_words_that_mean_nothing_still_count() -> None:
    both = run(picture("red"), text="zzz under 25")
    assert skus(both) == skus(run(picture("red"), text="under 25"))
    assert both.total < run(picture("red")).total


@pytest.mark.parametrize("words", ["zzz red", "zzz shirt", "hat", "zzz blue shoes"])
def test_words_that_mean_something_count_beside_a_picture(words: str) -> None:
    assert not run(picture("green"), text=words).notes
    assert not run(text="zzz", image=picture("green"), blend=0).hits  # the words alone count


ONLY_WORDS = (
    "search by meaning is not available at the moment; only products with these words are shown"
)


def test_if_no_model_is_available_only_words_are_searched() -> None:
    def broken(name: str) -> WordsAndColours:
        raise ModelUnavailable(get_spec(name))

    with connect() as connection:
        results = search(connection, SearchSpec(text="red shoe"), broken)
        assert skus(results)[0] == "REDSHOE"
        assert results.notes == (ONLY_WORDS,)
        assert not results.is_complete
        with pytest.raises(ModelUnavailable):
            search(connection, SearchSpec(images=(picture("red"),)), broken)


def without_clip(name: str) -> WordsAndColours:
    if name == "clip":
        raise ModelUnavailable(get_spec(name))
    return ENCODERS[name]


@pytest.mark.parametrize(
    ("model", "notes"),
    [
        ("", ()),
        ("clip", ("a chosen model is not available at the moment, so Fashion was used",)),
        ("fashion+clip", ("a chosen model is not available at the moment, so Fashion was used",)),
    ],
)
def test_the_next_model_in_use_answers(
    model: str, notes: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELS", "clip,fashion")
    with connect() as connection:
        results = search(connection, SearchSpec(text="red shoe", model=model), without_clip)
        alone = search(
            connection, SearchSpec(text="red shoe", model="fashion"), ENCODERS.__getitem__
        )
        by_picture = search(connection, SearchSpec(images=(picture("red"),)), without_clip)
    assert results.notes == notes
    assert results.is_complete == (not notes)
    assert [(hit.sku, hit.score) for hit in results] == [(hit.sku, hit.score) for hit in alone]
    assert {model for _, model in results.encoded} == {"fashion"}
    assert by_picture.hits


def test_a_search_that_must_have_its_model_reports_why_it_cannot_be_loaded() -> None:
    def broken(name: str) -> WordsAndColours:
        raise EncoderError("no weights")

    with connect() as connection, pytest.raises(EncoderError, match="no weights"):
        search(connection, SearchSpec(text="red shoe"), broken)


@pytest.mark.parametrize(
    "wrong",
    [
        {"blend": 1.5},
        {"limit": 0},
        {"limit": 1001},
        {"page": 0},
        {"sort": "colour"},
        {"fusion": "luck"},
        {"signals": ("text", "smell")},
        {"min_match": 2.0},
    ],
)
def test_invalid_specs_are_rejected(wrong: dict[str, Any]) -> None:
    with pytest.raises(SearchError):
        SearchSpec(**wrong)


def test_unknown_products_and_invalid_pictures_are_errors() -> None:
    with pytest.raises(UnknownProduct, match="no product with the SKU 'nope'"):
        run(like="nope")
    with pytest.raises(ImageError):
        run(image=b"no picture")


HOSTILE = st.text(max_size=200) | st.sampled_from(
    ["%", "%s", "%(window)s", "\\", "'", '"; DROP TABLE product; --', "\x00", "🧦", "שמלה אדומה"]
)


@given(text=HOSTILE, colour=HOSTILE, sku=HOSTILE)
def test_any_text_is_treated_as_data(text: str, colour: str, sku: str) -> None:
    spec_text = "".join(c for c in text if not "\ud800" <= c <= "\udfff")
    clean = "".join(c for c in colour if c != "\x00" and not "\ud800" <= c <= "\udfff")
    run(text=spec_text)
    run(filters=Filters({"colour": (clean,)}))
    name = "".join(c for c in sku if c != "\x00" and not "\ud800" <= c <= "\udfff")
    if name:
        with pytest.raises(UnknownProduct):
            run(like=f"?{name}")


def test_settings_do_not_persist_on_pooled_connections() -> None:
    run(text="red")
    with connect() as connection:
        assert connection.exec_driver_sql("SHOW hnsw.iterative_scan").scalar() == "off"


def test_diversity_changes_the_order_and_keeps_all_hits() -> None:
    plain = run(like="REDSHIRT", min_match=0.0)
    diverse = run(like="REDSHIRT", min_match=0.0, diversity=0.6)
    assert sorted(skus(plain)) == sorted(skus(diverse))
    assert skus(plain) != skus(diverse)
    paged = [
        sku
        for page in (1, 2)
        for sku in skus(run(like="REDSHIRT", min_match=0.0, diversity=0.6, limit=4, page=page))
    ]
    assert paged == skus(diverse)
    assert skus(run(like="REDSHIRT", min_match=0.0, diversity=0.6, page=9)) == []
