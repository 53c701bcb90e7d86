"""The transformation from design units to pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from demo.curves import Points
from demo.shading import Field

WIDTH: Final = 640
HEIGHT: Final = 800
# The canvas is larger than the picture: shading treats its edge as the edge of the cloth.
MARGIN: Final = 48


@dataclass(frozen=True)
class View:
    """A transformation from design units to pixels: rotation, scale and optional reflection.

    The design point `focus` is mapped to the picture's `centre`. `stretch` scales width and height
    separately, for the wider and shorter shape of children's clothes.
    """

    focus: tuple[float, float] = (0.0, 400.0)
    centre: tuple[float, float] = (WIDTH / 2, HEIGHT / 2)
    scale: float = 1.0
    stretch: tuple[float, float] = (1.0, 1.0)
    degrees: float = 0.0
    mirrored: bool = False

    @cached_property
    def _matrix(self) -> NDArray[np.float64]:
        angle = np.radians(self.degrees)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        across = -self.stretch[0] if self.mirrored else self.stretch[0]
        return turn @ np.diag([across * self.scale, self.stretch[1] * self.scale])

    def pixels(self, line: Points) -> Points:
        """Return the points of `line` in canvas pixels."""
        shift = np.array(self.centre) + MARGIN
        result: Points = (line - np.array(self.focus)) @ self._matrix.T + shift
        return result

    def design(self, x: Field, y: Field) -> tuple[Field, Field]:
        """Return the design coordinates of pixels; the inverse of `pixels`."""
        back = np.linalg.inv(self._matrix).astype(np.float32)
        x, y = x - (self.centre[0] + MARGIN), y - (self.centre[1] + MARGIN)
        return (
            back[0, 0] * x + back[0, 1] * y + self.focus[0],
            back[1, 0] * x + back[1, 1] * y + self.focus[1],
        )
