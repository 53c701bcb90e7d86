"""Light on cloth: blurs, noise, and the slope of a surface turned into light and shade.

The light falls from the upper left in every picture. Fields are two-dimensional arrays of
floats, one value per pixel.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Field = NDArray[Any]

LIGHT_X, LIGHT_Y = 0.62, 0.78
_NOISE_SIZE = 512


def blur(field: Field, radius: float) -> Field:
    """Return `field` with a Gaussian blur of the given standard deviation, in pixels.

    Everything outside the field counts as zero. Wide blurs work on a reduced copy: the result has
    no detail finer than the radius, so nothing is lost and much time is saved.
    """
    step = max(1, int(radius / 2.2))
    height, width = field.shape
    reach = int(np.ceil(3 * radius / step)) + 1
    small = field if step == 1 else np.asarray(Image.fromarray(field).reduce(step), np.float32)
    padded = np.pad(small, reach)
    sigma = radius / step
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2).astype(np.float32)
    taps /= taps.sum()
    for axis in (0, 1):
        padded = _convolved(padded, taps, axis)
    inner = padded[reach:-reach, reach:-reach]
    if step == 1:
        return inner
    # `reduce` gives the last row and column fewer source pixels, so map back by exact boxes.
    box = (0.0, 0.0, width / step, height / step)
    grown = Image.fromarray(inner).resize((width, height), Image.Resampling.BICUBIC, box=box)
    return np.asarray(grown, dtype=np.float32)


def _convolved(field: Field, taps: Field, axis: int) -> Field:
    size = field.shape[axis]
    reach = len(taps) // 2
    result = field * taps[reach]
    for distance in range(1, reach + 1):
        near, far = slice(distance, size), slice(0, size - distance)
        weight = taps[reach + distance]
        if axis == 0:
            result[far] += weight * field[near]
            result[near] += weight * field[far]
        else:
            result[:, far] += weight * field[:, near]
            result[:, near] += weight * field[:, far]
    return result


def incident_light(height: Field) -> Field:
    """Return how far each slope of a surface turns towards (+) or away from (-) the light."""
    down, right = np.gradient(height)
    return (LIGHT_X * right + LIGHT_Y * down).astype(np.float32)


@cache
def noise(grain: float) -> Field:
    """Return a square of noise that tiles without a seam; its standard deviation is 1.

    `grain` is the size of its lumps in pixels.
    """
    rng = np.random.default_rng(int(grain * 1000))
    spectrum = np.fft.rfft2(rng.standard_normal((_NOISE_SIZE, _NOISE_SIZE)))
    down = np.fft.fftfreq(_NOISE_SIZE)[:, None]
    across = np.fft.rfftfreq(_NOISE_SIZE)[None, :]
    spectrum *= np.exp(-2 * (np.pi * grain) ** 2 * (down**2 + across**2))
    lumps = np.fft.irfft2(spectrum, s=(_NOISE_SIZE, _NOISE_SIZE))
    lumps -= lumps.mean()
    return (lumps / lumps.std()).astype(np.float32)


def noise_at(u: Field, v: Field, grain: float) -> Field:
    """Look the noise up at the coordinates `u` (across) and `v` (down), in pixels."""
    mask = _NOISE_SIZE - 1
    looked_up: Field = noise(grain)[v.astype(np.int32) & mask, u.astype(np.int32) & mask]
    return looked_up


def lit(colour: NDArray[np.float32], light: Field) -> NDArray[np.float32]:
    """Return `colour` (h x w x 3) brightened where `light` is positive and shaded elsewhere.

    Shade is multiplied in and leans to a cool violet, light is added, so that the folds of black
    cloth and of white cloth both show.
    """
    shade = np.clip(-light, 0.0, 0.95)[..., None]
    glow = np.clip(light, 0.0, 1.0)[..., None]
    tint = np.array([1.0, 1.04, 0.90], dtype=np.float32)
    shaded = colour * (1.0 - shade * tint)
    return np.clip(shaded + (1.0 - shaded) * glow * (0.35 + 0.65 * shaded), 0.0, 1.0)
