"""Forty kinds of picture files through the indexing pipeline: each is embedded correctly, or its
failure is recorded with a reason. Nothing crashes, and no file is skipped."""

import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from catalog.db.connection import connect
from catalog.indexing import fill
from embedding.encoder import get_encoder
from tests.conftest import fresh_database
from tests.orientation import jpeg_with_orientation

pytestmark = pytest.mark.slow

SIZE = (60, 80)


def scene(mode: str = "RGB") -> Image.Image:
    """A picture whose embedding changes when it is rotated."""
    image = Image.new("RGB", SIZE, "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 60, 25), fill=(200, 30, 30))
    draw.ellipse((10, 40, 50, 75), fill=(30, 60, 180))
    return image.convert(mode)


def save(image: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def png(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG whose header declares this size, whatever the data."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", data), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def transparent(mode: str) -> Image.Image:
    """The scene with its white parts transparent: on white it looks the same."""
    image = scene().convert("RGBA")
    pixels = np.array(image)
    pixels[(pixels[..., :3] == 255).all(axis=-1), 3] = 0
    return Image.fromarray(pixels).convert(mode)


def palette_with_transparency() -> bytes:
    image = scene().quantize(8)
    white = int(np.argmax(np.array(image.getpalette()).reshape(-1, 3).sum(axis=1)))
    return save(image, "PNG", transparency=white)


def frames(file_format: str) -> bytes:
    others = [Image.new("RGB", SIZE, colour) for colour in ("green", "black")]
    return save(scene(), file_format, save_all=True, append_images=others, duration=50)


def sixteen_bit() -> bytes:
    grey = np.asarray(scene("L")).astype(np.uint16) * 257
    return save(Image.fromarray(grey), "PNG")


JPEG, PNG = save(scene(), "JPEG", quality=95), save(scene(), "PNG")

GOOD: dict[str, bytes] = {
    "jpeg": JPEG,
    "progressive jpeg": save(scene(), "JPEG", progressive=True, quality=95),
    "jpeg, no chroma subsampling": save(scene(), "JPEG", subsampling=0, quality=95),
    "jpeg named png": JPEG,
    "png": PNG,
    "interlaced-size png": save(scene().resize((61, 81)), "PNG"),
    "webp": save(scene(), "WEBP", quality=95),
    "lossless webp": save(scene(), "WEBP", lossless=True),
    "gif": save(scene(), "GIF"),
    "bmp": save(scene(), "BMP"),
    "tiff": save(scene(), "TIFF"),
    **{
        f"exif orientation {number}": jpeg_with_orientation(scene(), number)
        for number in range(1, 9)
    },
    "rgba on nothing": save(transparent("RGBA"), "PNG"),
    "webp with transparency": save(transparent("RGBA"), "WEBP", lossless=True),
    "palette": save(scene().quantize(64), "PNG"),
    "palette with transparency": palette_with_transparency(),
    "cmyk jpeg": save(scene("CMYK"), "JPEG", quality=95),
    "animated gif": frames("GIF"),
    "animated webp": frames("WEBP"),
    "apng": frames("PNG"),
    "trailing rubbish": JPEG + b"\0" * 5000,
    "junk exif": save(scene(), "JPEG", exif=b"Exif\0\0MM\0*junk" * 9, quality=95),
}
GREY: dict[str, bytes] = {
    "grey jpeg": save(scene("L"), "JPEG", quality=95),
    "grey png": save(scene("L"), "PNG"),
    "grey with transparency": save(scene("LA"), "PNG"),
    "16 bit grey": sixteen_bit(),
}
BAD: dict[str, bytes] = {
    "empty": b"",
    "one byte": b"\xff",
    "text": b"this is no picture",
    "html": b"<!doctype html><img src=x>",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "pdf": b"%PDF-1.7\n",
    "zip": b"PK\x03\x04" + b"\0" * 60,
    "jpeg header alone": JPEG[:20],
    "jpeg cut in half": JPEG[: len(JPEG) // 2],
    "png cut in half": PNG[: len(PNG) // 2],
    "png of no data": png(60, 80),
    "png of wrong data": png(60, 80, b"\x12\x34\x56"),
    "png of a billion pixels": png(40_000, 40_000, zlib.compress(b"\0" * 1000)),
    "png bomb": png(30_000, 30_000, zlib.compress(b"\0" * 10_000_000)),
    "png of no width": png(0, 80, zlib.compress(b"\0")),
    "gif header alone": b"GIF89a",
    "random bytes": np.random.default_rng(0).bytes(4000),
    "webp header alone": b"RIFF\x24\0\0\0WEBPVP8 ",
    "tiff that points to itself": b"II*\0\x08\0\0\0\x01\0" + b"\xff" * 40,
}
FILES = GOOD | GREY | BAD


@pytest.fixture(scope="module")
def outcome(
    template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[dict[str, np.ndarray], dict[str, str]]]:
    """By file name in `FILES`: embeddings, and reasons of those that failed."""
    media: Path = tmp_path_factory.mktemp("pictures")
    with pytest.MonkeyPatch.context() as patch, fresh_database(template):
        patch.setenv("MEDIA_ROOT", str(media))
        with connect() as connection:
            for number, (name, content) in enumerate(FILES.items(), start=1):
                (media / f"{number}.jpg").write_bytes(content)
                values = {"number": number, "name": name, "path": f"{number}.jpg"}
                connection.exec_driver_sql(
                    "INSERT INTO product (id, sku, title) OVERRIDING SYSTEM VALUE"
                    " VALUES (%(number)s, %(name)s, %(name)s)",
                    values,
                )
                connection.exec_driver_sql(
                    "INSERT INTO product_image (product_id, position, path, sha256, width, height)"
                    " VALUES (%(number)s, 0, %(path)s, %(name)s, 1, 1)",
                    values,
                )
        summary = fill(get_encoder("fashion"), "image", batch_size=16)
        assert summary.embedded + len(summary.failures) == len(FILES)
        with connect() as connection:
            embedded = connection.exec_driver_sql(
                "SELECT sku, embedding FROM fashion_image JOIN product ON id = product_id"
            )
            vectors = {sku: vector.to_numpy().astype(np.float32) for sku, vector in embedded}
            failed = connection.exec_driver_sql(
                "SELECT sku, reason FROM embedding_failure f JOIN product p ON p.id = f.product_id"
            )
            yield vectors, {row.sku: row.reason for row in failed}


def test_each_of_forty_files_is_embedded_or_recorded(
    outcome: tuple[dict[str, np.ndarray], dict[str, str]],
) -> None:
    vectors, reasons = outcome
    assert len(FILES) >= 40
    assert set(vectors) | set(reasons) == set(FILES)
    assert not set(vectors) & set(reasons)


@pytest.mark.parametrize("name", GOOD)
def test_good_files_get_the_embedding_of_the_scene(
    outcome: tuple[dict[str, np.ndarray], dict[str, str]], name: str
) -> None:
    vectors, reasons = outcome
    assert name not in reasons, reasons[name]
    assert vectors[name] @ vectors["png"] > 0.92


@pytest.mark.parametrize("name", GREY)
def test_grey_files_get_the_embedding_of_the_grey_scene(
    outcome: tuple[dict[str, np.ndarray], dict[str, str]], name: str
) -> None:
    vectors, reasons = outcome
    assert name not in reasons, reasons[name]
    assert vectors[name] @ vectors["grey png"] > 0.9


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_recorded_with_a_reason(
    outcome: tuple[dict[str, np.ndarray], dict[str, str]], name: str
) -> None:
    _, reasons = outcome
    assert reasons[name]
    assert "\n" not in reasons[name]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(
    outcome: tuple[dict[str, np.ndarray], dict[str, str]], orientation: int
) -> None:
    vectors, _ = outcome
    assert vectors[f"exif orientation {orientation}"] @ vectors["jpeg"] > 0.97


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_rotation_changes_the_embedding(angle: int) -> None:
    upright, turned = get_encoder("fashion").encode_images(
        [scene(), scene().rotate(angle, expand=True)]
    )
    assert upright @ turned < 0.99
