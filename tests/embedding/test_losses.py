"""The claims of phrases, the losses and the metrics."""

import numpy as np
import torch

from embedding.training.losses import FALSE, TRUE, UNKNOWN, contrastive, supervised_contrastive
from embedding.training.metrics import recall_at
from embedding.training.phrases import describe, phrases


def test_phrases_claim_what_they_say() -> None:
    made = phrases(describe("Dresses", "Red", "Women", "Dotted"))
    dress = {"type": "dress", "group": "dress"}
    assert made["red dotted dress"] == {"colour": "red", "pattern": "dotted", **dress}
    assert made["polka dot red dress"] == made["red dotted dress"]
    assert made["women's dress"] == {"gender": "women", **dress}
    assert phrases(describe("Heels"))["shoes"] == {"group": "shoes"}
    assert not any("unisex" in text for text in phrases(describe("Caps", "Red", "Unisex")))


def test_contrastive_loss() -> None:
    """Low if pictures are close to texts that are true of them; UNKNOWN pairs have no effect."""
    images, relation = torch.eye(3), torch.full((3, 3), FALSE).fill_diagonal_(TRUE)
    right = contrastive(images @ torch.eye(3).T / 0.1, relation)
    assert right < 0.01
    assert contrastive(images @ torch.eye(3).roll(1, 0).T / 0.1, relation) > 5
    texts = torch.cat([torch.eye(3), torch.ones(1, 3)])
    unknown = torch.cat([relation, torch.full((3, 1), UNKNOWN)], 1)
    assert torch.equal(contrastive(images @ texts.T / 0.1, unknown), right)


def test_loss_among_pictures() -> None:
    """Low if pictures of one type are close; those of unknown type are ignored."""
    images = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.7, 0.7]])

    def relation(types: list[int]) -> torch.Tensor:
        found = torch.tensor(types)
        same = torch.where(found[:, None] == found, TRUE, FALSE)
        return same.masked_fill((found[:, None] < 0) | (found < 0), UNKNOWN)

    assert supervised_contrastive(images, relation([0, 0, 1, 1, -1]), 0.1) < 0.01
    assert supervised_contrastive(images, relation([0, 1, 0, 1, -1]), 0.1) > 5


def test_recall_counts_ties_against_the_relevant_item() -> None:
    scores, relevant = np.array([[0.5, 0.5]], np.float32), np.array([[True, False]])
    assert recall_at(1, scores, relevant) == 0
    assert recall_at(2, scores, relevant) == 1
