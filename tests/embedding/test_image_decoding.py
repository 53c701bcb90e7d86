"""Decoding: every kind of file gives the right pixels or an `ImageError` with a reason."""

import subprocess
import sys
from io import BytesIO
from pathlib import Path
from struct import pack
from typing import Any
from zlib import compress, crc32

import numpy as np
import pytest
from PIL import Image, ImageCms

from embedding import image_decoding
from embedding.colour_profiles import TILE
from embedding.image_decoding import (
    DECODED_SIDE,
    IMAGE_FORMATS,
    MAX_SCANS,
    MAX_SEGMENTS,
    ImageError,
    open_image,
    square,
)
from tests.bombs import SCAN, scan_bomb
from tests.orientation import jpeg_with_orientation

RED, WHITE = (255, 0, 0), (255, 255, 255)

MEASURE = """
import re, sys
from pathlib import Path
from embedding.image_decoding import open_image

def peak_memory():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024

before = peak_memory()
open_image(Path(sys.argv[1]))
print(peak_memory() - before)
"""
"""Prints how many bytes the peak memory grows when a picture is opened."""


def encode(image: Image.Image, file_format: str = "PNG", **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def near(colour: Any, expected: tuple[int, int, int], tolerance: int = 12) -> bool:
    return bool(np.abs(np.subtract(colour, expected)).max() <= tolerance)


def noise(width: int, height: int) -> Image.Image:
    """Incompressible pixels, so that truncating the file truncates the picture."""
    generator = np.random.default_rng(0)
    return Image.fromarray(generator.integers(0, 256, (height, width, 3), np.uint8))


@pytest.mark.parametrize("file_format", IMAGE_FORMATS)
def test_every_format(file_format: str) -> None:
    image = open_image(encode(Image.new("RGB", (40, 30), RED), file_format))
    assert (image.mode, image.size) == ("RGB", (40, 30))
    assert near(image.getpixel((20, 15)), RED)


def test_path_and_bytes_give_the_same_pixels(tmp_path: Path) -> None:
    content = encode(noise(40, 30))
    (tmp_path / "picture").write_bytes(content)
    assert open_image(tmp_path / "picture").tobytes() == open_image(content).tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation(orientation: int) -> None:
    """All eight orientations of one scene, which is red at the top left and white elsewhere."""
    scene = Image.new("RGB", (80, 40), WHITE)
    scene.paste(RED, (0, 0, 40, 20))
    image = open_image(jpeg_with_orientation(scene, orientation))
    assert image.size == (80, 40)
    assert near(image.getpixel((10, 10)), RED)
    assert near(image.getpixel((60, 10)), WHITE)
    assert near(image.getpixel((10, 30)), WHITE)


def test_unreadable_exif_is_ignored() -> None:
    content = encode(Image.new("RGB", (40, 30), RED), "JPEG", exif=b"Exif\0\0MM\0*garbage" * 9)
    assert near(open_image(content).getpixel((20, 15)), RED)


def test_cmyk() -> None:
    content = encode(Image.new("CMYK", (40, 30), (0, 255, 255, 0)), "JPEG", quality=95)
    assert near(open_image(content).getpixel((20, 15)), RED)


def test_cmyk_with_an_unusable_profile() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (srgb, b"no profile"):
        content = encode(
            Image.new("CMYK", (40, 30), (0, 255, 255, 0)), "JPEG", icc_profile=profile, quality=95
        )
        assert near(open_image(content).getpixel((20, 15)), RED)


def tag(signature: bytes, *values: float) -> bytes:
    """An entry of an ICC profile with numbers in fixed-point format."""
    return signature + bytes(4) + b"".join(pack(">i", round(value * 65536)) for value in values)


def rgb_profile(*primaries: tuple[float, float, float], gamma: float = 2.2) -> bytes:
    """An ICC profile with these primaries (XYZ, D50) and one gamma."""
    curve = b"curv" + bytes(4) + pack(">IH", 1, round(gamma * 256)) + bytes(2)
    tags = {b"wtpt": tag(b"XYZ ", 0.9642, 1, 0.8249)}
    tags |= {
        name + b"XYZ": tag(b"XYZ ", *it)
        for name, it in zip([b"r", b"g", b"b"], primaries, strict=True)
    }
    tags |= {name + b"TRC": curve for name in (b"r", b"g", b"b")}
    start = 132 + 12 * len(tags)
    table, body = pack(">I", len(tags)), b""
    for name, entry in tags.items():
        table += name + pack(">II", start + len(body), len(entry))
        body += entry
    header = pack(">I", start + len(body)) + b"lcms" + pack(">I", 0x02400000)
    header += b"mntrRGB XYZ " + bytes(12) + b"acspAPPL" + bytes(24)
    header += tag(b"", 0.9642, 1, 0.8249)[4:]
    return header + bytes(128 - len(header)) + table + body


SRGB = ((0.4360, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))
"""The primaries of sRGB."""


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_a_colour_profile_is_applied(file_format: str, mode: str) -> None:
    """The profile says that what is stored as red is blue."""
    if file_format == "JPEG" and mode != "RGB":
        pytest.skip("a JPEG has neither transparency nor a palette")
    image = Image.new("RGB", (40, 30), (200, 30, 30))
    image = image.quantize(4) if mode == "P" else image.convert(mode)
    profile = rgb_profile(*reversed(SRGB))
    with_profile = open_image(encode(image, file_format, icc_profile=profile))
    assert near(with_profile.getpixel((20, 15)), (30, 30, 200))
    assert near(open_image(encode(image, file_format)).getpixel((20, 15)), (200, 30, 30))


def test_a_wide_colour_space_becomes_srgb() -> None:
    adobe = rgb_profile(
        (0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)
    )
    content = encode(Image.new("RGB", (8, 8), (200, 30, 30)), icc_profile=adobe)
    assert near(open_image(content).getpixel((4, 4)), (235, 22, 26))


@pytest.mark.parametrize(
    "profile",
    [
        pytest.param(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), id="sRGB"),
        pytest.param(b"no profile", id="unusable"),
        pytest.param(rgb_profile(*SRGB)[:200], id="cut off"),
        pytest.param(ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(), id="Lab"),
    ],
)
def test_a_profile_that_changes_nothing_leaves_the_pixels(profile: bytes) -> None:
    image = noise(50, 40)
    assert open_image(encode(image, icc_profile=profile)).tobytes() == image.tobytes()


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_16_bit_grey(file_format: str) -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None, :].repeat(4, 0)
    image = open_image(encode(Image.fromarray(ramp), file_format))
    assert near(image.getpixel((0, 0)), (0, 0, 0), 1)
    assert near(image.getpixel((128, 0)), (128, 128, 128), 1)
    assert near(image.getpixel((255, 0)), WHITE, 1)


