"""One run of an optimiser: learning rates, moving average, progress, and the state on disk."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from embedding.training.recipe import Recipe

Module = TypeVar("Module", bound=nn.Module)

Losses = dict[str, Tensor]
"""Scalars by their names."""


class Average:
    """An exponential moving average (EMA) of a network's weights."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.count = 0
        self.live = [value for value in network.state_dict().values() if value.is_floating_point()]
        self.names = [n for n, v in network.state_dict().items() if v.is_floating_point()]
        self.values = [value.detach().clone() for value in self.live]

    def update(self) -> None:
        """Add the current weights.

        The decay is lower in the first steps, so that the initial weights are soon forgotten.
        """
        self.count += 1
        decay = min(self.decay, (1 + self.count) / (10 + self.count))
        torch._foreach_lerp_(self.values, [each.detach() for each in self.live], 1 - decay)

    def load_into(self, module: Module, name: str) -> Module:
        """Copy the averaged weights of the network's part `name` to `module`, and return it."""
        tensors = dict(zip(self.names, self.values, strict=True))
        part = f"{name}."
        weights = {n.removeprefix(part): v for n, v in tensors.items() if n.startswith(part)}
        module.load_state_dict(weights, strict=False)
        return module


class Clock:
    """Progress of a phase, by time if `seconds` is positive, otherwise by steps."""

    def __init__(self, steps: int, seconds: float = 0.0) -> None:
        self.steps, self.seconds = steps, seconds
        self.started = time.monotonic()
        self.done = 0

    def ticks(self) -> Iterator[float]:
        """Yield the progress, from 0 to 1, before each step until the phase ends."""
        while (share := self.share()) < 1:
            yield share
            self.done += 1

    def share(self) -> float:
        """The progress; at least 1 when the phase has ended."""
        if self.seconds:
            return (time.monotonic() - self.started) / self.seconds
        return self.done / self.steps


class Log:
    """Progress, which is printed as lines of JSON."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def note(self, **entry: Any) -> None:
        """Add an entry and print it."""
        entry["seconds"] = round(time.monotonic(), 1)
        self.entries.append(entry)
        print(json.dumps(entry), flush=True)


@dataclass(frozen=True)
class Part:
    """A module that is optimised."""

    module: nn.Module
    rate: float
    """Peak learning rate."""
    delay: float = 0.0
    """Share of the steps before its training."""


class Run:
    """Optimises parts of a network.

    Args:
        phase: name of the run in the log and in its state.
        network: the modules by name.
        parts: those of its modules that are optimised.
        clipped: modules whose gradients are clipped, each by itself.
        weights: weights of the losses; a loss without one has weight 1.
        clock: the length of the run.
        recipe: hyperparameters.
        log: receives the losses of some steps.
    """

    def __init__(
        self,
        phase: str,
        network: nn.ModuleDict,
        parts: Sequence[Part],
        clipped: Sequence[nn.Module],
        weights: Mapping[str, float],
        clock: Clock,
        recipe: Recipe,
        log: Log,
    ) -> None:
        self.phase, self.network, self.clipped = phase, network, clipped
        self.weights, self.clock, self.recipe, self.log = weights, clock, recipe, log
        self.device = next(network.parameters()).device
        self.optimiser = _optimiser(parts, recipe.weight_decay, self.device)
        self.average = Average(network, recipe.average)
        """Of the weights since the run began."""

    def train(
        self,
        losses: Callable[[], Losses],
        state: Path | None = None,
        report: Callable[[], None] | None = None,
        every: float = 1.0,
    ) -> None:
        """Take steps until the clock ends.

        Args:
            losses: computes the losses of a new batch.
            state: checkpoint file. It is written before each report; if it exists and is of this
                phase, the run resumes from it.
            report: called at intervals.
            every: interval of the reports, as a share of the run.
        """
        clock = self.clock
        self.average = Average(self.network, self.recipe.average)
        self.network.train()
        if clock.seconds:
            # Warm up before the clock starts: the first step loads the kernels and takes very long.
            self._total(losses()).backward()
            clock.started = time.monotonic()
        self._resume(state)
        reported = clock.share()
        for share in clock.ticks():
            found = losses()
            self._step(self._total(found), share)
            self.average.update()
            if clock.done % 100 == 0:
                named = {name: round(each.item(), 3) for name, each in found.items()}
                self.log.note(phase=self.phase, step=clock.done, share=share, **named)
            if share - reported >= every:
                reported = share
                if state is not None:
                    _replace(state, self._state())
                if report is not None:
                    report()
                    self.network.train()

    def _total(self, losses: Losses) -> Tensor:
        weighted = [self.weights.get(name, 1.0) * each for name, each in losses.items()]
        return torch.stack(weighted).sum()

    def _step(self, loss: Tensor, share: float) -> None:
        for group in self.optimiser.param_groups:
            delay = group["delay"]
            late = (share - delay) / (1 - delay)
            group["lr"] = group["peak"] * rate(late, self.recipe.warm_share) if late >= 0 else 0.0
        self.optimiser.zero_grad()
        loss.backward()
        for part in self.clipped:
            nn.utils.clip_grad_norm_(part.parameters(), self.recipe.clip)
        self.optimiser.step()

    def _state(self) -> dict[str, Any]:
        return {
            "phase": self.phase,
            "network": self.network.state_dict(),
            "average": self.average.values,
            "count": self.average.count,
            "optimiser": self.optimiser.state_dict(),
            "done": self.clock.done + 1,
            "share": self.clock.share(),
        }

    def _resume(self, file: Path | None) -> None:
        """Resume from `file`. The next batches differ from those of an uninterrupted run."""
        if file is None or not file.is_file():
            return
        state = torch.load(file, self.device, weights_only=True)
        if state["phase"] != self.phase:
            return
        self.network.load_state_dict(state["network"])
        self.average.values = state["average"]
        self.average.count = state["count"]
        self.optimiser.zero_grad()
        self.optimiser.load_state_dict(state["optimiser"])
        self.clock.done = state["done"]
        self.clock.started -= state["share"] * self.clock.seconds


def rate(share: float, warm: float) -> float:
    """Learning rate as a share of its peak: linear warm-up, multiplied by a cosine decay to zero.

    Args:
        share: progress, from 0 to 1.
        warm: share of the warm-up.
    """
    return min(1.0, (share + 1e-4) / warm) * (1 + math.cos(math.pi * min(share, 1.0))) / 2


def half(device: torch.device) -> torch.autocast:
    """Half precision on a GPU."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")


def _optimiser(parts: Sequence[Part], decay: float, device: torch.device) -> torch.optim.AdamW:
    """Create AdamW. Only matrices have weight decay."""
    groups = []
    for part in parts:
        for decays in (True, False):
            parameters = (p for p in part.module.parameters() if p.requires_grad)
            groups.append(
                {
                    "params": [p for p in parameters if (p.ndim > 1) == decays],
                    "lr": part.rate,
                    "peak": part.rate,
                    "delay": part.delay,
                    "weight_decay": decay * decays,
                }
            )
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=device.type == "cuda")


def _replace(path: Path, state: dict[str, Any]) -> None:
    """Replace the file atomically, so that an interrupted run leaves a complete file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)
