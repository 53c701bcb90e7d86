"""How much of each colour a garment has: a histogram over a palette, in a space of equal steps."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

COLOURS = 96
"""Number of colours of the palette."""

SIDE = 65
"""Pictures are reduced to this size, in pixels."""

WIDTH = 0.06
"""Standard deviation of a colour of the palette, in the units of `lab`."""


class Palette(nn.Module):
    """Shares of the colours of the palette, which are means of the colours of garments."""

    def __init__(self) -> None:
        super().__init__()
        self.colours: Tensor
        self.register_buffer("colours", torch.zeros(COLOURS, 3))

    def forward(self, pixels: Tensor, weights: Tensor) -> Tensor:
        """Square roots of the shares, (n, COLOURS).

        Args:
            pixels: 8-bit RGB, (n, side, side, 3).
            weights: of the parts of the picture, (n, 1, h, w).
        """
        small = interpolate(
            pixels.permute(0, 3, 1, 2).float(), (SIDE, SIDE), mode="bilinear", antialias=True
        )
        found = lab(small).flatten(2).transpose(1, 2)
        here = interpolate(weights, (SIDE, SIDE), mode="bilinear").flatten(1)
        # The squared distances without the part that is equal for all colours of the palette.
        distances = self.colours.square().sum(1) - 2 * found @ self.colours.T
        nearness = (-distances / (2 * WIDTH**2)).softmax(2)
        shares = (nearness * (here / here.sum(1, keepdim=True))[:, :, None]).sum(1)
        return shares.clamp_min(1e-8).sqrt()


def lab(pixels: Tensor) -> Tensor:
    """CIELAB (D65) divided by 100, (n, 3, h, w), of sRGB pixels from 0 to 255, (n, 3, h, w).

    IEC 61966-2-1 for sRGB, ISO 11664-4 for CIELAB.
    """
    encoded = (pixels / 255).clamp(0, 1)
    linear = torch.where(
        encoded > 0.04045, ((encoded + 0.055) / 1.055).clamp_min(1e-4) ** 2.4, encoded / 12.92
    )
    matrix = linear.new_tensor(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    white = linear.new_tensor([0.95047, 1.0, 1.08883])
    ratios = torch.einsum("ij,njhw->nihw", matrix / white[:, None], linear)
    cubic = torch.where(
        ratios > 0.008856, ratios.clamp_min(1e-4) ** (1 / 3), 7.787 * ratios + 16 / 116
    )
    lightness = 116 * cubic[:, 1] - 16
    red = 500 * (cubic[:, 0] - cubic[:, 1])
    yellow = 200 * (cubic[:, 1] - cubic[:, 2])
    return torch.stack([lightness, red, yellow], 1) / 100
