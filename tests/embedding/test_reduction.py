"""Reducing vectors: what is kept, and vectors that cannot be reduced."""

import numpy as np
import pytest

from embedding.reduction import ReducedEncoder, Reduction, ReductionError, fit
from embedding.registry import ModelSpec, get_spec, smaller
from tests.fakes import WordsAndColours


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def low_rank() -> np.ndarray:
    """Unit vectors of 40 dimensions that differ in five directions only, and hardly in others."""
    rng = np.random.default_rng(0)
    spread = rng.normal(size=(300, 5)) @ rng.normal(size=(5, 40))
    return unit(spread + 0.01 * rng.normal(size=(300, 40)))


def test_a_projection_keeps_the_inner_products(low_rank: np.ndarray) -> None:
    fitted = fit(low_rank[:200], 5)
    reduced = fitted.apply(low_rank[200:])
    assert reduced.shape == (100, 5)
    np.testing.assert_allclose(np.linalg.norm(reduced, axis=1), 1, atol=1e-5)
    exact = low_rank[200:] @ low_rank[200:].T
    np.testing.assert_allclose(reduced @ reduced.T, exact, atol=0.01)
    truncated = Reduction(5).apply(low_rank[200:])
    assert np.abs(truncated @ truncated.T - exact).max() > 0.1


def test_a_shorter_projection_is_the_beginning_of_a_longer_one(low_rank: np.ndarray) -> None:
    long, short = fit(low_rank, 8), fit(low_rank, 3)
    assert long.components is not None
    assert short.components is not None
    np.testing.assert_allclose(short.components, long.components[:3], atol=1e-4)


def test_equal_vectors_and_an_orthogonal_query() -> None:
    same = np.tile(np.eye(1, 10, dtype=np.float32), (20, 1))
    fitted = fit(same, 4)
    assert np.isfinite(fitted.apply(same)).all()
    for place in range(10):  # some are orthogonal to all four components
        vector = fitted.apply(np.eye(1, 10, place, dtype=np.float32))
        np.testing.assert_allclose(np.linalg.norm(vector), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (np.ones((20, 3), np.float32), "vectors of 3 dimensions cannot be reduced to 4"),
        (np.ones((3, 8), np.float32), "needs at least 4 vectors to be fitted, not 3"),
        (np.full((20, 8), np.nan, np.float32), "values that are no numbers"),
    ],
)
def test_vectors_that_cannot_be_reduced(vectors: np.ndarray, message: str) -> None:
    with pytest.raises(ReductionError, match=message):
        fit(vectors, 4)


def test_an_encoder_reduces_texts_and_pictures_alike(pictures: list) -> None:
    spec = smaller(get_spec("fashion"), 8)
    full = WordsAndColours("fashion")
    with pytest.raises(ReductionError, match=r"run ./manage.py embed_catalog --model fashion_8"):
        ReducedEncoder(spec, full, None).encode_texts(["red"])
    encoder = ReducedEncoder(spec, full, Reduction(8))
    np.testing.assert_allclose(
        encoder.encode_images(pictures), Reduction(8).apply(full.encode_images(pictures))
    )
    assert encoder.encode_texts([]).shape == (0, 8)


def spec_of(name: str, dimensions: int, *, binary: bool = False) -> ModelSpec:
    return smaller(get_spec(name), dimensions, binary=binary)


def test_names_of_smaller_models() -> None:
    assert spec_of("fashion", 128).name == "fashion_128"
    assert spec_of("fashion", 384, binary=True).name == "fashion_binary"
    small = spec_of("fashion", 128, binary=True)
    assert (small.name, small.loader, small.checkpoint, small.full_dimensions) == (
        *("fashion_128_binary", "reduced", "fashion"),
        384,
    )
    resnet = spec_of("resnet50", 64)
    assert (resnet.name, resnet.loader, resnet.full_dimensions) == ("resnet50_64", "resnet", 2048)
    assert small.unreduced.dimensions == 384
