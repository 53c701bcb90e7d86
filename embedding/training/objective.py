"""The losses: pictures are pulled towards texts that describe them and pictures of their kind."""

from __future__ import annotations

import torch
from torch import Tensor

TRUE, UNKNOWN, FALSE = 1, 0, -1
"""Relation of a text to a picture: it is true, unknown or false of it."""


def contrastive_loss(images: Tensor, texts: Tensor, relation: Tensor, temperature: float) -> Tensor:
    """Contrastive loss with several positives, averaged over both directions.

    This is CLIP's loss (A. Radford et al., "Learning Transferable Visual Models From Natural
    Language Supervision", 2021) with the average over the positives outside the logarithm (P.
    Khosla et al., "Supervised Contrastive Learning", 2020, equation 2). UNKNOWN pairs have no
    effect.

    Args:
        images: unit vectors (n, d).
        texts: unit vectors (m, d).
        relation: TRUE, UNKNOWN or FALSE, (n, m).
        temperature: divides the cosine similarities.
    """
    logits = (images @ texts.T / temperature).masked_fill(relation == UNKNOWN, -torch.inf)
    true = relation == TRUE
    return (_positives_loss(logits, true) + _positives_loss(logits.T, true.T)) / 2


def kind_loss(images: Tensor, kinds: Tensor, temperature: float) -> Tensor:
    """Supervised contrastive loss among pictures, unit vectors (n, d), by kind, integers (n,).

    Pictures with a negative kind, which means unknown, are ignored.
    """
    images, kinds = images[kinds >= 0], kinds[kinds >= 0]
    itself = torch.eye(len(images), dtype=torch.bool, device=images.device)
    logits = (images @ images.T / temperature).masked_fill(itself, -torch.inf)
    return _positives_loss(logits, (kinds[:, None] == kinds[None, :]) & ~itself)


def _positives_loss(logits: Tensor, positive: Tensor) -> Tensor:
    """Mean cross-entropy of the positives of each row, averaged over the rows that have any."""
    count = positive.sum(1)
    log_share = logits.log_softmax(1).masked_fill(~positive, 0.0)
    return -(log_share.sum(1)[count > 0] / count[count > 0]).mean()
