"""Half precision on this machine's CPU gives the vectors of single precision."""

import numpy as np
import pytest
import torch
from PIL import Image

from embedding.loaders.fashion import load
from embedding.loaders.half_precision import half_type
from embedding.registry import get_spec

CPU = torch.device("cpu")


def test_half_precision_changes_no_vector_much(monkeypatch: pytest.MonkeyPatch) -> None:
    assert half_type(CPU) is None  # the tests' own setting
    monkeypatch.setenv("EMBEDDING_PRECISION", "auto")
    if half_type(CPU) is None:
        pytest.skip("this CPU has no bfloat16")
    rng = np.random.default_rng(1)
    pictures = [
        Image.fromarray(rng.integers(0, 256, (6, 5, 3), np.uint8)).resize((200, 240))
        for _ in range(6)
    ]
    texts = ["red dress", "rote Schuhe für Damen", "x"]

    def vectors() -> np.ndarray:
        encoder = load(get_spec("fashion"), "cpu")
        return np.concatenate([encoder.encode_images(pictures), encoder.encode_texts(texts)])

    half = vectors()
    monkeypatch.setenv("EMBEDDING_PRECISION", "single")
    single = vectors()
    assert not np.array_equal(half, single)
    assert (half * single).sum(1).min() > 0.999
