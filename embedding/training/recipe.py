"""Hyperparameters that both trainings have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters; see the model card. Their names are also keys of the saved metadata."""

    seed: int = 0
    side: int = 260
    """Side of the image tower's input, in pixels."""
    batch: int = 256
    """Pictures in a batch."""
    shares: Mapping[str, float] = field(default_factory=dict)
    """Shares of the catalogues in a batch. One that is not named has that of its pictures."""
    empty_share: float = 0.1
    """Views without a garment, as a share of the pictures in a batch. There are at least two."""
    captions: int = 3
    """Captions of each picture in a batch."""
    caption_pool: int = 40
    """Captions generated for each picture. Batches sample from them."""
    head_rate: float = 1e-3
    backbone_rate: float = 3e-4
    """Peak learning rates of the image tower: new layers, backbone."""
    head_share: float = 0.04
    """Share of the steps before the backbone is trained: a random head would damage it."""
    warm_share: float = 0.03
    """Share of the steps in which the learning rates rise."""
    clip: float = 2.0
    """Greatest norm of the gradients of a network."""
    weight_decay: float = 0.05
    dropout: float = 0.5
    drop_path: float = 0.1
    """Drop path rate of the last block of the backbone."""
    temperature: float = 0.05
    title_weight: float = 0.5
    kind_weight: float = 0.2
    label_weight: float = 0.2
    mask_weight: float = 0.5
    """Weights of the losses. The loss of the captions has weight 1."""
    average: float = 0.998
    """Decay of the exponential moving average (EMA) of the weights. The average is saved."""
