"""The claims of phrases, their relation to pictures, and the losses."""

import numpy as np
import torch

from embedding.training.metrics import recall_at
from embedding.training.objective import FALSE, TRUE, UNKNOWN, contrastive_loss, kind_loss
from embedding.training.phrases import describe, phrases
from embedding.training.texts import encode_claims, relate


def test_phrases_claim_what_they_say() -> None:
    made = phrases(describe("Dresses", "Red", "Women", "Dotted"))
    dress = {"type": "dress", "group": "dress"}
    assert made["red dotted dress"] == {"colour": "red", "pattern": "dotted", **dress}
    assert made["polka dot red dress"] == made["red dotted dress"]
    assert made["women's dress"] == {"gender": "women", **dress}
    assert phrases(describe("Heels"))["shoes"] == {"group": "shoes"}
    assert not any("unisex" in text for text in phrases(describe("Caps", "Red", "Unisex")))


def test_relation_has_three_values() -> None:
    """ "Heels" is true of heels, false of a dress, and unknown for a shoe of unknown type."""
    codes: dict[str, int] = {}
    known = [describe("Heels", "Red", "Women"), describe("shoes"), describe("dress")]
    claims = [{"type": "heels", "group": "shoes"}, {"group": "shoes"}, {"colour": "black"}]
    relation = relate(encode_claims(known, codes), encode_claims(claims, codes))
    assert relation.tolist() == [
        [TRUE, TRUE, FALSE],
        [UNKNOWN, TRUE, UNKNOWN],
        [FALSE, FALSE, UNKNOWN],
    ]


def test_contrastive_loss() -> None:
    """Low if pictures are close to texts that are true of them; UNKNOWN pairs have no effect."""
    images, relation = torch.eye(3), torch.full((3, 3), FALSE).fill_diagonal_(TRUE)
    right = contrastive_loss(images, torch.eye(3), relation, 0.1)
    assert right < 0.01
    assert contrastive_loss(images, torch.eye(3).roll(1, 0), relation, 0.1) > 5
    texts = torch.cat([torch.eye(3), torch.ones(1, 3)])
    unknown = torch.cat([relation, torch.full((3, 1), UNKNOWN)], 1)
    assert torch.equal(contrastive_loss(images, texts, unknown, 0.1), right)


def test_kind_loss() -> None:
    """Low if pictures of one kind are close; those of unknown kind are ignored."""
    images = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.7, 0.7]])
    assert kind_loss(images, torch.tensor([0, 0, 1, 1, -1]), 0.1) < 0.01
    assert kind_loss(images, torch.tensor([0, 1, 0, 1, -1]), 0.1) > 5


def test_recall_counts_ties_against_the_relevant_item() -> None:
    scores, relevant = np.array([[0.5, 0.5]], np.float32), np.array([[True, False]])
    assert recall_at(1, scores, relevant) == 0
    assert recall_at(2, scores, relevant) == 1
