"""Preprocessing gives the same pixels as the checkpoint's own image processor."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from embedding.preprocessing import FitSquare, ResizeAndCrop, open_prepared
from tests.embedding.tiny_clip import processor


def noise(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("size", [(640, 480), (480, 641), (333, 97), (90, 90), (20, 33)])
def test_resize_and_crop_matches_clip(size: tuple[int, int]) -> None:
    images = processor(48, 8).image_processor
    preparation = ResizeAndCrop.from_config(images.to_dict())
    assert preparation == ResizeAndCrop(48, (48, 48))
    picture = noise(*size)
    expected = images(picture, do_normalize=False, do_rescale=False)["pixel_values"][0]
    found = preparation(picture).transpose(2, 0, 1)
    difference = np.abs(np.asarray(expected, int) - found)
    assert difference.max() <= 1
    assert difference.mean() < 0.01


@pytest.mark.parametrize(
    "change",
    [
        {"do_resize": False},
        {"do_center_crop": False},  # pictures of different shapes
        {"crop_size": {"height": 64, "width": 48}},  # padded
        {"size": {"longest_edge": 48}},
    ],
)
def test_unsupported_processors_have_no_preparation(change: dict[str, object]) -> None:
    assert ResizeAndCrop.from_config(processor(48, 8).image_processor.to_dict() | change) is None


def test_fixed_size_ignores_the_aspect_ratio() -> None:
    config = {"do_resize": True, "size": {"height": 30, "width": 20}, "resample": 2}
    preparation = ResizeAndCrop.from_config(config)
    assert preparation is not None
    picture = noise(64, 48)
    expected = picture.resize((20, 30), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(preparation(picture), np.asarray(expected))


@pytest.mark.parametrize("preparation", [FitSquare(40), ResizeAndCrop(40, (32, 36))])
def test_preparation_can_be_pickled(preparation: FitSquare) -> None:
    copy = pickle.loads(pickle.dumps(preparation))
    pixels = copy(noise(70, 50))
    assert pixels.shape == preparation.shape
    np.testing.assert_array_equal(pixels, preparation(noise(70, 50)))


def test_large_jpeg_is_decoded_only_as_large_as_needed(tmp_path: Path) -> None:
    file = tmp_path / "big.jpg"
    noise(30, 40).resize((640, 800)).save(file, quality=95)
    seen: list[tuple[int, int]] = []

    class Spy(FitSquare):
        def __call__(self, image: Image.Image) -> np.ndarray:
            seen.append(image.size)
            return super().__call__(image)

    from_half = open_prepared(file, Spy(260))
    assert seen == [(320, 400)]
    from_all = FitSquare(260)(Image.open(file))
    assert np.abs(from_half.astype(int) - from_all).mean() < 2
