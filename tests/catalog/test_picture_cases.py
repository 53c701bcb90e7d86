"""Picture files of all kinds that shops have: those that are read, and how, and those refused."""

import numpy as np
import pytest

from catalog.media.store import check_and_store
from embedding.image_decoding import ImageError, open_image
from tests.data import CASES, needs_cases

pytestmark = needs_cases

PICTURES = CASES / "pictures" / "img"
REFUSED = {
    **{"svg.svg": "known format", "jxl.jxl": "known format", "jp2.jp2": "known format"},
    **{"ico.ico": "known format", "html_as.jpg": "known format", "heic.heic": "known format"},
    **{"empty.jpg": "empty", "truncated.jpg": "damaged", "truncated.png": "damaged"},
}
CENTRES = {
    **dict.fromkeys(["swapped_icc.jpg", "swapped_icc.png", "swapped_icc.webp"], (30, 30, 200)),
    **{"swapped_icc.avif": (30, 30, 200), "adobergb.jpg": (235, 20, 30)},
    **dict.fromkeys(["plain.jpg", "cmyk_adobe.jpg", "cmyk.tif", "lab.tif"], (200, 30, 30)),
    **dict.fromkeys(["exif6.tif", "exif6.avif", "exif7.jpg", "mpo.jpg"], (200, 30, 30)),
    **dict.fromkeys(["anim.webp", "rgb16.png", "transparent.png"], (200, 30, 30)),
    **dict.fromkeys(["truncated_last2.jpg", "no_iend.png", "trailing.jpg"], (200, 30, 30)),
}
UPRIGHT = {f"exif{n}.jpg" for n in range(5, 9)} | {
    f"exif6.{ending}" for ending in ("avif", "png", "tif", "webp")
}
"""Pictures of 300 x 400 pixels that are turned by a quarter."""


def names() -> list[str]:
    return sorted(file.name for file in PICTURES.iterdir()) if PICTURES.is_dir() else []


@pytest.mark.parametrize("name", names())
def test_every_kind_of_picture_file(name: str, database: str) -> None:
    content = (PICTURES / name).read_bytes()
    if name in REFUSED:
        with pytest.raises(ImageError, match=REFUSED[name]):
            check_and_store(content, {}, store=False)
        return
    picture = check_and_store(content, {}, store=False)
    image = open_image(content)
    assert (picture.width, picture.height) == image.size
    assert name not in UPRIGHT or image.size == (400, 300)
    if name in CENTRES:
        centre = np.asarray(image)[image.height // 2, image.width // 2]
        assert np.abs(np.subtract(centre, CENTRES[name])).max() <= 12


def test_the_cases_are_there() -> None:
    assert set(names()) >= REFUSED.keys() | CENTRES.keys() | UPRIGHT


def test_a_wide_profile_makes_colours_stronger() -> None:
    red, green, blue = np.asarray(open_image(PICTURES / "prophoto.jpg"))[200, 150]
    assert red > 225
    assert max(green, blue) < 45
