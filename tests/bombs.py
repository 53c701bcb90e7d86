"""Small files that take long to decode."""

from io import BytesIO

from PIL import Image

SCAN = b"\xff\xda"
END = b"\xff\xd9"


def scan_bomb(size: tuple[int, int], scans: int) -> bytes:
    """A progressive JPEG that repeats its last scan, a few bytes long, `scans` times."""
    buffer = BytesIO()
    Image.new("RGB", size, "teal").save(buffer, "JPEG", progressive=True, quality=5)
    content = buffer.getvalue().removesuffix(END)
    return content + content[content.rindex(SCAN) :] * scans + END
