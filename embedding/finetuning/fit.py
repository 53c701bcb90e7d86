"""Contrastive fine-tuning: the run from the base's weights to a folder that its loader reads."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from embedding.finetuning.curves import draw_curves
from embedding.finetuning.data import compose_texts
from embedding.finetuning.errors import FineTuningError
from embedding.finetuning.frozen_features import (
    VIEWS,
    FrozenFeatures,
    bytes_of_features,
    features_shape,
    read_features,
)
from embedding.finetuning.loss import Loss
from embedding.finetuning.measure import Figures, measure
from embedding.finetuning.pictures import Pictures
from embedding.finetuning.products import JudgedQuery, Product
from embedding.finetuning.requirements import (
    MIN_PRODUCTS,
    require_kinds,
    require_products,
    require_space,
    too_few,
)
from embedding.finetuning.state import (
    Epoch,
    RunFolder,
    RunState,
    bytes_of_run,
    copy_weights,
    interpolate,
    put_weights,
    run_key,
)
from embedding.finetuning.towers import open_towers, trained_parameters
from embedding.finetuning.views import random_views
from embedding.fingerprint import fingerprint
from embedding.loaders.torch_encoder import as_device
from embedding.progress import Progress
from embedding.registry import ModelSpec
from embedding.training.data import Part

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Shares of the tuned weights that are tried; see `interpolate`."""

LAST_LAYERS_RATE, ALL_LAYERS_RATE = 2e-4, 2e-5
"""Default learning rates."""

WARM_UP = 0.1
"""Share of the steps in which the learning rate rises; then it falls as a cosine."""

CLIP_NORM = 2.0
WEIGHT_DECAY = 0.01

Log = Callable[[str], None]


@dataclass(frozen=True)
class Recipe:
    """The options of a run."""

    epochs: int = 10
    batch_size: int = 64
    rate: float = 0.0
    """The highest learning rate; 0 for the default."""
    freeze: bool = False
    """Whether only the last layers are trained."""
    patience: int = 3
    """Epochs without a better one after which the run stops."""
    captions: int = 3
    """Captions of each product in a batch."""
    seed: int = 0

    @property
    def peak(self) -> float:
        """The highest learning rate."""
        return self.rate or (LAST_LAYERS_RATE if self.freeze else ALL_LAYERS_RATE)


@dataclass(frozen=True)
class Outcome:
    """The result of a run.

    The share and the epoch were chosen by `validated`; `before` and `after` are of other products,
    which nothing was chosen by.
    """

    share: float
    """Of the tuned weights; 0 if the base's are best. Then nothing was saved."""
    epoch: int
    validated: Mapping[float, Figures]
    """For each share, figures of the products for validation."""
    before: Figures
    after: Figures
    history: Sequence[Epoch]