def test_32_bit_float() -> None:
    ramp = np.linspace(-3, 7, 256, dtype=np.float32)[None, :].repeat(4, 0)
    image = open_image(encode(Image.fromarray(ramp), "TIFF"))
    assert near(image.getpixel((128, 0)), (128, 128, 128), 1)


@pytest.mark.parametrize("mode", ["1", "L"])
def test_grey(mode: str) -> None:
    image = open_image(encode(Image.new(mode, (4, 4), 255)))
    assert (image.mode, image.getpixel((0, 0))) == ("RGB", WHITE)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_pixels_become_white(mode: str) -> None:
    image = Image.new("RGBA", (40, 30), (0, 0, 0, 0))
    image.paste((10, 10, 10, 255), (0, 0, 20, 30))
    if mode == "P":
        content = encode(image.convert("P"), transparency=image.convert("P").getpixel((30, 15)))
    else:
        content = encode(image.convert(mode))
    opened = open_image(content)
    assert opened.mode == "RGB"
    assert near(opened.getpixel((30, 15)), WHITE)
    assert near(opened.getpixel((10, 15)), (10, 10, 10))


def test_half_transparent() -> None:
    opened = open_image(encode(Image.new("RGBA", (4, 4), (255, 0, 0, 128))))
    assert near(opened.getpixel((0, 0)), (255, 127, 127), 2)


