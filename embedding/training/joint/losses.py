"""The losses of the joint training that the image tower's alone does not have."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from embedding.training.objective import FALSE, TRUE, UNKNOWN

NEVER = -1e4
"""The logit of what neither attracts nor repels; finite, so that no gradient is undefined."""


def relate(tables: list[Tensor], rows: Tensor, columns: Tensor) -> Tensor:
    """Truth of m meanings for n values, (n, m): the least truth of all aspects.

    Args:
        tables: of each aspect, (values, concepts), TRUE, UNKNOWN or FALSE.
        rows: the values, (n, aspects).
        columns: the concepts, (m, aspects).
    """
    relation = None
    for aspect, table in enumerate(tables):
        part = table[rows[:, aspect]][:, columns[:, aspect]]
        relation = part if relation is None else torch.minimum(relation, part)
    assert relation is not None
    return relation


def contrastive(logits: Tensor, relation: Tensor) -> Tensor:
    """`objective.contrastive_loss` of both directions, without waiting for the device.

    Args:
        logits: similarities over the temperature, (n, m).
        relation: TRUE, UNKNOWN or FALSE, (n, m).
    """
    return (_one_way(logits, relation) + _one_way(logits.T, relation.T)) / 2


def same_kind(vectors: Tensor, relation: Tensor, temperature: float) -> Tensor:
    """What is the same is drawn together, what is not apart; (n, d) and (n, n)."""
    itself = torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
    return _one_way(vectors @ vectors.T / temperature, relation.masked_fill(itself, UNKNOWN))


def _one_way(logits: Tensor, relation: Tensor) -> Tensor:
    logits = logits.float().masked_fill(relation == UNKNOWN, NEVER)
    positive = relation == TRUE
    count = positive.sum(1)
    shares = (logits.log_softmax(1) * positive).sum(1) / count.clamp_min(1)
    return -shares.sum() / (count > 0).sum().clamp_min(1)


def title_relation(titles: Tensor, groups: Tensor, chosen: Tensor, chosen_groups: Tensor) -> Tensor:
    """Truth of m titles for n pictures, (n, m).

    A title is true of the pictures that bear it and false of those that bear another; of those
    that bear none it is false where the group of products differs, else unknown.

    Args:
        titles: the pictures' titles as numbers, -1 for none, (n,).
        groups: the pictures' groups of products, (n,).
        chosen, chosen_groups: the titles, and the groups of products that bear them, (m,).
    """
    same = titles[:, None] == chosen
    open_ = (titles < 0)[:, None] & (groups[:, None] == chosen_groups)
    relation = torch.full_like(same, FALSE, dtype=torch.int8)
    relation[open_] = UNKNOWN
    relation[same] = TRUE
    return relation


def likeness_loss(vectors: Tensor, targets: Tensor) -> Tensor:
    """One minus the cosine, averaged; both (n, d)."""
    return 1 - (normalize(vectors) * normalize(targets)).sum(1).mean()


class Labels(nn.Module):
    """Plain classifiers on the image vectors, for the training alone: colour, kind, gender."""

    def __init__(self, sizes: list[int], width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, size) for size in sizes)

    def forward(self, vectors: Tensor, labels: Tensor) -> Tensor:
        """Mean cross-entropy of unit vectors (n, d), labels (n, sizes), -1 where unknown."""
        losses = [
            cross_entropy(
                layer(vectors * 8), labels[:, place], ignore_index=-1, label_smoothing=0.1
            )
            for place, layer in enumerate(self.layers)
        ]
        return torch.stack(losses).nan_to_num().mean()