class FineTuning:
    """One run.

    Args:
        spec: the entry of the base.
        products: those of the catalogue, in any order that does not change.
        judged: judged queries.
        recipe: the options.
        device: a torch device name.
        folder: of the files of the unfinished run.
        quiet: show no progress.
        log: receives a line now and then.

    Raises:
        FineTuningError: the products or the model do not suffice.
        EncoderError: the model or the device cannot be used.
    """

    def __init__(
        self,
        spec: ModelSpec,
        products: Sequence[Product],
        recipe: Recipe,
        device: str,
        folder: Path,
        *,
        judged: Sequence[JudgedQuery] = (),
        quiet: bool = False,
        log: Log = lambda _: None,
    ) -> None:
        self.spec, self.products, self.judged, self.recipe = spec, products, judged, recipe
        self.device, self.quiet, self.log = as_device(device), quiet, log
        require_products(products, spec)
        self.towers = open_towers(spec, self.device)
        self.parameters = trained_parameters(self.towers, recipe.freeze)
        total = sum(len(product.pictures) for product in products)
        require_space(folder, self._bytes_needed(total))
        with Progress("pictures", " pictures", total, quiet=quiet) as bar:
            self.pictures = Pictures(products, self.towers.preparation, bar.advance)
        if problems := self.pictures.problems:
            log(f"{len(problems)} of {total} pictures are unreadable and left out: {problems[0]}")
        self.parts = self._split()
        if "text" not in self.towers.modalities:
            require_kinds({part: [products[it] for it in of] for part, of in self.parts.items()})
        # Models whose texts are in other languages too keep them by captions in these.
        self.texts = compose_texts(products, spec.loader == "fashion", recipe.seed)
        self.loss = Loss(self.towers, products, self.texts, judged, recipe.captions)
        content = [[it.sku, it.title, dict(it.attributes), len(it.pictures)] for it in products]
        queries = [[it.text, sorted(it.relevant)] for it in judged]
        base = [fingerprint(spec, modality) for modality in spec.modalities]
        key = run_key(spec.name, base, asdict(recipe), content, queries)
        self.base = copy_weights(self.parameters)
        self.optimiser = torch.optim.AdamW(
            self.parameters.values(), lr=recipe.peak, weight_decay=WEIGHT_DECAY
        )
        self.run = RunFolder(folder, key)
        self.state = self.run.load(self.parameters, self.optimiser) or RunState(
            batch_size=recipe.batch_size
        )
        self.features = self._read_features() if recipe.freeze else None

    def train(self) -> Outcome:
        """Train, choose the weights, and leave them in the towers.

        Raises:
            FineTuningError: memory or the disk does not suffice.
        """
        state, patience = self.state, self.recipe.patience
        if state.history:
            self.log(f"continues after epoch {state.epochs}")
        else:
            state.history.append(Epoch(None, self._measure("validation")))
            self.log(f"before: {state.history[0].figures}")
        while state.epochs < self.recipe.epochs and (
            not state.best or state.epochs - state.best < patience
        ):
            loss = self._train_epoch(state.epochs)
            state.history.append(Epoch(loss, self._measure("validation")))
            self.run.save(state, copy_weights(self.parameters), self.optimiser)
            draw_curves(state.history, self.run.folder / "curves.png")
            self.log(f"epoch {state.epochs}: loss {loss:.3f}, {state.history[-1].figures}")
        return self._choose()

    def _choose(self) -> Outcome:
        tuned = self.run.best_weights()
        validated = {}
        for share in SHARES:
            put_weights(self.parameters, interpolate(self.base, tuned, share))
            validated[share] = self._measure("validation")
        # Of equal ones the smallest, which keeps most of what the base knew.
        share = max(SHARES, key=lambda it: (validated[it].score, -it))
        put_weights(self.parameters, self.base)
        before = self._measure("test")
        put_weights(self.parameters, interpolate(self.base, tuned, share))
        after = self._measure("test")
        return Outcome(share, self.state.best, validated, before, after, tuple(self.state.history))

    def _measure(self, part: Part) -> Figures:
        return measure(self.towers, self.products, self.pictures, self.parts[part], self.features)

    def _bytes_needed(self, pictures: int) -> int:
        """The size of all files of a run with so many pictures."""
        size = bytes_of_run(self.towers.network, self.parameters)
        shape = features_shape(self.towers, self.device) if self.recipe.freeze else None
        return size + (bytes_of_features(shape, pictures) if shape else 0)

    def _read_features(self) -> FrozenFeatures | None:
        """The features of the pictures; None if the model has none that stay the same."""
        spec, names = self.spec, [file.name for file in self.pictures.files]
        key = run_key(fingerprint(spec, "image"), self.recipe.seed, VIEWS, names)
        with Progress("features", " pictures", len(names), quiet=self.quiet) as bar:
            return read_features(
                *(self.towers, self.pictures, self.device, self.recipe.seed),
                *(self.run.folder, key, bar.advance),
            )

    def _train_epoch(self, epoch: int) -> float:
        """Train on each picture once; returns the mean loss."""
        state = self.state
        order = np.random.default_rng([self.recipe.seed, epoch]).permutation(
            self.pictures.of(self.parts["train"])
        )
        draws = random.Random(f"{self.recipe.seed} {epoch}")
        generator = torch.Generator().manual_seed(self.recipe.seed * 1000 + epoch)
        losses = []
        with Progress(f"epoch {epoch + 1}", " pictures", len(order), quiet=self.quiet) as bar:
            done = 0
            while len(order) - done > 1:
                rows = [int(row) for row in order[done : done + state.batch_size]]
                share = (epoch + done / len(order)) / self.recipe.epochs
                try:
                    losses.append(self._step(rows, share, draws, generator))
                except (torch.OutOfMemoryError, RuntimeError) as error:
                    if not _is_out_of_memory(error):
                        raise
                    self._halve(error)
                    continue
                done += len(rows)
                bar.advance(len(rows), f"loss {np.mean(losses[-10:]):.3f}")
        return float(np.mean(losses))

    def _halve(self, error: RuntimeError) -> None:
        """Halve the batches, the first time.

        Raises:
            FineTuningError: they were halved before.
        """
        size = self.state.batch_size
        self.optimiser.zero_grad()
        if self.state.halved or size < 4:
            raise FineTuningError(
                f"{self.device} has too little memory for batches of {size} pictures: use"
                f" --batch-size {max(2, size // 4)}, or train only the last layers (--freeze yes),"
                " or another --device"
            ) from error
        self.state.batch_size, self.state.halved = size // 2, True
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        self.log(f"out of memory: goes on with batches of {size // 2}")

    def _step(
        self, rows: list[int], share: float, draws: random.Random, generator: torch.Generator
    ) -> float:
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.peak * rate(share)
        self.optimiser.zero_grad()
        owners = np.array([self.pictures.owners[row] for row in rows])
        loss = self.loss.of(self._embed(rows, generator), owners, draws)
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters.values(), CLIP_NORM)
        self.optimiser.step()
        return float(loss.item())

    def _embed(self, rows: list[int], generator: torch.Generator) -> Tensor:
        """Unit vectors (n, d) of random views of pictures."""
        half = torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda")
        with half:
            if self.features is None:
                pixels = self.pictures.pixels(rows).to(self.device)
                images = self.towers.embed_pixels(random_views(pixels, generator))
            else:
                number = torch.randint(VIEWS, (len(rows),), generator=generator)
                features = self.features.of(rows, number.tolist())
                images = self.towers.finish(features.to(self.device))
        return normalize(images.float())

    def _split(self) -> dict[Part, list[int]]:
        """The products with a readable picture, by their part."""
        parts: dict[Part, list[int]] = {"train": [], "validation": [], "test": []}
        for index in sorted(set(self.pictures.owners)):
            parts[self.products[index].part].append(index)
        usable = sum(map(len, parts.values()))
        if usable < MIN_PRODUCTS:
            raise FineTuningError(too_few(usable))
        return parts


def rate(share: float) -> float:
    """The learning rate after a share of all steps, as a share of its peak."""
    if share < WARM_UP:
        return 0.1 + 0.9 * share / WARM_UP
    return 0.5 + 0.5 * math.cos(math.pi * (share - WARM_UP) / (1 - WARM_UP))


def _is_out_of_memory(error: RuntimeError) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or "not enough memory" in str(error)
