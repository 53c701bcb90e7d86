"""The textures of materials: threads, stitches, ribs and pores.

Every weave maps cloth coordinates (in design units) to shading around 0 with an amplitude of about
1, which the material scales. `shift` moves the noise, so that products have different textures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from demo.shading import Field, noise_at

Shift = tuple[float, float]
_TURN: Final = 2 * np.pi


def smooth(u: Field, v: Field, shift: Shift) -> Field:
    """No texture."""
    return np.zeros_like(u)


def plain(u: Field, v: Field, shift: Shift) -> Field:
    """The even grain of fine threads."""
    return noise_at(u * 1.2 + shift[0], v * 1.2 + shift[1], 0.8)


def slub(u: Field, v: Field, shift: Shift) -> Field:
    """Long irregular threads in both directions, as in linen."""
    across, down = shift
    weft = noise_at(u * 0.12 + across, v + down, 0.8)
    warp = noise_at(u + down, v * 0.12 + across, 0.8)
    return 0.5 * (weft + warp)


def twill(u: Field, v: Field, shift: Shift) -> Field:
    """The diagonal ribs of denim, with uneven yarn and worn areas."""
    across, down = shift
    wale = np.sin((u + v) * (_TURN / 3.6))
    yarn = noise_at(u + across, v * 0.16 + down, 0.9)
    worn = noise_at(u * 0.8 + down, v * 0.8 + across, 3.0)
    return 0.55 * wale + 0.26 * yarn + 0.22 * worn


def felt(u: Field, v: Field, shift: Shift) -> Field:
    """Short fibres, as in wool cloth and suede."""
    across, down = shift
    fibres = noise_at(u * 1.2 + across, v * 1.2 + down, 0.8)
    tufts = noise_at(u + down, v + across, 3.0)
    return 0.8 * fibres + 0.3 * tufts


def hide(u: Field, v: Field, shift: Shift) -> Field:
    """The pores of leather."""
    return noise_at(u * 1.3 + shift[0], v * 1.3 + shift[1], 1.2)


def knit(u: Field, v: Field, shift: Shift) -> Field:
    """Columns of small V-shaped stitches."""
    wave = np.abs(np.mod(u / 7.0, 1.0) - 0.5) * 2.0
    stitches = np.sin(_TURN * (v / 6.5 + 0.6 * wave))
    return 0.8 * stitches + 0.5 * (2.0 * wave - 1.0)


def rib(u: Field, v: Field, shift: Shift) -> Field:
    """Vertical ribs."""
    return np.cos(u * (_TURN / 8.0))


def cable(u: Field, v: Field, shift: Shift) -> Field:
    """Cables of two strands, with ribs between them."""
    lane = np.mod(u + 32.0, 64.0) - 32.0
    swing = np.sin(v * (_TURN / 56.0)) * 9.0
    one = np.exp(-(((lane - swing) / 6.5) ** 2))
    other = np.exp(-(((lane + swing) / 6.5) ** 2))
    on_top = np.cos(v * (_TURN / 56.0)) > 0
    strand = np.maximum(np.where(on_top, one, 0.72 * one), np.where(on_top, 0.72 * other, other))
    edge = np.exp(-(((np.abs(lane) - 18.0) / 3.0) ** 2))
    ribs = 0.35 * np.cos(u * (_TURN / 8.0)) - 0.1
    plait = np.where(np.abs(lane) < 18.0, 1.5 * strand - 0.65, ribs)
    return plait - 0.7 * edge + 0.16 * np.sin(_TURN * v / 6.0)


def mesh(u: Field, v: Field, shift: Shift) -> Field:
    """A regular net of small holes."""
    return 1.2 * np.cos(u * (_TURN / 6.0)) * np.cos(v * (_TURN / 6.0)) + 0.1


def straw(u: Field, v: Field, shift: Shift) -> Field:
    """Rows of woven straw, each offset against the next."""
    row = np.floor(v / 6.0)
    return 0.6 * np.cos(v * (_TURN / 6.0)) + 0.6 * np.cos(u * (_TURN / 9.0) + row * np.pi)


WEAVES: Final[Mapping[str, Callable[[Field, Field, Shift], Field]]] = {
    weave.__name__: weave
    for weave in (smooth, plain, slub, twill, felt, hide, knit, rib, cable, mesh, straw)
}
