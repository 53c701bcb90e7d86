"""The probe finds the smallest mini-batch size that is nearly as fast as the fastest."""

from collections.abc import Callable

import pytest

from embedding.loaders import batch_probe
from embedding.loaders.batch_probe import find_batch_size


class Simulated:
    """An encoder whose time is known, on a clock that only its work advances."""

    batch_size = 32

    def __init__(self, seconds: Callable[[int], float], fits: int = 10_000) -> None:
        self.seconds, self.fits = seconds, fits
        self.now = 0.0

    def encode(self, count: int) -> None:
        self.batch_size = min(self.batch_size, self.fits)
        self.now += self.seconds(count)

    def monotonic(self) -> float:
        return self.now


def probe(encoder: Simulated, monkeypatch: pytest.MonkeyPatch, seconds: float = 5.0) -> int:
    monkeypatch.setattr(batch_probe, "PROBE_SECONDS", seconds)
    monkeypatch.setattr(batch_probe, "time", encoder)
    return find_batch_size(encoder, encoder.encode)


@pytest.mark.parametrize("fastest", [4, 32, 1024])
def test_larger_sizes_without_a_gain_are_not_chosen(
    fastest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch takes as long as one of `fastest` items, or longer in proportion."""
    encoder = Simulated(lambda count: max(count, fastest) / 1e5)
    assert probe(encoder, monkeypatch) == fastest


def test_a_gain_of_less_than_five_percent_is_not_worth_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    encoder = Simulated(lambda count: (count + 0.3) / 1e5)
    assert probe(encoder, monkeypatch) == 8


def test_the_probe_ends_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = Simulated(lambda count: 1.0)
    assert probe(encoder, monkeypatch, seconds=3.5) == 8
    assert encoder.now == 4


def test_sizes_that_do_not_fit_are_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = Simulated(lambda count: 1e-5, fits=48)
    assert probe(encoder, monkeypatch) == 32
