"""The files of an unfinished run, from which it continues after it was stopped."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from embedding.finetuning.errors import FineTuningError, unwritable
from embedding.finetuning.measure import Figures

Weights = dict[str, Tensor]

COPIES = 5
"""Copies of the trained weights on disk: weights, two averages of the optimiser, and a new state
beside the old one in part."""

STATE, BEST = "state.pt", "best.pt"


@dataclass
class Epoch:
    """What one epoch came to; the first one, without a loss, is the model before."""

    loss: float | None
    figures: Figures


@dataclass
class RunState:
    """Where a run is."""

    history: list[Epoch] = field(default_factory=list)
    batch_size: int = 0
    """Of the next epoch; it is halved once if memory runs out."""
    halved: bool = False

    @property
    def epochs(self) -> int:
        """Number of finished epochs."""
        return max(0, len(self.history) - 1)

    @property
    def best(self) -> int:
        """The number of the best finished epoch, from 1; 0 if there is none."""
        scores = [epoch.figures.score for epoch in self.history[1:]]
        return scores.index(max(scores)) + 1 if scores else 0


class RunFolder:
    """The folder of an unfinished run.

    Args:
        folder: is created.
        key: names what the run depends on, so that no other run continues it.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.folder, self._key = folder, key
        folder.mkdir(parents=True, exist_ok=True)

    def save(self, state: RunState, weights: Weights, optimiser: torch.optim.Optimizer) -> None:
        """Write the state after an epoch, and its weights apart if it is the best one.

        Raises:
            FineTuningError: the disk is full.
        """
        if state.best == state.epochs:
            self._write(BEST, weights)
        content = {
            "key": self._key,
            "history": [
                [it.loss, it.figures.title_recall, it.figures.type_map] for it in state.history
            ],
            "batch_size": state.batch_size,
            "halved": state.halved,
            "weights": weights,
            "optimiser": optimiser.state_dict(),
        }
        self._write(STATE, content)

    def load(
        self, parameters: Mapping[str, nn.Parameter], optimiser: torch.optim.Optimizer
    ) -> RunState | None:
        """Restore the weights and the optimiser; None if the run has not begun.

        Raises:
            FineTuningError: the folder is of another run, or unreadable.
        """
        if not (self.folder / STATE).is_file():
            return None
        content = self._read(STATE)
        if content.get("key") != self._key:
            raise FineTuningError(
                f"{self.folder} has an unfinished run with other products or options: repeat its"
                " command, or delete the folder to begin anew"
            )
        put_weights(parameters, content["weights"])
        optimiser.load_state_dict(content["optimiser"])
        history = [Epoch(loss, Figures(*figures)) for loss, *figures in content["history"]]
        return RunState(history, content["batch_size"], content["halved"])

    def best_weights(self) -> Weights:
        """The weights of the best epoch."""
        weights: Weights = self._read(BEST)
        return weights

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _read(self, name: str) -> Any:
        try:
            return torch.load(self.folder / name, "cpu", weights_only=True)
        except Exception as error:  # of zip files, of pickles, of the disk
            raise FineTuningError(
                f"{self.folder / name} cannot be read ({error}): delete the folder to begin anew"
            ) from error

    def _write(self, name: str, content: Any) -> None:
        new = self.folder / f"{name}.new"
        try:
            torch.save(content, new)
            new.replace(self.folder / name)
        except (OSError, RuntimeError) as error:
            new.unlink(missing_ok=True)
            raise unwritable(self.folder / name, error) from error


def bytes_of_run(network: nn.Module, parameters: Mapping[str, nn.Parameter]) -> int:
    """The size of the files of a run, with the model that is its result."""
    return 4 * (
        sum(it.numel() for it in network.parameters())
        + COPIES * sum(it.numel() for it in parameters.values())
    )


def run_key(*parts: object) -> str:
    """A digest of what a run depends on."""
    return hashlib.sha256(json.dumps(parts, default=str, sort_keys=True).encode()).hexdigest()


def copy_weights(parameters: Mapping[str, nn.Parameter]) -> Weights:
    """A copy of the parameters on the CPU."""
    return {name: it.detach().cpu().clone() for name, it in parameters.items()}


def put_weights(parameters: Mapping[str, nn.Parameter], weights: Mapping[str, Tensor]) -> None:
    """Set the parameters to `weights`."""
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(weights[name])


def interpolate(base: Weights, tuned: Weights, share: float) -> Weights:
    """Weights between the base's, at 0, and the tuned ones, at 1.

    M. Wortsman et al., "Robust Fine-Tuning of Zero-Shot Models" (WiSE-FT), 2022.
    """
    if share in (0.0, 1.0):
        return tuned if share else base
    return {name: torch.lerp(base[name], tuned[name], share) for name in base}
