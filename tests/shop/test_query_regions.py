"""Parts of query pictures: their addresses, what is searched for, and the suggested ones."""

import json
from collections.abc import Iterator
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from PIL import Image

from embedding.image_decoding import open_image
from embedding.regions import finder
from embedding.regions.garments import Garment, Garments
from embedding.regions.region import Region
from shop import picture_regions, query_pictures
from shop.forms import SearchForm
from shop.query_picture_panel import picture_panels
from shop.refused_uploads import refusal, with_refusal
from shop.search_params import SearchParams
from tests.shop.test_forms import parse
from tests.shop.test_pictures import PLAIN_STORAGE, encoded

DIGEST = "ab" * 32
LEFT, RIGHT = Region(0, 0, 500, 1000), Region(500, 0, 500, 1000)


def two_colours() -> bytes:
    image = Image.new("RGB", (400, 200), "red")
    image.paste((0, 0, 255), (200, 0, 400, 200))
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with override_settings(
        QUERY_PICTURE_DIR=tmp_path / "query_pictures",
        JUDGED_PICTURE_DIR=tmp_path / "judged",
        STORAGES=PLAIN_STORAGE,
    ):
        yield tmp_path / "query_pictures"


@pytest.fixture
def suggested(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The finder suggests both halves, and searches for the right one; counts its calls."""
    calls: list[int] = []

    def find(image: Image.Image) -> Garments:
        calls.append(image.width)
        return Garments((Garment(RIGHT, 0.9), Garment(LEFT, 0.8)), Garment(RIGHT, 0.9))

    monkeypatch.setattr(finder, "find_garments", find)
    return calls


def test_the_address_of_a_part_is_parsed_and_written() -> None:
    name = f"{DIGEST}-250-0-500-1000"
    form = parse(f"q=shoes&picture={name}&picture={DIGEST}")
    assert form.notes == []
    assert form.state.pictures == (name, DIGEST)
    assert form.state.query() == f"q=shoes&picture={name}&picture={DIGEST}"


def test_a_region_of_everything_is_the_whole_picture() -> None:
    form = parse(f"picture={DIGEST}-0-0-1000-1000&picture={DIGEST}")
    assert form.notes == []
    assert form.state.pictures == (DIGEST,)


@pytest.mark.parametrize(
    "region",
    [
        *("", "1", "0-0-500", "0-0-500-500-0", "0-0-5000-5000", "900-0-500-500", "0-0-1-1"),
        *("a-b-c-d", "0-0-500-500%0A", "-1-0-500-500", "0-0-500-500/../..", "1e2-0-500-500"),
        *("0-0-500-%00", "9" * 5000, "%F0%9F%91%9F"),
    ],
)
def test_an_invalid_region_leaves_the_whole_picture_with_a_note(region: str) -> None:
    form: SearchForm = parse(f"picture={DIGEST}-{region}")
    assert form.state == SearchParams(pictures=(DIGEST,))
    assert len(form.notes) == 1


def test_parts_are_pictures_like_others() -> None:
    parts = [f"{DIGEST}-{number}-0-500-500" for number in range(5)]
    state = SearchParams(pictures=(parts[0], parts[1]))
    assert state.without_picture(parts[0]).pictures == (parts[1],)
    assert state.with_part(parts[0], DIGEST).pictures == (DIGEST, parts[1])
    assert state.with_part(parts[0], parts[1]).pictures == (parts[1],)
    assert len(SearchParams(pictures=tuple(parts[:4])).with_picture(parts[4]).pictures) == 4


def test_a_part_is_what_is_encoded_and_the_original_is_kept_once(folder: Path) -> None:
    digest = query_pictures.store_query_picture(two_colours())
    content = query_pictures.load_query_picture(f"{digest}-{RIGHT}")
    assert content is not None
    part = open_image(content)
    assert part.size == (200, 200)
    red, _, blue = part.resize((1, 1)).getpixel((0, 0))  # type: ignore[misc]
    assert blue > 240 > 20 > red
    assert [file.name for file in folder.glob("*.*g")] == [f"{digest}.jpg"]
    assert query_pictures.load_query_picture(f"{digest}-900-0-500-500") is None


@pytest.mark.usefixtures("database", "folder", "suggested")
def test_parts_are_served_as_jpeg_in_two_sizes() -> None:
    client = Client(headers={"host": "localhost"})
    digest = query_pictures.store_query_picture(encoded((1200, 900)))
    for address, size in (
        (digest, (1200, 900)),
        (f"{digest}-{LEFT}", (600, 900)),
        (f"{digest}-{LEFT}/small", (320, 480)),
        (f"{digest}/small", (480, 360)),
    ):
        response = client.get(f"/picture/{address}")
        assert response["Content-Type"] == "image/jpeg"
        picture = Image.open(BytesIO(response.content))
        assert (picture.format, picture.size) == ("JPEG", size)
    for address in (f"{digest}-9999-0-1-1", f"{digest}-1-2", f"{DIGEST}-{LEFT}"):
        assert client.get(f"/picture/{address}").status_code == HTTPStatus.NOT_FOUND


@pytest.mark.usefixtures("folder")
def test_a_judged_part_is_kept_as_it_was_seen() -> None:
    digest = query_pictures.store_query_picture(two_colours())
    name = f"{digest}-{LEFT}"
    assert query_pictures.keep_query_picture(name)
    kept = Image.open(query_pictures.judged_picture(name))
    assert (kept.format, kept.size) == ("JPEG", (200, 200))
    assert not query_pictures.keep_query_picture(f"{DIGEST}-{LEFT}")


def test_garments_are_found_once_and_kept_beside_the_picture(
    folder: Path, suggested: list[int]
) -> None:
    digest = query_pictures.store_query_picture(two_colours())
    found = picture_regions.picture_regions(digest)
    assert found == picture_regions.PictureRegions(400, 200, (RIGHT, LEFT), RIGHT)
    assert picture_regions.picture_regions(digest) == found
    assert len(suggested) == 1
    for spoilt in ("", "[]", '{"version": 0}', '{"version": 1, "size": [1, 2], "regions": ["x"]}'):
        (folder / f"{digest}.json").write_text(spoilt)
        assert picture_regions.picture_regions(digest) == found
    assert json.loads((folder / f"{digest}.json").read_text())["best"] == str(RIGHT)
    assert picture_regions.picture_regions("0" * 64) is None


@pytest.mark.usefixtures("folder")
def test_garments_are_not_looked_for_if_the_setting_says_so(
    suggested: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIND_GARMENTS", "0")
    digest = query_pictures.store_query_picture(two_colours())
    assert picture_regions.name_to_search_with(digest) == digest
    assert picture_regions.picture_regions(digest) == picture_regions.PictureRegions(400, 200)
    assert not suggested


@pytest.mark.usefixtures("folder", "suggested")
def test_each_other_garment_has_a_dot_that_leads_to_it() -> None:
    digest = query_pictures.store_query_picture(two_colours())
    state = SearchParams(text="shoes", pictures=(f"{digest}-{RIGHT}",), page=2)
    (panel,) = picture_panels(state)
    assert panel.frame == (200, 0, 200, 200)
    (dot,) = panel.dots
    assert (dot.x, dot.y) == (100, 100)
    assert dot.url == f"/?q=shoes&picture={digest}-{LEFT}"
    assert panel.whole.url() == f"/?q=shoes&picture={digest}"
    assert panel.cut_url == f"/?q=shoes&picture={digest}-REGION"
    (panel,) = picture_panels(SearchParams(pictures=(digest,)))
    assert (panel.frame, len(panel.dots)) == (None, 2)


@pytest.mark.usefixtures("database", "folder", "suggested")
@pytest.mark.parametrize("path", ["/", "/compare/"])
def test_an_upload_searches_for_its_best_part_and_says_so(path: str) -> None:
    client = Client(headers={"host": "localhost"})
    with override_settings(COMPARE_OPEN=True):
        file = SimpleUploadedFile("a.png", two_colours())
        response = client.post(f"{path}picture/", {"file": file, "state": "q="})
        assert response.status_code == HTTPStatus.SEE_OTHER
        assert response["Location"].endswith(f"-{RIGHT}")
        page = client.get(response["Location"]).content.decode()
    assert "Looking at a part of your picture" in page
    assert "Use the whole picture" in page
    assert page.count('class="dot"') == 1


@pytest.mark.usefixtures("database", "folder", "suggested")
@pytest.mark.parametrize("path", ["/", "/compare/"])
def test_a_refused_upload_leads_to_an_address_that_can_be_shared(path: str) -> None:
    client = Client(headers={"host": "localhost"})
    with override_settings(COMPARE_OPEN=True):
        file = SimpleUploadedFile("a.png", b"no picture")
        response = client.post(f"{path}picture/", {"file": file, "state": "q=red"})
        assert response.status_code == HTTPStatus.SEE_OTHER
        for reader in (client, Client(headers={"host": "localhost"})):
            page = reader.get(response["Location"])
            assert page.status_code == HTTPStatus.OK
            assert "This picture cannot be used: not a picture" in page.content.decode()
            assert "refused=" not in page.content.decode().replace("data-refused=", "")


def test_nobody_can_make_the_shop_say_anything_else() -> None:
    address = with_refusal("/?q=a", "This picture cannot be used.")
    text = address.partition("refused=")[2]
    assert refusal({"refused": text}) == ["This picture cannot be used."]
    assert with_refusal("/", "No.").startswith("/?refused=")
    for forged in ("", "hello", "hello:" + text.split(":")[1], text[:-1], text + "x", "é:é"):
        assert refusal({"refused": forged}) == []
    assert refusal({}) == []


@pytest.mark.usefixtures("database", "folder", "suggested")
def test_scripts_get_the_address_instead_of_a_redirect() -> None:
    client = Client(headers={"host": "localhost", "accept": "application/json"})
    file: Any = SimpleUploadedFile("a.png", two_colours())
    response = client.post("/picture/", {"file": file, "state": "q=red"})
    assert response.status_code == HTTPStatus.OK
    assert response.json()["location"].startswith("/?q=red&picture=")
