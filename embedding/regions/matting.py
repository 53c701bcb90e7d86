"""Whitens the ground around a garment in a picture, since product photographs have a white ground.

The colours inside of the garment's box are compared with those around it, as in C. Rother et al.,
"GrabCut", 2004, with a blur instead of the graph cut. docs/decisions/0022 has the figures.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from embedding.image_decoding import WHITE
from embedding.regions.region import Region

Array = NDArray[np.floating]
Mixture = list[tuple[float, Array, Array]]
"""Normal distributions: the logarithm of the factor, the mean, and the inverse of the covariance.
"""

MARGIN = 0.08
"""What a suggested region has around the box of its garment, as a share of the longer side."""

SURROUNDINGS = 0.3
"""The width of what is looked at around the box, as a share of its longer side."""

SIDE = 96
"""The longer side of what is looked at, in pixels."""

SMALLEST = 8
"""The least width and height of a box, in pixels."""

COLOURS, ROUNDS = 4, 3
"""The colours (normal distributions) of the garment and of the ground, and how often they are
fitted."""

SPREAD = np.diag([12.0, 6.0, 6.0]).astype(np.float32)
"""The least variance of a colour: lightness and two differences of channels."""

BELIEF = 0.8
"""The weight of the colours compared with the place in the box."""

CERTAIN = 0.75
"""The greatest probability of a garment by its place alone."""

IMPOSSIBLE = -20.0
"""The logarithm of the likelihood of a colour if there are no colours."""

DISTINCT = 1.0
"""The least mean difference of the colours in the box, as the logarithm of a ratio of
likelihoods."""

LEAST, MOST = 0.25, 1.1
"""The share of the box that a garment covers; anything else was not recognized."""


def part_to_search(image: Image.Image, region: Region) -> Image.Image:
    """A suggested region as it is encoded: on white if the garment differs from its surroundings,
    else as it is."""
    part = without_ground(image, region)
    return region.crop(image) if part is None else part


def without_ground(image: Image.Image, region: Region) -> Image.Image | None:
    """The garment of a suggested region on white, with the margin of product photographs.

    None if it is too small or does not differ from its surroundings.
    """
    left, top, right, bottom = _box(region, image)
    if min(right - left, bottom - top) < SMALLEST:
        return None
    around = SURROUNDINGS * max(right - left, bottom - top)
    ends = (
        *(int(max(0, left - around)), int(max(0, top - around))),
        *(int(min(image.width, right + around)), int(min(image.height, bottom + around))),
    )
    section = image.crop(ends)
    box = (left - ends[0], top - ends[1], right - ends[0], bottom - ends[1])
    mask = _mask(section, box)
    if mask is None:
        return None
    alpha = mask.resize(section.size, Image.Resampling.BICUBIC)
    shown = alpha.point(lambda it: 255 * (it > 127)).getbbox()
    if shown is None:
        return None
    garment = Image.new("RGB", section.size, WHITE)
    garment.paste(section, mask=alpha)
    margin = round(MARGIN * max(shown[2] - shown[0], shown[3] - shown[1]))
    size = (shown[2] - shown[0] + 2 * margin, shown[3] - shown[1] + 2 * margin)
    canvas = Image.new("RGB", size, WHITE)
    canvas.paste(garment.crop(shown), (margin, margin))
    return canvas


def _box(region: Region, image: Image.Image) -> tuple[float, float, float, float]:
    """The region without its margin, in pixels; the edge of the picture has cut some of it off."""
    left, top, right, bottom = region.box(*image.size)
    margin = MARGIN / (1 + 2 * MARGIN) * max(right - left, bottom - top)
    return (
        left + margin * (left > 0),
        top + margin * (top > 0),
        right - margin * (right < image.width),
        bottom - margin * (bottom < image.height),
    )


def _mask(section: Image.Image, box: tuple[float, float, float, float]) -> Image.Image | None:
    """Where the garment is, with soft edges; at most `SIDE` pixels."""
    scale = SIDE / max(section.size)
    size = max(8, round(section.width * scale)), max(8, round(section.height * scale))
    left, top, right, bottom = (it * scale for it in box)
    rows, columns = np.mgrid[: size[1], : size[0]].astype(np.float32) + 0.5
    across = np.abs(columns - (left + right) / 2) / ((right - left) / 2)
    down = np.abs(rows - (top + bottom) / 2) / ((bottom - top) / 2)
    inside, far = np.maximum(across, down), np.hypot(across, down)
    ground = inside > 1.06
    if ground.mean() < 0.05:
        return None
    by_place = CERTAIN / (1 + np.exp((inside - 1.02) * 14))
    by_place = np.clip(by_place * np.clip(1.1 - 0.5 * np.clip(far - 0.5, 0, 1), 0.3, 1), 1e-3, 1)
    colours = _colours(section.resize(size, Image.Resampling.BOX)).reshape(-1, 3)
    around: Array = ground.ravel().astype(np.float32)
    # It begins with the colours that are rare around the box, and a little of its middle.
    likely = _log_likelihood(colours, _mixture(colours, around))
    above = (likely - np.quantile(likely[around > 0], 0.1)) / 1.5
    rare = 1 / (1 + np.exp(np.clip(above, -20, 20)))
    garment: Array = (by_place * (inside < 1)).ravel() * np.maximum(
        rare, 0.05 * (far.ravel() < 0.4)
    )
    share: Array = by_place
    for _ in range(ROUNDS):
        of_garment = _log_likelihood(colours, _mixture(colours, garment))
        of_ground = _log_likelihood(colours, _mixture(colours, around))
        evidence = np.clip(BELIEF * (of_garment - of_ground), -6, 6)
        differs = _blurred(evidence.reshape(size[1], size[0]), 1.2)
        share = 1 / (1 + np.exp(-differs - np.log(by_place / (1 - by_place))))
        garment = (share * (share > 0.5)).ravel()
        around = np.where(ground, 1, (1 - share) * (share < 0.3)).ravel()
    if np.abs(differs[inside < 0.8]).mean() < DISTINCT:
        return None
    solid = _filled(share > 0.5)
    covered = (np.asarray(solid) > 0).sum() / ((right - left) * (bottom - top))
    if not LEAST < covered < MOST:
        return None
    return solid.filter(ImageFilter.MaxFilter(3)).filter(ImageFilter.GaussianBlur(0.8))


def _colours(image: Image.Image) -> Array:
    """Lightness and two differences of channels, each of about the same range: (h, w, 3)."""
    red, green, blue = np.moveaxis(np.asarray(image, np.float32) / 2.55, 2, 0)
    return np.stack([(red + green + blue) / 3, red - green, (red + green) / 2 - blue], -1)


def _mixture(colours: Array, weights: Array) -> Mixture:
    """Fit `COLOURS` normal distributions to weighted colours, (n, 3)."""
    weights = weights + np.float32(1e-6)
    order = np.argsort(colours[:, 0])
    steps = np.cumsum(weights[order]) / weights.sum()
    starts = np.searchsorted(steps, (np.arange(COLOURS) + 0.5) / COLOURS)
    means = colours[order[np.minimum(starts, len(order) - 1)]]
    for _ in range(5):
        nearest = ((colours[:, None] - means) ** 2).sum(2).argmin(1)
        for number in range(COLOURS):
            of_it = weights * (nearest == number)
            if of_it.sum() > 1e-3:
                means[number] = of_it @ colours / of_it.sum()
    fitted = []
    for number in range(COLOURS):
        chosen = nearest == number
        total = weights[chosen].sum()
        if total < 1:
            continue
        apart = colours[chosen] - means[number]
        spread = (apart * weights[chosen, None]).T @ apart / total + SPREAD
        factor = float(np.log(total / weights.sum()) - np.log(np.linalg.det(spread)) / 2)
        fitted.append((factor, means[number], np.linalg.inv(spread)))
    return fitted


def _log_likelihood(colours: Array, mixture: Mixture) -> Array:
    """How likely each colour is, (n,)."""
    parts = [
        factor - (((colours - mean) @ inverse) * (colours - mean)).sum(1) / 2
        for factor, mean, inverse in mixture
    ]
    return np.logaddexp.reduce(parts, 0) if parts else np.full(len(colours), IMPOSSIBLE)


def _blurred(values: Array, radius: float) -> Array:
    reach = round(3 * radius)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / radius) ** 2)
    kernel /= kernel.sum()
    for axis in (0, 1):
        padded = np.pad(values, [(reach, reach) if it == axis else (0, 0) for it in (0, 1)], "edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, len(kernel), axis)
        values = windows @ kernel
    return values


def _filled(solid: NDArray[np.bool_]) -> Image.Image:
    """A mask without specks and holes."""
    mask = Image.fromarray(solid.astype(np.uint8) * 255)
    mask = mask.filter(ImageFilter.MinFilter(3)).filter(ImageFilter.MaxFilter(3))
    outside = Image.new("L", (mask.width + 2, mask.height + 2))
    outside.paste(mask, (1, 1))
    ImageDraw.floodfill(outside, (0, 0), 128)
    return outside.crop((1, 1, mask.width + 1, mask.height + 1)).point(lambda it: 255 * (it != 128))