def test_palette_without_transparency() -> None:
    assert open_image(encode(Image.new("RGB", (4, 4), RED).convert("P"))).getpixel((0, 0)) == RED


@pytest.mark.parametrize("file_format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_animation_gives_its_first_frame(file_format: str) -> None:
    frames = [Image.new("RGB", (40, 30), colour) for colour in (RED, WHITE)]
    content = encode(frames[0], file_format, save_all=True, append_images=frames[1:])
    assert near(open_image(content).getpixel((20, 15)), RED)


MODES = ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"]


def flattened_at_once(image: Image.Image) -> Image.Image:
    """The expected result of `open_image`, computed on the whole picture at once."""
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image, np.float32)
        low, high = (0, 65535) if image.mode == "I;16" else (values.min(), values.max())
        scale = 255 / (high - low)
        image = Image.fromarray(np.rint((values - low) * scale).astype(np.uint8))
    if image.has_transparency_data:
        canvas = Image.new("RGBA", image.size, (*WHITE, 255))
        canvas.alpha_composite(image.convert("RGBA"))
        image = canvas
    return image.convert("RGB")


@pytest.mark.parametrize(
    ("mode", "options"),
    [*((mode, {}) for mode in MODES), ("L", {"transparency": 5}), ("P", {"transparency": 5})],
)
def test_conversion_in_tiles_gives_identical_pixels(mode: str, options: dict[str, int]) -> None:
    generator = np.random.default_rng(0)
    width, height = TILE + 70, TILE + 9
    if mode in ("I;16", "I", "F"):
        kinds = {"I;16": np.uint16, "I": np.int32, "F": np.float32}
        image = Image.fromarray(generator.integers(0, 65536, (height, width)).astype(kinds[mode]))
    else:
        pixels = generator.integers(0, 256, (height, width, 4), np.uint8)
        image = Image.fromarray(pixels).convert("RGB" if mode in ("P", "CMYK") else "RGBA")
        image = image.convert(mode)
    content = encode(image, "TIFF" if mode in ("CMYK", "I", "F") else "PNG", **options)
    with Image.open(BytesIO(content)) as stored:
        assert stored.has_transparency_data == ("A" in mode or bool(options))
        expected = flattened_at_once(stored)
    assert open_image(content).tobytes() == expected.tobytes()


@pytest.mark.process
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "I;16"])
def test_peak_memory_is_at_most_about_twice_the_pixels(mode: str, tmp_path: Path) -> None:
    side = 5000
    if mode == "I;16":
        image = Image.fromarray(np.zeros((side, side), np.uint16))
    else:
        image = Image.new(mode, (side, side))
    (tmp_path / "picture").write_bytes(encode(image))
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path / "picture")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) < 2.3 * 4 * side * side


def test_limit_of_the_caller_on_pixels() -> None:
    content = encode(Image.new("L", (300, 300)))
    with pytest.raises(ImageError, match="300 x 300 pixels; at most 80,000 of a PNG"):
        open_image(content, most=80_000)
    big = encode(Image.new("L", (3000, 3000)), "JPEG")
    assert min(open_image(big, most=2_000_000).size) >= DECODED_SIDE


def test_large_jpeg_is_decoded_at_a_reduced_scale() -> None:
    image = open_image(encode(noise(2600, 3200), "JPEG"))
    assert DECODED_SIDE <= min(image.size) < 2 * DECODED_SIDE
    assert image.width / image.height == pytest.approx(2600 / 3200, rel=0.01)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_truncated(file_format: str, kept: float) -> None:
    content = encode(noise(64, 64), file_format)
    with pytest.raises(ImageError, match=r"damaged or incomplete|known format"):
        open_image(content[: int(len(content) * kept)])


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_may_lack_its_end_marker(progressive: bool, tmp_path: Path) -> None:
    content = encode(noise(200, 100), "JPEG", progressive=progressive, quality=80)
    (tmp_path / "no_end.jpg").write_bytes(content[:-2])
    expected = open_image(content).tobytes()
    for source in (content[:-2], tmp_path / "no_end.jpg"):
        assert open_image(source).tobytes() == expected
    for missing in (20, 100, 1000):
        with pytest.raises(ImageError, match="damaged or incomplete"):
            open_image(content[:-missing])


