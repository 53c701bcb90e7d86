"""Draws the curves of a run as a PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from embedding.atomic_write import write_atomically
from embedding.finetuning.state import Epoch

WIDTH, HEIGHT, MARGIN = 420, 300, 46
INK, GRID = "#333333", "#dddddd"
COLOURS = ("#c0392b", "#2266aa", "#2e8b57")

Curve = tuple[str, str, list[tuple[int, float]]]


def draw_curves(history: Sequence[Epoch], path: Path) -> None:
    """Draw the loss, and the figures of the products for validation, by epoch."""
    loss = [(epoch, it.loss) for epoch, it in enumerate(history) if it.loss is not None]
    recall = [
        (epoch, it.figures.title_recall)
        for epoch, it in enumerate(history)
        if it.figures.title_recall is not None
    ]
    kinds = [
        (epoch, it.figures.type_map)
        for epoch, it in enumerate(history)
        if it.figures.type_map is not None
    ]
    image = Image.new("RGB", (2 * WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(image)
    top = max([value for _, value in loss], default=1.0) or 1.0
    last = max(1, len(history) - 1)
    _panel(draw, 0, [("loss", COLOURS[0], loss)], top, last)
    figures = [
        ("title to picture R@10", COLOURS[1], recall),
        ("type mAP", COLOURS[2], kinds),
    ]
    _panel(draw, WIDTH, [curve for curve in figures if curve[2]], 1.0, last)
    content = io.BytesIO()
    image.save(content, "PNG")
    write_atomically(path, content.getvalue())


def _panel(
    draw: ImageDraw.ImageDraw, left: int, curves: Sequence[Curve], top: float, last: int
) -> None:
    """One plot. Values range from 0 to `top`, epochs from 0 to `last`."""
    font = ImageFont.load_default(12)
    wide, high = WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN

    def place(epoch: float, value: float) -> tuple[float, float]:
        return left + MARGIN + wide * epoch / last, HEIGHT - MARGIN - high * value / top

    for step in range(6):
        value = top * step / 5
        start, end = place(0, value), place(last, value)
        draw.line([start, end], GRID)
        draw.text((start[0] - 6, start[1]), f"{value:.2f}", INK, font, anchor="rm")
    for epoch in range(0, last + 1, max(1, -(-last // 10))):
        x, y = place(epoch, 0)
        draw.text((x, y + 6), str(epoch), INK, font, anchor="mt")
    draw.text((left + WIDTH / 2, HEIGHT - 14), "epoch", INK, font, anchor="mm")
    for number, (name, colour, points) in enumerate(curves):
        places = [place(epoch, value) for epoch, value in points]
        if len(places) > 1:
            draw.line(places, colour, 2)
        for x, y in places:
            draw.ellipse([x - 2, y - 2, x + 2, y + 2], colour)
        draw.text((left + MARGIN + 150 * number, MARGIN / 2), name, colour, font, anchor="lm")
