"""The canvas: draws a product as overlapping pieces of cloth, leather and rubber.

Outlines are drawn at three times the size of the picture and reduced, for smooth edges. Colour and
shading are computed at the picture's size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from demo import shading
from demo.curves import Points, dashes, ellipse, mirror, offset, ribbon
from demo.fabric import Drape, Fabric
from demo.palette import Rgb
from demo.region import Region
from demo.shading import Field
from demo.view import HEIGHT, MARGIN, WIDTH, View

_SUPERSAMPLING: Final = 3
_FULL_WIDTH: Final = WIDTH + 2 * MARGIN
_FULL_HEIGHT: Final = HEIGHT + 2 * MARGIN


@dataclass(frozen=True)
class Fold:
    """A soft crease in the cloth: a ridge if `depth` is positive, a valley if it is negative."""

    line: Points
    width: float = 26.0
    depth: float = 1.0


@dataclass
class Canvas:
    """A transparent picture; colours are premultiplied by the alpha channel."""

    view: View = field(default_factory=View)
    colour: NDArray[np.float32] = field(init=False)
    alpha: Field = field(init=False)

    def __post_init__(self) -> None:
        self.colour = np.zeros((3, _FULL_HEIGHT, _FULL_WIDTH), dtype=np.float32)
        self.alpha = np.zeros((_FULL_HEIGHT, _FULL_WIDTH), dtype=np.float32)

    def region(self, *outlines: Points) -> Region:
        """Return the area inside any of the closed `outlines`."""
        placed = [self.view.pixels(outline) for outline in outlines]
        if not placed:
            return Region(0, 0, np.zeros((0, 0), dtype=np.float32))
        every = np.vstack(placed)
        left, top = np.floor(every.min(axis=0)).astype(int) - 2
        right, bottom = np.ceil(every.max(axis=0)).astype(int) + 2
        left, right = max(0, int(left)), min(_FULL_WIDTH, int(right))
        top, bottom = max(0, int(top)), min(_FULL_HEIGHT, int(bottom))
        # The slope cannot be computed for a strip of one pixel at the edge of the canvas.
        if right - left < 2 or bottom - top < 2:
            return Region(0, 0, np.zeros((0, 0), dtype=np.float32))
        size = ((right - left) * _SUPERSAMPLING, (bottom - top) * _SUPERSAMPLING)
        large = Image.new("L", size)
        pen = ImageDraw.Draw(large)
        for outline in placed:
            corners = (outline - np.array([left, top])) * _SUPERSAMPLING
            pen.polygon(corners.ravel().tolist(), fill=255)
        small = np.asarray(large.reduce(_SUPERSAMPLING), dtype=np.float32) / 255.0
        return Region(left, top, small)

    def piece(
        self,
        shape: Points | Region,
        fabric: Fabric,
        *,
        drape: Drape | None = None,
        folds: Iterable[Fold] = (),
        lift: float = 0.0,
        tone: float = 0.0,
        within: Region | None = None,
    ) -> Region:
        """Draw one piece of material; returns the region that it covers.

        The piece lies `lift` design units above what is already drawn, and casts a shadow on it.
        `tone` lightens (+) or darkens (-) the whole piece.
        """
        region = shape if isinstance(shape, Region) else self.region(shape)
        if within is not None:
            region = region.within(within)
        if region.empty:
            return region
        if lift:
            self._cast_shadow(region, lift)
        down, across = (axis.astype(np.float32) for axis in region.covered)
        x, y = self.view.design(across + (region.left + 0.5), down + (region.top + 0.5))
        u, v = (drape or Drape()).coordinates(x, y)
        light = self._relief(region, fabric, folds) + fabric.grain(u, v) + tone
        if fabric.material.wrinkle:
            light += fabric.material.wrinkle * fabric.wrinkles(x, y)
        light += fabric.material.shine(light - tone)
        self._cover(region, shading.lit(fabric.colours(u, v, 1.0 / self.view.scale), light))
        return region

    def mirrored_piece(
        self,
        outline: Points,
        fabric: Fabric,
        *,
        drape: Drape | None = None,
        folds: Iterable[Fold] = (),
        lift: float = 0.0,
        tone: float = 0.0,
        within: Region | None = None,
    ) -> None:
        """Draw a piece of the right half and its mirror image on the left; see `piece`."""
        grain, creases = drape or Drape(), list(folds)
        mirrored = [Fold(mirror(fold.line), fold.width, fold.depth) for fold in creases]
        self.piece(outline, fabric, drape=grain, folds=creases, lift=lift, tone=tone, within=within)
        self.piece(
            mirror(outline),
            fabric,
            drape=grain.mirrored,
            folds=mirrored,
            lift=lift,
            tone=tone,
            within=within,
        )

    def flat(self, region: Region, colour: Rgb, opacity: float = 1.0) -> None:
        """Fill a region with one colour."""
        if not region.empty:
            thinner = Region(region.left, region.top, region.coverage * opacity)
            self._cover(thinner, np.array(colour, dtype=np.float32)[:, None])

    def stroke(
        self,
        line: Points,
        width: float,
        colour: Rgb,
        opacity: float = 1.0,
        *,
        taper: float = 0.0,
        within: Region | None = None,
    ) -> None:
        """Draw a line in one colour; with `taper` 1 it gets thinner towards its ends."""
        region = self.region(ribbon(line, width, taper))
        self.flat(region if within is None else region.within(within), colour, opacity)

    def seam(
        self, line: Points, fabric: Fabric, *, strength: float = 0.5, within: Region | None = None
    ) -> None:
        """Draw a seam: a thin dark groove with a light edge beside it."""
        base = fabric.colour
        self.stroke(line, 2.2, base.darker(0.75), strength, within=within)
        self.stroke(offset(line, -2.0), 1.6, base.lighter(0.55), 0.35 * strength, within=within)

    def stitches(
        self,
        line: Points,
        colour: Rgb,
        *,
        dash: float = 6.0,
        gap: float = 3.6,
        width: float = 1.7,
        opacity: float = 0.9,
        within: Region | None = None,
    ) -> None:
        """Draw a row of stitches along `line`."""
        region = self.region(*(ribbon(piece, width) for piece in dashes(line, dash, gap)))
        self.flat(region if within is None else region.within(within), colour, opacity)

    def button(self, x: float, y: float, radius: float, colour: Rgb) -> None:
        """Draw a button with four holes."""
        rim = self.region(ellipse((x, y), radius))
        if rim.empty:
            return
        self._cast_shadow(rim, 2.5)
        self.flat(rim, colour.darker(0.28))
        self.flat(self.region(ellipse((x - 0.5, y - 0.6), radius * 0.86)), colour)
        self.flat(self.region(ellipse((x - 0.2, y - 0.2), radius * 0.60)), colour.darker(0.13))
        hole = radius * 0.22
        holes = [
            ellipse((x + across * hole, y + down * hole), radius * 0.12)
            for across in (-1, 1)
            for down in (-1, 1)
        ]
        self.flat(self.region(*holes), colour.darker(0.8))

    def _cast_shadow(self, region: Region, lift: float) -> None:
        """Draw the shadow of `region` on what is below it, offset down and to the right."""
        scale = self.view.scale
        reach = int(np.ceil(3.2 * lift * scale)) + 1
        top, left = max(0, region.top - reach), max(0, region.left - reach)
        bottom = min(_FULL_HEIGHT, region.top + region.coverage.shape[0] + reach)
        right = min(_FULL_WIDTH, region.left + region.coverage.shape[1] + reach)
        frame = Region(left, top, np.zeros((bottom - top, right - left), dtype=np.float32))
        shift = round(0.55 * lift * scale)
        shadow = Region(region.left + round(0.6 * shift), region.top + shift, region.coverage)
        soft = shading.blur(shadow.in_box_of(frame), max(0.8, lift * scale * 0.8))
        self.colour[:, *frame.window] *= 1.0 - 0.42 * soft

    def _relief(self, region: Region, fabric: Fabric, folds: Iterable[Fold]) -> Field:
        """Return the light on the rounded edges of a piece and on its folds, where it covers."""
        material, scale = fabric.material, self.view.scale
        light = np.zeros(len(region.covered[0]), dtype=np.float32)
        for radius, share in ((material.edge, 0.55), (material.edge * 3.2, 0.45)):
            body = shading.blur(region.coverage, radius * scale)
            slope = shading.incident_light(body)[region.covered]
            depth = np.clip(2.0 * body[region.covered] - 1.0, 0.0, 1.0)
            light += share * (
                material.roundness * radius * scale * slope - material.rim * (1.0 - depth) ** 2
            )
        creases = list(folds)
        if creases:
            slope = shading.incident_light(self._fold_heights(region, creases))[region.covered]
            light += material.fold * scale * slope
        return light

    def _fold_heights(self, region: Region, folds: Sequence[Fold]) -> Field:
        """Return the height of the folds, computed at half size because they are blurred."""
        height, width = region.coverage.shape
        relief = np.zeros((height, width), dtype=np.float32)
        origin = np.array([region.left, region.top])
        by_width: dict[float, list[Fold]] = {}
        for fold in folds:
            by_width.setdefault(fold.width, []).append(fold)
        for fold_width, group in by_width.items():
            small = Image.new("L", (width // 2 + 1, height // 2 + 1), 128)
            pen = ImageDraw.Draw(small)
            for fold in group:
                stroke = ribbon(fold.line, fold_width * 0.8, taper=0.9)
                placed = (self.view.pixels(stroke) - origin) / 2
                level = int(128 + 110 * np.clip(fold.depth, -1, 1))
                pen.polygon(placed.ravel().tolist(), fill=level)
            raised = (np.asarray(small, dtype=np.float32) - 128.0) / 110.0
            soft = shading.blur(raised, max(0.8, fold_width * self.view.scale * 0.16))
            large = Image.fromarray(soft).resize((width, height), Image.Resampling.BILINEAR)
            relief += np.asarray(large, dtype=np.float32) * fold_width
        return relief

    def _cover(self, region: Region, colour: NDArray[np.float32]) -> None:
        """Draw `colour`, of each covered pixel (3 x n) or of all (3 x 1)."""
        cover = region.coverage[region.covered]
        rows, columns = region.covered
        places = (rows + region.top) * _FULL_WIDTH + (columns + region.left)
        open_share, alpha = 1.0 - cover, self.alpha.reshape(-1)
        for below, above in zip(self.colour.reshape(3, -1), colour, strict=True):
            below[places] = below.take(places) * open_share + above * cover
        alpha[places] += (1.0 - alpha.take(places)) * cover
