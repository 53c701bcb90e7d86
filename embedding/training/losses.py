"""The losses of the trainings."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, kl_div, normalize

TRUE, UNKNOWN, FALSE = 1, 0, -1
"""Relation of a text to a picture: it is true, unknown or false of it."""

MASKED_LOGIT = -1e4
"""Logit of pairs that are ignored. It is finite, so that all gradients are defined."""


def relate(tables: list[Tensor], rows: Tensor, columns: Tensor) -> Tensor:
    """Combine the tables of all aspects: a meaning is true if it is true in every aspect.

    Args:
        tables: for each aspect, (values, concepts), TRUE, UNKNOWN or FALSE.
        rows: rows of the tables, (n, aspects).
        columns: columns of the tables, (m, aspects).

    Returns:
        The minimum over the aspects, (n, m).
    """
    relation = None
    for aspect, table in enumerate(tables):
        part = table[rows[:, aspect]][:, columns[:, aspect]]
        relation = part if relation is None else torch.minimum(relation, part)
    assert relation is not None
    return relation


def contrastive(logits: Tensor, relation: Tensor) -> Tensor:
    """Symmetric contrastive loss with several positives.

    This is CLIP's loss (A. Radford et al., "Learning Transferable Visual Models From Natural
    Language Supervision", 2021) with the average over the positives outside the logarithm (P.
    Khosla et al., "Supervised Contrastive Learning", 2020, equation 2).

    Args:
        logits: similarities divided by the temperature, (n, m).
        relation: TRUE for positives, FALSE for negatives, UNKNOWN for ignored pairs, (n, m).

    Returns:
        A scalar.
    """
    return (_one_way(logits, relation) + _one_way(logits.T, relation.T)) / 2


def supervised_contrastive(vectors: Tensor, relation: Tensor, temperature: float) -> Tensor:
    """Supervised contrastive loss among the vectors of one batch.

    Args:
        vectors: unit vectors, (n, d).
        relation: as in `contrastive`, (n, n). The diagonal is ignored.
        temperature: divisor of the similarities.

    Returns:
        A scalar.
    """
    diagonal = torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
    return _one_way(vectors @ vectors.T / temperature, relation.masked_fill(diagonal, UNKNOWN))


def _one_way(logits: Tensor, relation: Tensor) -> Tensor:
    logits = logits.float().masked_fill(relation == UNKNOWN, MASKED_LOGIT)
    positive = relation == TRUE
    count = positive.sum(1)
    shares = (logits.log_softmax(1) * positive).sum(1) / count.clamp_min(1)
    return -shares.sum() / (count > 0).sum().clamp_min(1)


def title_relation(titles: Tensor, groups: Tensor, chosen: Tensor, chosen_groups: Tensor) -> Tensor:
    """Relation between n pictures and m titles, (n, m).

    A title is TRUE for pictures with this title and FALSE for pictures with another title. For
    pictures without a title it is UNKNOWN if the product groups are equal, otherwise FALSE.

    Args:
        titles: index of each picture's title, -1 if it has none, (n,).
        groups: product group of each picture, (n,).
        chosen: indices of the titles, (m,).
        chosen_groups: product group of each of these titles, (m,).
    """
    same = titles[:, None] == chosen
    unknown = (titles < 0)[:, None] & (groups[:, None] == chosen_groups)
    relation = torch.full_like(same, FALSE, dtype=torch.int8)
    relation[unknown] = UNKNOWN
    relation[same] = TRUE
    return relation


def cosine_loss(vectors: Tensor, targets: Tensor) -> Tensor:
    """One minus the mean cosine similarity of vectors and targets, both (n, d). A scalar."""
    return 1 - (normalize(vectors) * normalize(targets)).sum(1).mean()


def similarity_loss(vectors: Tensor, targets: Tensor, texts: Tensor, temperature: float) -> Tensor:
    """How much the similarities of vectors to texts differ from those of their targets.

    Args:
        vectors, targets: unit vectors, (n, d).
        texts: unit vectors, (m, d).
        temperature: divisor of the similarities.

    Returns:
        The mean Kullback-Leibler divergence of their softmax, a scalar.
    """
    found = (vectors @ texts.T / temperature).log_softmax(1)
    wanted = (targets @ texts.T / temperature).log_softmax(1)
    return kl_div(found, wanted, reduction="batchmean", log_target=True)


class AttributeClassifiers(nn.Module):
    """Auxiliary linear classifiers of colour, type and gender, used only in training.

    Args:
        sizes: number of classes of each attribute.
        width: dimensions of the image vectors.
    """

    def __init__(self, sizes: list[int], width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, size) for size in sizes)

    def forward(self, vectors: Tensor, labels: Tensor) -> Tensor:
        """Mean cross-entropy over the attributes, a scalar.

        Args:
            vectors: unit vectors, (n, d).
            labels: classes, (n, attributes), -1 if unknown.
        """
        losses = [
            cross_entropy(
                layer(vectors * 8), labels[:, index], ignore_index=-1, label_smoothing=0.1
            )
            for index, layer in enumerate(self.layers)
        ]
        return torch.stack(losses).nan_to_num().mean()
