"""Any query gives a page. It is only text: no file is read and nothing is downloaded."""

import sys
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from catalog.importing import import_catalog
from catalog.indexing import fill
from embedding.encoder import get_encoder
from tests.catalog.test_search import picture
from tests.conftest import fresh_database

pytestmark = pytest.mark.slow

CLIENT = Client(headers={"host": "localhost"})
SECRET = "a-file-that-no-search-reads.txt"

QUERIES = {
    "10,000 characters": "long sleeve " * 834,
    "one word of 10,000 characters": "a" * 10_000,
    "emoji": "👗👠🩱 in red 🇩🇪 👩‍👧",
    "single quotes": "men's 'shirt' o''clock '; DROP TABLE product; --",
    "double quotes": '"red shirt" "unclosed',
    "percent signs": "100% cotton %s %(words)s %%",
    "backslashes": r"C:\Users\x \' \x00 \\",
    "NUL": "red\x00shirt",
    "right to left": "فستان أحمر שמלה אדומה \u202eshirt",
    "combining marks": "z̷̢͝a̵̛l̸g̶o̷ " * 50,
    "only stop words": "the and of a",
    "only spaces": " \t\n\u3000 ",
    "only punctuation": "!!! ??? ... &|():* <->",
    "only exclusions": '-red -"blue shirt"',
    "only without": "without",
    "tsquery operators": "red & !shirt | (dress:* <-> 'x')",
    "an address": "http://localhost/x.png",
    "another scheme": "file:///etc/passwd data:image/png;base64,AAAA",
    "markup": "<script>alert(1)</script> {{ 7|add:7 }} {% now 'Y' %}",
    "a number": "00000000000000000000042",
}


@pytest.fixture(scope="module")
def shop(template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "red.png").write_bytes(picture("red"))
    (folder / SECRET).write_text("red")
    (folder / "c.csv").write_text("sku,title,images\nR,red shirt,red.png\nS,blue shirt,red.png\n")
    with pytest.MonkeyPatch.context() as patch, fresh_database(template):
        patch.setenv("MEDIA_ROOT", str(folder / "media"))
        import_catalog(folder / "c.csv", folder)
        encoder = get_encoder("fashion")
        for modality in encoder.spec.modalities:
            fill(encoder, modality)
        yield folder


class Watch:
    """Records network connections, name lookups and opened files while it is active."""

    def __init__(self) -> None:
        self.on = False
        self.seen: list[str] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.on and event in ("socket.connect", "socket.getaddrinfo", "open"):
            self.seen.append(f"{event} {arguments[:2]}")


WATCH = Watch()


@pytest.mark.parametrize("name", QUERIES)
@pytest.mark.parametrize("min_match", ["", "0"])
def test_any_text_gives_a_page_and_is_escaped(shop: Path, name: str, min_match: str) -> None:
    response = CLIENT.get("/", {"q": QUERIES[name], "min_match": min_match})
    assert response.status_code == HTTPStatus.OK
    page = response.content.decode()
    assert "<title>" in page
    assert "<script>alert" not in page


def test_invalid_utf8_gives_a_page(shop: Path) -> None:
    for query in ("q=%ff%fe", "q=red%00shirt", "q=%ed%b3%bf", "q=%"):
        assert CLIENT.get(f"/?{query}").status_code == HTTPStatus.OK


@pytest.mark.parametrize("name", ["min_price", "max_price", "min_match", "blend", "page", "limit"])
@pytest.mark.parametrize("number", ["0E+999999999999", "-0E-999999999999", "sNaN", "9" * 10**4])
def test_any_number_gives_a_page(shop: Path, name: str, number: str) -> None:
    for words in ("", "red"):
        response = CLIENT.get("/", {"q": words, name: number})
        assert response.status_code == HTTPStatus.OK


@pytest.mark.parametrize("form", ["{}", "file://{}", "-{}", "without {}", '"{}"'])
def test_path_is_not_read(shop: Path, form: str) -> None:
    CLIENT.get("/", {"q": "warm"})  # load everything that the first search loads
    secret = shop / SECRET
    WATCH.seen.clear()
    WATCH.on = True
    try:
        response = CLIENT.get("/", {"q": form.format(secret)})
    finally:
        WATCH.on = False
    assert response.status_code == HTTPStatus.OK
    assert not [event for event in WATCH.seen if SECRET in event]


@pytest.mark.parametrize("text", ["http://localhost/x.png", "https://evil.example/a.jpg red"])
def test_url_is_not_downloaded(shop: Path, text: str) -> None:
    CLIENT.get("/", {"q": "warm"})
    WATCH.seen.clear()
    WATCH.on = True
    try:
        response = CLIENT.get("/", {"q": text})
    finally:
        WATCH.on = False
    assert response.status_code == HTTPStatus.OK
    assert not [event for event in WATCH.seen if "socket" in event]
