"""Regions of pictures: the value, cutting, composed scenes, and the finder of garments."""

from io import BytesIO
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from embedding.encoder import EncoderError
from embedding.image_decoding import open_image
from embedding.regions.finder import find_garments, load_head, save_head
from embedding.regions.network import CELLS, RegionHead
from embedding.regions.region import SMALLEST, WHOLE, Region, RegionError, cut
from embedding.training.regions import target
from embedding.training.scenes import (
    Cutout,
    Scene,
    compose,
    corner_backdrop,
    cut_out,
    drawn_backdrop,
)
from tests.orientation import jpeg_with_orientation

RED, WHITE = (200, 20, 30), (255, 255, 255)


@st.composite
def regions(draw: st.DrawFn) -> Region:
    left = draw(st.integers(0, WHOLE - SMALLEST))
    top = draw(st.integers(0, WHOLE - SMALLEST))
    width = draw(st.integers(SMALLEST, WHOLE - left))
    return Region(left, top, width, draw(st.integers(SMALLEST, WHOLE - top)))


@given(regions())
def test_a_region_survives_its_text(region: Region) -> None:
    assert Region.parse(str(region)) == region
    left, top, right, bottom = region.box(7, 1300)
    assert 0 <= left < right <= 7
    assert 0 <= top < bottom <= 1300


@pytest.mark.parametrize(
    "text",
    [
        *("", "1", "0-0-500", "0-0-500-500-1", "0,0,500,500", " 0-0-500-500", "0-0-500-500\n"),
        *("00-0-500-500", "-1-0-500-500", "0-0-1001-500", "600-0-500-500", "0-900-100-101"),
        *(
            "0-0-19-500",
            "0-0-500-0",
            "0-0-5e2-500",
            "0.5-0-500-500",
            "\u0660-0-500-500",
            "0-0-99999-1",
        ),
    ],
)
def test_other_texts_are_no_regions(text: str) -> None:
    with pytest.raises(RegionError):
        Region.parse(text)


def test_a_cut_is_that_part_of_the_upright_picture_without_loss() -> None:
    picture = Image.new("RGB", (1200, 1600), WHITE)
    picture.paste(RED, (300, 800, 900, 1600))
    content = jpeg_with_orientation(picture, 6)
    part = open_image(cut(content, Region(250, 500, 500, 500)))
    assert part.size == (600, 800)
    assert np.abs(np.asarray(part, int)[20:-20, 20:-20] - RED).max() < 8
    lossless = BytesIO()
    picture.save(lossless, "PNG")
    whole = open_image(cut(lossless.getvalue(), Region(0, 0, WHOLE, WHOLE)))
    assert whole.tobytes() == picture.tobytes()


def product_photograph(folder: Path) -> Path:
    image = Image.new("RGB", (240, 320), WHITE)
    draw = ImageDraw.Draw(image)
    draw.rectangle((60, 80, 179, 239), fill=RED)
    draw.rectangle((100, 120, 140, 160), fill=WHITE)  # white inside the garment is no ground
    image.save(folder / "shirt.png")
    return folder / "shirt.png"


def test_a_garment_is_cut_out_of_white(tmp_path: Path) -> None:
    cutout = cut_out(product_photograph(tmp_path), "A")
    assert cutout is not None
    assert cutout.product == "A"
    assert cutout.image.size == pytest.approx((120, 160), abs=4)
    assert np.asarray(cutout.image)[60, 60, 3] == 255
    Image.new("RGB", (100, 100), "teal").save(tmp_path / "snapshot.png")
    assert cut_out(tmp_path / "snapshot.png", "B") is None


def test_scenes_depend_on_the_generator_alone(tmp_path: Path) -> None:
    path = product_photograph(tmp_path)
    cutout = cut_out(path, "A")
    assert cutout is not None
    for backdrop in (drawn_backdrop, corner_backdrop([path])):
        one, same = (compose(Random(5), [cutout] * 2, backdrop, distractors=2) for _ in range(2))
        assert one.image.tobytes() == same.image.tobytes()
        assert one.boxes == same.boxes
        assert compose(Random(6), [cutout], backdrop).image.tobytes() != one.image.tobytes()


def test_boxes_are_where_the_garments_are() -> None:
    garment = Image.new("RGBA", (100, 160), (*RED, 255))

    def white(_: Random, size: tuple[int, int]) -> Image.Image:
        return Image.new("RGB", size, WHITE)

    for seed in range(8):
        scene = compose(Random(seed), [Cutout(garment, "A")] * 2, white)
        reds = np.asarray(scene.image, int)
        is_red = (reds[..., 0] - reds[..., 1]) > 60
        inside = np.zeros_like(is_red)
        for left, top, right, bottom in scene.boxes:
            inside[int(top) - 2 : int(bottom) + 2, int(left) - 2 : int(right) + 2] = True
        assert is_red.any()
        assert not (is_red & ~inside).any()


def test_the_target_marks_the_middle_of_each_box() -> None:
    scene = Scene(Image.new("RGB", (400, 200)), ((100.0, 50.0, 300.0, 150.0),), ("A",))
    found = target(scene)
    assert found.shape == (5, CELLS, CELLS)
    assert found[0, CELLS // 2, CELLS // 2] == 1
    assert found[0, 0, 0] == 0
    assert found[1:, CELLS // 2, CELLS // 2].tolist() == [0.25, 0.375, 0.75, 0.625]


def test_weights_are_kept_in_half_precision_and_checked(tmp_path: Path) -> None:
    torch.manual_seed(1)
    head = RegionHead()
    save_head(head, tmp_path / "head.safetensors")
    read = load_head(tmp_path / "head.safetensors")
    for name, value in head.state_dict().items():
        torch.testing.assert_close(read.state_dict()[name], value.half().float())
    (tmp_path / "head.safetensors").write_bytes(b"no weights")
    with pytest.raises(EncoderError, match=r"embedding\.training\.regions --help"):
        load_head(tmp_path / "head.safetensors")


@pytest.mark.slow
def test_a_garment_is_found_in_a_scene_and_not_cut_on_its_own_ground(demo_folder: Path) -> None:
    paths = sorted((demo_folder / "images").glob("*.jpg"))[::12][:6]
    found = 0
    for seed, path in enumerate(paths):
        picture = open_image(path)
        assert find_garments(picture).best is None
        scene = drawn_backdrop(Random(seed), (512, 384))
        picture.thumbnail((180, 180))
        left, top = 300, 120
        scene.paste(picture, (left, top))
        garments = find_garments(scene).found
        scores = [it.score for it in garments]
        assert scores == sorted(scores, reverse=True)
        centres = [it.region.centre for it in garments[:2]]
        found += any(
            left < x * 0.512 < left + picture.width and top < y * 0.384 < top + picture.height
            for x, y in centres
        )
    assert found > len(paths) / 2