def test_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    for source in (b"", tmp_path / "empty.jpg"):
        with pytest.raises(ImageError, match="the file is empty"):
            open_image(source)


@pytest.mark.parametrize(
    "content", [b"no picture at all", b"\xff\xd8\xff", b"%PDF-1.7", b"<svg/>", bytes(1000)]
)
def test_not_a_picture(content: bytes) -> None:
    with pytest.raises(ImageError, match=r"known format|damaged"):
        open_image(content)


def test_heic_needs_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    heic = encode(Image.new("RGB", (64, 48), (200, 30, 30)), "HEIF")
    assert near(open_image(heic).getpixel((30, 20)), (200, 30, 30))
    monkeypatch.setattr(image_decoding, "HAS_HEIF", False)
    monkeypatch.setattr(image_decoding, "IMAGE_FORMATS", ("JPEG", "PNG"))
    with pytest.raises(ImageError, match=r"a HEIC picture: save it as JPEG, or install the extra"):
        open_image(heic)


def test_unaccepted_format() -> None:
    with pytest.raises(ImageError, match="not a picture in a known format"):
        open_image(encode(Image.new("RGB", (4, 4)), "PPM"))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="cannot be read: No such file"):
        open_image(tmp_path / "nothing.jpg")
    with pytest.raises(ImageError, match="cannot be read: Is a directory"):
        open_image(tmp_path)


