"""Cutting pictures by mouse, keyboard and finger; suggested parts; shrinking before an upload."""

import re
from io import BytesIO
from pathlib import Path
from random import Random
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, Request, Route, expect

from embedding.training.scenes import drawn_backdrop
from tests.browser.test_storefront import DARK, NO_SCRIPTS, PHONE, drawn_picture, search, upload
from tests.orientation import jpeg_with_orientation

PART = re.compile(r"picture=[0-9a-f]{64}-\d+-\d+-\d+-\d+")


@pytest.fixture(scope="module")
def scene(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph-like picture with a shirt and a dress."""
    image = drawn_backdrop(Random(0), (900, 600))
    for kind, place in (("Shirts", (80, 200)), ("Dresses", (560, 120))):
        picture = Image.open(drawn_picture(demo_folder, kind))
        picture.thumbnail((300, 300))
        image.paste(picture, place)
    path = tmp_path_factory.mktemp("scene") / "scene.png"
    image.save(path)
    return path


def region(page: Page) -> list[int]:
    """The region of the first picture of the address."""
    (name, *_) = parse_qs(urlsplit(page.url).query)["picture"]
    return [int(number) for number in name.split("-")[1:]]


def open_dialog(page: Page) -> Locator:
    page.get_by_role("button", name="Choose a part of the picture").click()
    dialog = page.get_by_role("dialog", name="Search for a part of the picture")
    expect(dialog.locator(".crop-stage[data-ready]")).to_be_visible()
    return dialog


def middle(locator: Locator) -> tuple[float, float]:
    box = locator.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_part_is_cut_with_the_mouse_and_stays_in_the_address(
    page: Page, demo_folder: Path
) -> None:
    upload(page, drawn_picture(demo_folder, "Boots"))
    whole = page.url
    dialog = open_dialog(page)
    x, y = middle(dialog.locator(".point-se"))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 40, y - 80, steps=4)
    page.mouse.up()
    dialog.get_by_role("button", name="Search for this part").click()
    expect(page).to_have_url(PART)
    left, top, width, height = region(page)
    assert left == pytest.approx(150, abs=15)
    assert top == pytest.approx(150, abs=15)
    assert width < 690
    assert height < 690
    expect(page.locator(".scene-frame")).to_be_visible()
    expect(page.get_by_text(re.compile("(in|of) your picture"))).to_be_visible()
    address = page.url
    page.reload()
    assert page.url == address
    page.go_back()
    expect(page).to_have_url(whole)
    page.go_forward()
    expect(page).to_have_url(address)
    search(page, "red")
    expect(page).to_have_url(PART)  # words are added to the part
    expect(page.get_by_role("link", name="Use the whole picture")).to_be_visible()
    page.goto(address)
    page.get_by_role("link", name="Use the whole picture").click()
    expect(page).to_have_url(whole)


@pytest.mark.parametrize("page", [DARK], indirect=True, ids=["dark"])
def test_a_part_is_cut_with_the_keyboard(page: Page, demo_folder: Path) -> None:
    upload(page, drawn_picture(demo_folder, "Boots"))
    button = page.get_by_role("button", name="Choose a part of the picture")
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".crop-stage")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog.locator(".crop-stage[data-ready]")).to_be_focused()
    for key in ("ArrowLeft", "ArrowLeft", "ArrowDown", "Shift+ArrowLeft", "Shift+ArrowUp"):
        page.keyboard.press(key)
    expect(dialog.locator("output")).to_have_text(
        re.compile(r"From 11 percent left and 17 percent")
    )
    page.keyboard.press("Enter")
    expect(page).to_have_url(PART)
    assert region(page) == pytest.approx([110, 170, 680, 680], abs=6)


@pytest.mark.parametrize("page", [{**PHONE, "has_touch": True}], indirect=True, ids=["phone"])
def test_a_part_is_cut_with_a_finger(page: Page, demo_folder: Path) -> None:
    upload(page, drawn_picture(demo_folder, "Boots"))
    dialog = open_dialog(page)
    width = page.viewport_size["width"] if page.viewport_size else 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    x, y = middle(dialog.locator(".point-nw"))
    touch = page.context.new_cdp_session(page)
    for kind, points in (
        ("touchStart", [{"x": x, "y": y}]),
        ("touchMove", [{"x": x + 15, "y": y + 30}]),
        ("touchMove", [{"x": x + 30, "y": y + 60}]),
        ("touchEnd", []),
    ):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    page.wait_for_timeout(500)  # what follows at once belongs to the same gesture
    dialog.get_by_role("button", name="Search for this part").tap()
    expect(page).to_have_url(PART)
    left, top, width, height = region(page)
    assert left > 170
    assert top > 170
    assert (left + width, top + height) == pytest.approx((850, 850), abs=15)


def test_a_part_that_was_cut_is_shown_when_it_is_cut_again(page: Page, demo_folder: Path) -> None:
    upload(page, drawn_picture(demo_folder, "Boots"))
    page.goto(f"{page.url}-200-300-400-500")
    open_dialog(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"-2[12]\d-"))
    assert region(page) == pytest.approx([220, 300, 400, 500], abs=4)


def test_a_window_of_another_size_shows_the_same_part(page: Page, demo_folder: Path) -> None:
    upload(page, drawn_picture(demo_folder, "Boots"))
    page.goto(f"{page.url}-100-300-400-500")
    dialog = open_dialog(page)
    wide = page.viewport_size
    assert wide
    for size in ({"width": 320, "height": 640}, wide, {"width": 640, "height": 320}):
        before = middle(dialog.locator(".cropper-crop-box"))
        page.set_viewport_size(size)  # type: ignore[arg-type]
        expect(dialog.locator(".crop-stage[data-ready]")).to_be_visible()
        page.wait_for_function(
            """([x, y]) => {
              const box = document.querySelector(".crop-stage[data-ready] .cropper-crop-box");
              const { left, top, width, height } = box?.getBoundingClientRect() ?? {};
              const stage = document.querySelector(".cropper-container")?.getBoundingClientRect();
              const moved = left + width / 2 !== x || top + height / 2 !== y;
              return moved && stage?.right <= innerWidth;
            }""",
            arg=list(before),
        )
        stage, picture = (
            dialog.locator(f".cropper-{name}").bounding_box() for name in ("container", "canvas")
        )
        assert stage
        assert picture
        assert picture["x"] >= stage["x"] - 1
        assert picture["x"] + picture["width"] <= stage["x"] + stage["width"] + 1
        if size["width"] == 320:  # the buttons fill their rows
            main = dialog.get_by_role("button", name="Search for this part").bounding_box()
            assert main
            assert main["width"] == pytest.approx(stage["width"], abs=1)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"-1[12]\d-"))
    assert region(page) == pytest.approx([120, 300, 400, 500], abs=8)


@pytest.mark.parametrize("page", [{}, NO_SCRIPTS], indirect=True, ids=["scripts", "no-scripts"])
def test_the_best_part_is_taken_and_another_one_is_a_tap_away(
    page: Page, scene: Path, request: pytest.FixtureRequest
) -> None:
    page.locator("#file").set_input_files(scene)
    if "no-scripts" in request.node.name:
        page.get_by_role("button", name="Search with it").click()
    expect(page).to_have_url(PART)
    expect(page.locator(".query-words")).to_contain_text("Looking at")
    first = page.url
    page.locator("a.dot").first.click()
    expect(page).not_to_have_url(first)
    expect(page).to_have_url(PART)
    page.get_by_role("link", name="Use the whole picture").click()
    expect(page).not_to_have_url(PART)
    expect(page.locator("a.dot").nth(1)).to_be_visible()


def test_a_large_photograph_is_shrunk_upright_with_a_preview(page: Page, tmp_path: Path) -> None:
    noise = Image.effect_noise((2400, 1600), 90).convert("RGB")
    photograph = jpeg_with_orientation(noise, 6)
    assert len(photograph) > 1_500_000
    (tmp_path / "photograph.jpg").write_bytes(photograph)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/picture/", hold)
    with page.expect_request("**/picture/") as posted:
        page.locator("#file").set_input_files(tmp_path / "photograph.jpg")
    expect(page.locator("#uploading img")).to_be_visible()
    expect(page.get_by_role("progressbar", name="Progress of the upload")).to_be_visible()
    sent = posted.value.post_data_buffer
    assert sent is not None
    assert len(sent) < len(photograph) / 2
    while not held:
        page.wait_for_timeout(10)
    held[0].continue_()
    expect(page).to_have_url(re.compile("picture="))
    digest = parse_qs(urlsplit(page.url).query)["picture"][0][:64]
    stored = Image.open(BytesIO(page.request.get(f"/picture/{digest}").body()))
    assert stored.size == (1024, 683)


def test_what_the_browser_cannot_decode_is_sent_as_it_is(page: Page, tmp_path: Path) -> None:
    Image.new("RGB", (60, 60), "red").save(tmp_path / "a.tiff")
    page.locator("#file").set_input_files(tmp_path / "a.tiff")
    expect(page).to_have_url(re.compile("picture="))


def test_a_refused_upload_has_an_address_that_can_be_shared(page: Page, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    page.locator("#file").set_input_files(tmp_path / "broken.png")
    expect(page).to_have_url(re.compile("refused="))
    note = page.get_by_role("alert").filter(has_text="This picture cannot be used")
    expect(note).to_be_visible()
    page.reload()
    expect(note).to_be_visible()


def paste(page: Page, text: str) -> None:
    page.evaluate(
        """(text) => {
            const data = new DataTransfer();
            data.setData("text/plain", text);
            const options = { clipboardData: data, bubbles: true, cancelable: true };
            document.getElementById("q").dispatchEvent(new ClipboardEvent("paste", options));
        }""",
        text,
    )


def test_a_pasted_address_is_fetched_or_says_why_not(page: Page) -> None:
    paste(page, "http://127.0.0.1:9/shoe.jpg")
    expect(page).to_have_url(re.compile("refused="))
    expect(page.get_by_role("alert").first).to_contain_text("This address cannot be reached")


def test_a_picture_of_another_page_is_dragged_in(page: Page) -> None:
    sent: list[Request] = []
    page.on("request", lambda it: sent.append(it) if it.method == "POST" else None)
    page.evaluate(
        """() => {
            const data = new DataTransfer();
            data.setData("text/uri-list", "https://a.example/page-with-the-shoe");
            data.setData("text/html", '<a href="#"><img src="http://127.0.0.1:9/shoe.jpg"></a>');
            for (const type of ["dragover", "drop"])
                document.body.dispatchEvent(
                    new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
        }"""
    )
    expect(page).to_have_url(re.compile("refused="))
    assert "http://127.0.0.1:9/shoe.jpg" in (sent[0].post_data or "")


def test_a_picture_of_the_shop_is_dragged_in(page: Page) -> None:
    page.evaluate(
        """() => {
            const data = new DataTransfer();
            data.setData("text/uri-list", document.querySelector(".card img").src);
            document.body.dispatchEvent(
                new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        }"""
    )
    expect(page).to_have_url(re.compile("picture="))


def test_other_pasted_words_stay_words(page: Page) -> None:
    page.locator("#q").fill("red shoes")
    paste(page, "see https://a.example/shoe.jpg")
    expect(page.locator("#uploading")).to_be_hidden()
