"""Shading: blur, noise, and light computed from the slope of a surface.

The light comes from the upper left in every picture. Fields are arrays of floats with one value for
each pixel: of a picture (h x w), or of the pixels that a piece covers (n). Colours have the three
channels first, since NumPy computes long rows much faster than triples.
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
    """Return `field` with a Gaussian blur of the given standard deviation in pixels.

    Values outside the field count as zero. Wide blurs are computed on a reduced copy, which is much
    faster and loses no detail.
    """
    step = max(1, int(radius / 2.2))
    height, width = field.shape
    reach = int(np.ceil(3 * radius / step)) + 1
    small = field if step == 1 else np.asarray(Image.fromarray(field).reduce(step), np.float32)
    sigma = radius / step
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2).astype(np.float32)
    taps /= taps.sum()
    soft = _convolved(_convolved(small, taps, 0), taps, 1)
    if step == 1:
        return soft
    # In `reduce`, the last row and column cover fewer source pixels, so scale back by exact boxes.
    box = (0.0, 0.0, width / step, height / step)
    grown = Image.fromarray(soft).resize((width, height), Image.Resampling.BICUBIC, box=box)
    return np.asarray(grown, dtype=np.float32)


def _convolved(field: Field, taps: Field, axis: int) -> Field:
    """Return the sums of each value and its neighbours along `axis`, weighted by `taps`."""
    size = field.shape[axis]
    reach = len(taps) // 2
    result: Field = field * taps[reach]
    product = np.empty_like(result)
    rest = (slice(None),) * axis
    for distance in range(1, min(reach, size - 1) + 1):
        near, far = (*rest, slice(distance, size)), (*rest, slice(0, size - distance))
        np.multiply(field, taps[reach + distance], out=product)
        result[far] += product[near]
        result[near] += product[far]
    return result


def incident_light(height: Field) -> Field:
    """Return how much a surface of this height slopes towards (+) or away from (-) the light."""
    down, right = np.gradient(height)
    result: Field = (LIGHT_X * right + LIGHT_Y * down).astype(np.float32)
    return result


@cache
def noise(grain: float) -> Field:
    """Return a square of seamlessly tiling noise with standard deviation 1.

    `grain` is the size of its features in pixels.
    """
    rng = np.random.default_rng(int(grain * 1000))
    spectrum = np.fft.rfft2(rng.standard_normal((_NOISE_SIZE, _NOISE_SIZE)))
    down = np.fft.fftfreq(_NOISE_SIZE)[:, None]
    across = np.fft.rfftfreq(_NOISE_SIZE)[None, :]
    spectrum *= np.exp(-2 * (np.pi * grain) ** 2 * (down**2 + across**2))
    lumps = np.fft.irfft2(spectrum, s=(_NOISE_SIZE, _NOISE_SIZE))
    lumps -= lumps.mean()
    result: Field = (lumps / lumps.std()).astype(np.float32)
    return result


def noise_at(u: Field, v: Field, grain: float) -> Field:
    """Return the noise at the coordinates `u` (across) and `v` (down), in pixels."""
    mask = _NOISE_SIZE - 1
    row, column = v.astype(np.int32) & mask, u.astype(np.int32) & mask
    return noise(grain).take(row * _NOISE_SIZE + column)


def lit(colour: NDArray[np.float32], light: Field) -> NDArray[np.float32]:
    """Return `colour` (3 x ...), lighter where `light` is positive and darker where negative.

    Shadows are multiplied, with a violet tint, and light is added, so that folds are visible on
    both black and white cloth.
    """
    shade = np.clip(-light, 0.0, 0.95)
    glow = np.clip(light, 0.0, 1.0)
    tint = channels((1.0, 1.04, 0.90), light)
    shaded = colour * (1.0 - shade * tint)
    result: NDArray[np.float32] = np.clip(
        shaded + (1.0 - shaded) * glow * (0.35 + 0.65 * shaded), 0.0, 1.0
    )
    return result


def channels(colour: tuple[float, ...], like: Field) -> NDArray[np.float32]:
    """Return `colour` as an array (3 x 1 ...) that NumPy broadcasts to the shape of a field."""
    return np.array(colour, dtype=np.float32).reshape(3, *(1 for _ in like.shape))
