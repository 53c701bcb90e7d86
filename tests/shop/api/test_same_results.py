"""Page, API and SQL find the same products in the same order.

    THOROUGH=1 python -m pytest tests/shop/api/test_same_results.py

asks more random questions.
"""

import random
from io import BytesIO
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.test.utils import setup_test_environment, teardown_test_environment

from catalog.db.connection import connect
from catalog.query_log import remember
from shop.query_pictures import store_query_picture
from tests.conftest import repetitions
from tests.shop.api.conftest import ApiClient

pytestmark = pytest.mark.slow

QUESTIONS = repetitions(30, 1000)
DRAW = random.Random(20)
Parameters = list[tuple[str, str]]

WORDS = (
    ("", "", "cheapest", "i am looking for", "ich suche"),
    ("", "red", "navy", "rote", "not black", "linen", "summer"),
    ("sneakers", "dress", "boots", "jeans", "shirts", "bag", "hat", "Schuhe", "zyxw"),
    ("", "", "without zip", "-blue", "but not red"),
    ("", "", "for women", "for boys", "for my daughter", "für Herren"),
    ("", "", "under 60", "between 20 and 90", "over 30"),
)


def questions(skus: list[str], pictures: list[str], facets: dict[str, list[str]]) -> Parameters:
    """One random search, as the parameters of an address that the page and the API both have."""
    asked: Parameters = []
    kind = DRAW.choice(["words", "words", "words", "picture", "both", "like", "browse"])
    if kind in ("words", "both"):
        text = " ".join(filter(None, (DRAW.choice(words) for words in WORDS)))
        asked += [("q", text)]
    if kind in ("picture", "both"):
        asked += [("picture", it) for it in DRAW.sample(pictures, DRAW.choice([1, 1, 2]))]
    if kind == "both":
        asked.append(("blend", DRAW.choice(["0.2", "0.5", "0.8"])))
    if kind == "like":
        asked.append(("like", DRAW.choice(skus)))
    if DRAW.random() < 0.4:
        facet = DRAW.choice(sorted(facets))
        asked += [(facet, it) for it in DRAW.sample(facets[facet], DRAW.choice([1, 2]))]
    options = {
        "min_price": "25",
        "max_price": "80",
        "in_stock": "1",
        "sort": DRAW.choice(["price", "-price", "newest"]),
        "min_match": DRAW.choice(["0", "40"]),
        "group_variants": "0",
        "limit": DRAW.choice(["12", "48"]),
    }
    asked += [it for it in options.items() if DRAW.random() < 0.15]
    if kind in ("words", "both") and DRAW.random() < 0.1:
        asked.append(("diversity", "0.5"))
    return asked


def from_sql(asked: Parameters) -> list[str] | None:
    """The same search in SQL; None if SQL has no such search."""
    given = dict(asked)
    values: dict[str, object] = {"limit": int(given.pop("limit", "24"))}
    if "q" in given:
        call = "search.products(%(q)s"
    elif "like" in given:
        call = "search.similar(%(like)s"
    else:
        return None
    if {"picture", "sort", "diversity", "blend"} & set(given):
        return None
    for name, value in given.items():
        if name in ("q", "like"):
            values[name] = value
        elif name in ("min_price", "max_price"):
            call += f", {name} => {value}"
        elif name == "in_stock":
            call += ", in_stock => true"
        elif name == "group_variants":
            call += ", group_variants => false"
        elif name == "min_match":
            call += f", min_match => {int(value) / 100}"
        else:
            chosen = [it for key, it in asked if key == name]
            call += ", attributes => jsonb_build_object(%(facet)s::text, %(chosen)s::text[])"
            values |= {"facet": name, "chosen": chosen}
    with connect() as connection:
        # The shop shows similar products that are in stock first.
        order = "in_stock DESC, place" if "like" in given else "place"
        found = connection.exec_driver_sql(
            f"SELECT sku FROM {call}) ORDER BY {order} LIMIT %(limit)s",
            values,
        )
        return list(found.scalars())


def test_page_api_and_sql_find_the_same(api: ApiClient, demo_folder: Path) -> None:
    with connect() as connection:
        skus = list(connection.exec_driver_sql("SELECT sku FROM product ORDER BY sku").scalars())
    files = sorted((demo_folder / "images").iterdir())[:6]
    pictures = [store_query_picture(file.read_bytes()) for file in files]
    listed = api.read("products")["facets"]
    facets = {
        it["parameter"]: [value["value"] for value in it["values"]]
        for it in listed
        if len(it["values"]) > 1
    }
    compared = {"page": 0, "sql": 0, "hits": 0}
    setup_test_environment(debug=False)
    try:
        for _ in range(QUESTIONS):
            asked = questions(skus, pictures, facets)
            page_query = api_query = asked
            if "q" in dict(asked):  # SQL does not correct the spelling
                page_query = [*asked, ("verbatim", dict(asked)["q"])]
                api_query = [*asked, ("verbatim", "true")]
            page = api.get(f"/?{urlencode(page_query)}")
            shown = [hit.sku for hit in page.context["results"].hits]
            found = api.read(f"search?{urlencode(api_query)}")
            assert [hit["sku"] for hit in found["hits"]] == shown, asked
            assert found["total"] == page.context["results"].total
            compared["page"] += 1
            compared["hits"] += len(shown)
            for (words, model), vector in page.context["results"].encoded.items():
                remember(words, [(model, vector)], 1, is_filtered=True)
            in_sql = from_sql(asked)
            if in_sql is not None:
                assert in_sql == shown, asked
                compared["sql"] += 1
    finally:
        teardown_test_environment()
    assert compared["sql"] > QUESTIONS / 4
    assert compared["hits"] > 5 * QUESTIONS


@pytest.mark.parametrize("words", ["", "red"])
def test_an_upload_finds_the_same_on_the_page(
    api: ApiClient, demo_folder: Path, words: str
) -> None:
    for file in sorted((demo_folder / "images").iterdir())[:3]:
        content = file.read_bytes()
        found = api.post("/api/v1/search", {"file": BytesIO(content), "q": words or "shoes"})
        assert found.status_code == 200, found.content
        answer = found.json()
        state = urlencode({"q": words or "shoes"})
        moved = api.post("/picture/", {"file": BytesIO(content), "state": state})
        digest = answer["query"]["pictures"][0]
        assert f"picture={digest}" in moved.headers["Location"]
        again = api.skus(f"search?{urlencode({'q': words or 'shoes', 'picture': digest})}")
        assert [hit["sku"] for hit in answer["hits"]] == again
