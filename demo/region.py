"""The part of the canvas that a shape covers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from demo.shading import Field


@dataclass(frozen=True)
class Region:
    """A shape on the canvas: its coverage, 0 to 1, of each pixel of a box.

    `left` and `top` are where the box starts, in pixels; a shape off the canvas has an empty box.
    """

    left: int
    top: int
    coverage: Field

    @property
    def empty(self) -> bool:
        return self.coverage.size == 0

    @property
    def window(self) -> tuple[slice, slice]:
        height, width = self.coverage.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)

    def within(self, other: Region) -> Region:
        """Return this region cut to the shape of `other`."""
        return Region(self.left, self.top, self.coverage * other.seen_from(self))

    def without(self, other: Region) -> Region:
        """Return this region with the shape of `other` cut out."""
        return Region(self.left, self.top, self.coverage * (1 - other.seen_from(self)))

    def seen_from(self, other: Region) -> Field:
        """Return this region's coverage in the box of `other`."""
        result = np.zeros_like(other.coverage)
        left, top = max(self.left, other.left), max(self.top, other.top)
        right = min(self.left + self.coverage.shape[1], other.left + other.coverage.shape[1])
        bottom = min(self.top + self.coverage.shape[0], other.top + other.coverage.shape[0])
        if left < right and top < bottom:
            result[top - other.top : bottom - other.top, left - other.left : right - other.left] = (
                self.coverage[
                    top - self.top : bottom - self.top, left - self.left : right - self.left
                ]
            )
        return result
