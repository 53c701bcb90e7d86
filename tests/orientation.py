"""JPEGs with an EXIF orientation, for the tests of decoding and indexing."""

from io import BytesIO

from PIL import Image

INVERSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""The transposition that each EXIF orientation reverses. Orientation 1 is upright."""


def jpeg_with_orientation(image: Image.Image, orientation: int) -> bytes:
    """`image` as a JPEG with transposed pixels and the EXIF orientation that reverses this."""
    stored = image.transpose(INVERSE[orientation]) if orientation in INVERSE else image
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = BytesIO()
    stored.save(buffer, "JPEG", exif=exif, quality=95)
    return buffer.getvalue()
