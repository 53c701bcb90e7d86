"""The area of the canvas that a shape covers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from demo.shading import Field


@dataclass(frozen=True)
class Region:
    """A shape on the canvas: the coverage, 0 to 1, of each pixel in its bounding box.

    `left` and `top` are the position of the box in pixels. The box of a shape outside the canvas is
    empty.
    """

    left: int
    top: int
    coverage: Field

    @property
    def empty(self) -> bool:
        return self.coverage.size == 0

    @cached_property
    def covered(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The rows and columns, in the box, of the pixels that are covered, wholly or in part."""
        rows, columns = np.nonzero(self.coverage)
        return rows, columns

    @property
    def window(self) -> tuple[slice, slice]:
        height, width = self.coverage.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)

    def within(self, other: Region) -> Region:
        """Return the intersection of this region and `other`."""
        return Region(self.left, self.top, self.coverage * other.in_box_of(self))

    def without(self, other: Region) -> Region:
        """Return this region without the area of `other`."""
        return Region(self.left, self.top, self.coverage * (1 - other.in_box_of(self)))

    def in_box_of(self, other: Region) -> Field:
        """Return this region's coverage within the box of `other`."""
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
