"""A BERT-like text tower in plain torch. It maps token ids to vectors of the joint space.

The architecture is that of multilingual-e5-small: J. Devlin et al., "BERT", 2019, with mean
pooling.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention

WIDTH = 384
HEADS = 12
INNER = 1536
LAYERS = 12
"""Number of layers of multilingual-e5-small. The trained tower has fewer."""

POSITIONS = 512
"""Maximum number of tokens, including the begin and end tokens. Longer texts are truncated."""

EPSILON = 1e-12


def _linear(layer: nn.Linear, states: Tensor) -> Tensor:
    """Apply a layer, whose weights may be in half precision. All else is in single precision."""
    if layer.weight.dtype == torch.float32:
        result: Tensor = layer(states)
        return result
    return layer(states.to(layer.weight.dtype)).to(states.dtype)  # type: ignore[no-any-return]


class Padding:
    """Adds and removes the padding of a batch. Only attention needs it; the other layers are faster
    without: 32 queries take a sixth less time, longer texts of different lengths a fifth.

    Args:
        shape: the number of texts and their common length, (n, t).
        mask: true for tokens, false for padding, (n, t). None if there is no padding.
    """

    def __init__(self, shape: torch.Size, mask: Tensor | None) -> None:
        self._shape = shape
        self._kept = None if mask is None else mask.flatten().nonzero().squeeze(1)
        self.mask = None if mask is None else mask[:, None, None, :]

    def tokens(self, values: Tensor) -> Tensor:
        """The values of the tokens, (k, w), of padded ones, (n, t, w)."""
        flat = values.flatten(0, 1)
        return flat if self._kept is None else flat[self._kept]

    def padded(self, values: Tensor) -> Tensor:
        """Values of the tokens, (k, w), with zeros as padding, (n, t, w)."""
        if self._kept is not None:
            empty = values.new_zeros(self._shape.numel(), values.shape[1])
            values = empty.index_copy(0, self._kept, values)
        result: Tensor = values.unflatten(0, self._shape)
        return result


class Layer(nn.Module):
    """Self-attention and a perceptron, each with a residual connection and layer normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.Linear(WIDTH, 3 * WIDTH)
        self.mix = nn.Linear(WIDTH, WIDTH)
        self.mix_norm = nn.LayerNorm(WIDTH, EPSILON)
        self.widen = nn.Linear(WIDTH, INNER)
        self.narrow = nn.Linear(INNER, WIDTH)
        self.narrow_norm = nn.LayerNorm(WIDTH, EPSILON)

    def forward(self, states: Tensor, padding: Padding, dropout: float) -> Tensor:
        """Compute the next hidden states, (k, WIDTH).

        Args:
            states: hidden states of all tokens, without padding, (k, WIDTH).
            padding: where the tokens lie among the padding of attention.
            dropout: probability of dropping a value of a residual branch, in training only.
        """
        parts = padding.padded(_linear(self.attention, states))
        query, key, value = parts.unflatten(2, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        attended = scaled_dot_product_attention(query, key, value, padding.mask)
        mixed = _linear(self.mix, padding.tokens(attended.transpose(1, 2).flatten(2)))
        states = self.mix_norm(states + nn.functional.dropout(mixed, dropout, self.training))
        wide = _linear(self.narrow, gelu(_linear(self.widen, states)))
        result: Tensor = self.narrow_norm(
            states + nn.functional.dropout(wide, dropout, self.training)
        )
        return result


class TextTower(nn.Module):
    """Maps token ids to vectors of the joint space.

    Args:
        pieces: size of the vocabulary.
        layers: number of layers.
        dropout: dropout probability of the residual branches, in training only.
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
        """Compute vectors, (n, WIDTH). They are not normalised.

        Args:
            tokens: token ids, (n, t), padded to a common length with any id.
            mask: true for tokens, false for padding, (n, t). None if there is no padding.
        """
        padding = Padding(tokens.shape, mask)
        embedded = self.words(tokens) + self.places.weight[: tokens.shape[1]]
        states = self.norm(padding.tokens(embedded))
        for layer in self.layers:
            states = layer(states, padding, self.dropout)
        vectors: Tensor = self.out(_mean(padding.padded(states.float()), mask))
        return vectors


def _mean(states: Tensor, mask: Tensor | None) -> Tensor:
    """Mean of the states over the tokens without padding, (n, WIDTH)."""
    if mask is None:
        return states.mean(1)
    weights = mask.to(states.dtype)[:, :, None]
    return (states * weights).sum(1) / weights.sum(1).clamp_min(1)


def pad(sequences: list[list[int]], device: torch.device | str) -> tuple[Tensor, Tensor | None]:
    """Pad lists of token ids to a common length.

    Returns:
        The token ids, (n, t), and their mask, (n, t), which is None if all lists have the same
        length.
    """
    longest = max(map(len, sequences))
    if all(len(sequence) == longest for sequence in sequences):
        return torch.tensor(sequences, device=device), None
    tokens = torch.tensor([each + [0] * (longest - len(each)) for each in sequences])
    lengths = torch.tensor([len(each) for each in sequences])
    mask = torch.arange(longest)[None, :] < lengths[:, None]
    return tokens.to(device), mask.to(device)
