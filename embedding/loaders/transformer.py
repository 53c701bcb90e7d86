"""A BERT-like text tower in plain torch: token numbers in, vectors of the joint space out.

The architecture of multilingual-e5-small: J. Devlin et al., "BERT", 2019, with mean pooling.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention

WIDTH = 384
HEADS = 12
INNER = 1536
LAYERS = 12
"""Of multilingual-e5-small; the tower that is trained has fewer."""

POSITIONS = 512
"""Tokens that a text may have, begin and end included; what is longer is cut."""

EPSILON = 1e-12


class Layer(nn.Module):
    """Self-attention and a perceptron, each with its sum normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.Linear(WIDTH, 3 * WIDTH)
        self.mix = nn.Linear(WIDTH, WIDTH)
        self.mix_norm = nn.LayerNorm(WIDTH, EPSILON)
        self.widen = nn.Linear(WIDTH, INNER)
        self.narrow = nn.Linear(INNER, WIDTH)
        self.narrow_norm = nn.LayerNorm(WIDTH, EPSILON)

    def forward(self, states: Tensor, mask: Tensor | None, dropout: float) -> Tensor:
        """States (n, t, WIDTH), from such; `mask`, (n, 1, 1, t), is true where there is a token."""
        count, length, _ = states.shape
        parts = self.attention(states).view(count, length, 3, HEADS, WIDTH // HEADS)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        seen = scaled_dot_product_attention(query, key, value, mask)
        mixed = self.mix(seen.transpose(1, 2).reshape(count, length, WIDTH))
        states = self.mix_norm(states + nn.functional.dropout(mixed, dropout, self.training))
        wide = self.narrow(gelu(self.widen(states)))
        result: Tensor = self.narrow_norm(
            states + nn.functional.dropout(wide, dropout, self.training)
        )
        return result


class TextTower(nn.Module):
    """From token numbers into the joint space.

    Args:
        pieces: rows of the vocabulary.
        layers: how many.
        dropout: share of the values of each sum that training leaves out.
    """

    def __init__(self, pieces: int, layers: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = dropout
        self.words = nn.Embedding(pieces, WIDTH)
        self.places = nn.Embedding(POSITIONS, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, EPSILON)
        self.layers = nn.ModuleList(Layer() for _ in range(layers))
        self.out = nn.Linear(WIDTH, WIDTH)

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Vectors of any length, (n, d), of token numbers (n, t).

        Args:
            tokens: padded to a common length with any number.
            mask: true where there is a token, (n, t); None where every place has one.
        """
        states = self.norm(self.words(tokens) + self.places.weight[: tokens.shape[1]])
        across = None if mask is None else mask[:, None, None, :]
        for layer in self.layers:
            states = layer(states, across, self.dropout)
        vectors: Tensor = self.out(_mean(states.float(), mask))
        return vectors


def _mean(states: Tensor, mask: Tensor | None) -> Tensor:
    """Mean over the tokens, (n, WIDTH)."""
    if mask is None:
        return states.mean(1)
    weights = mask.to(states.dtype)[:, :, None]
    return (states * weights).sum(1) / weights.sum(1).clamp_min(1)


def pad(sequences: list[list[int]], device: torch.device | str) -> tuple[Tensor, Tensor | None]:
    """Token numbers as one tensor (n, t) with its mask, which is None where all are as long."""
    longest = max(map(len, sequences))
    if all(len(sequence) == longest for sequence in sequences):
        return torch.tensor(sequences, device=device), None
    tokens = torch.tensor([each + [0] * (longest - len(each)) for each in sequences])
    lengths = torch.tensor([len(each) for each in sequences])
    mask = torch.arange(longest)[None, :] < lengths[:, None]
    return tokens.to(device), mask.to(device)