@pytest.mark.parametrize(("width", "height"), [(10_000, 5_001), (10_000, 10_000), (60_000, 60_000)])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_decompression_bomb_is_rejected_before_decoding(width: int, height: int) -> None:
    """A PNG that declares its size but has no pixel data; decoding would give another error."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + kind + data + pack(">I", crc32(kind + data))

    header = chunk(b"IHDR", pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    content = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    with pytest.raises(ImageError, match="pixels"):
        open_image(content)


@pytest.mark.parametrize("size", [(100, 50), (50, 100), (1, 4000), (260, 260)])
def test_square_keeps_the_aspect_ratio_on_white(size: tuple[int, int]) -> None:
    result = square(Image.new("RGB", size, RED), 260)
    assert result.size == (260, 260)
    assert near(result.getpixel((129, 129)), RED)
    red = (np.asarray(result) == RED).all(2)
    assert red.any(1).sum() == max(1, round(260 * size[1] / max(size)))
    assert red.any(0).sum() == max(1, round(260 * size[0] / max(size)))
    assert near(result.getpixel((0, 0)), RED if size[0] == size[1] else WHITE)


@pytest.mark.parametrize("as_file", [False, True])
def test_a_jpeg_may_have_only_so_many_scans(tmp_path: Path, as_file: bool) -> None:
    def opened(content: bytes) -> Image.Image:
        (tmp_path / "a.jpg").write_bytes(content)
        return open_image(tmp_path / "a.jpg" if as_file else content)

    own = scan_bomb((64, 64), 0).count(SCAN)
    assert opened(scan_bomb((64, 64), MAX_SCANS - own)).size == (64, 64)
    with pytest.raises(ImageError, match="more than 100 scans"):
        opened(scan_bomb((64, 64), MAX_SCANS - own + 1))


@pytest.mark.parametrize("hidden", [b"\xff" * 5, b"\xff\x01", b"\xff\xd0", b"\0\0", b"\xff\0"])
def test_scans_are_counted_however_they_are_separated(hidden: bytes) -> None:
    content = scan_bomb((64, 64), 200)
    first = content.index(SCAN)
    with pytest.raises(ImageError, match="more than 100 scans"):
        open_image(content[:first] + content[first:].replace(SCAN, hidden + SCAN))


def segment(kind: bytes, content: bytes) -> bytes:
    return b"\xff" + kind + pack(">H", len(content) + 2) + content


@pytest.mark.parametrize(
    "place", [lambda jpeg, more: jpeg[:2] + more + jpeg[2:], lambda jpeg, more: jpeg + more]
)
def test_only_what_is_decoded_counts_as_a_scan(place: Any) -> None:
    """Not what looks like one in a comment, or after the picture."""
    jpeg = scan_bomb((64, 64), 0)
    assert open_image(place(jpeg, segment(b"\xfe", SCAN * 1000))).size == (64, 64)
    assert open_image(jpeg + jpeg * 30).size == (64, 64)


def test_a_jpeg_may_have_only_so_many_segments() -> None:
    jpeg = encode(Image.new("RGB", (40, 30), RED), "JPEG")
    assert open_image(jpeg[:2] + segment(b"\xfe", b"") * 1000 + jpeg[2:]).size == (40, 30)
    with pytest.raises(ImageError, match="more than 10,000 segments"):
        open_image(jpeg[:2] + segment(b"\xfe", b"") * MAX_SEGMENTS + jpeg[2:])


def chunk(kind: bytes, content: bytes) -> bytes:
    return pack(">I", len(content)) + kind + content + pack(">I", crc32(kind + content))


def with_text(chunks: int, size: int) -> bytes:
    """A PNG with compressed comments of so many bytes each."""
    png = encode(Image.new("RGB", (40, 30), RED))
    comment = chunk(b"zTXt", b"Comment\0\0" + compress(bytes(size), 9))
    return png[:33] + comment * chunks + png[33:]


def gif_with_a_frame(width: int, height: int) -> bytes:
    """A GIF of 40 x 30 pixels, whose frame says that it is larger."""
    gif = bytearray(encode(Image.new("P", (40, 30)), "GIF"))
    frame = gif.index(b"\x2c")
    gif[frame + 5 : frame + 9] = pack("<HH", width, height)
    return bytes(gif)


def webp_of(width: int, height: int) -> bytes:
    """A lossless WEBP that has 40 x 30 pixels and says otherwise."""
    webp = bytearray(encode(Image.new("RGB", (40, 30), RED), "WEBP", lossless=True))
    place = webp.index(b"VP8L") + 9
    rest = int.from_bytes(webp[place : place + 4], "little") & ~(2**28 - 1)
    webp[place : place + 4] = (rest | (height - 1) << 14 | (width - 1)).to_bytes(4, "little")
    return bytes(webp)


def tiff_of(width: int, height: int) -> bytes:
    """A TIFF that has 40 x 30 pixels and says otherwise."""
    tiff = encode(Image.new("RGB", (40, 30), RED), "TIFF")
    for tag, old, new in ((256, 40, width), (257, 30, height)):
        entry = pack("<HHII", tag, 4, 1, old)
        assert entry in tiff
        tiff = tiff.replace(entry, pack("<HHII", tag, 4, 1, new))
    return tiff


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (with_text(1, 10_000_000), "damaged"),
        (with_text(100, 1_000_000), "damaged"),
        (gif_with_a_frame(65535, 65535), "50,000,000"),
        (gif_with_a_frame(7000, 7000), "damaged"),
        (webp_of(16384, 16384), "50,000,000"),
        (tiff_of(60_000, 60_000), "50,000,000"),
        (tiff_of(7000, 7000), "damaged"),
    ],
    ids=["text", "texts", "wide gif", "larger gif", "wide webp", "wide tiff", "larger tiff"],
)
def test_what_unpacks_to_much_or_says_so_is_refused(content: bytes, reason: str) -> None:
    assert len(content) < 200_000
    with pytest.raises(ImageError, match=reason):
        open_image(content)
