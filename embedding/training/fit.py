"""Trains both towers together. This takes minutes on a GPU; a CPU is fast enough only for a trial.

The first phase distils e5 into the small text tower. The second phase trains both towers on
pictures, their captions in eight languages, titles, and groups of similar phrases.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn.functional import normalize

from embedding.loaders.fashion import PREFIX
from embedding.loaders.fashion_tower import DIMENSIONS, ImageTower
from embedding.loaders.transformer import LAYERS, TextTower
from embedding.training.bundle import load_teacher
from embedding.training.corpus import (
    Corpus,
    PhraseComposer,
    add_captions,
    add_phrase_group,
    unique_titles,
)
from embedding.training.data import Picture
from embedding.training.losses import (
    AttributeClassifiers,
    contrastive,
    cosine_loss,
    relate,
    supervised_contrastive,
    title_relation,
)
from embedding.training.meanings import Meaning, picture_truth, read_meanings
from embedding.training.views import random_views, read_canvases

KEPT_LAYERS = (0, 2, 4, 7, 9, 11)
"""The layers of e5 that initialise the small text tower."""

MAX_TOKENS = 40
"""Maximum number of tokens of a text in training."""


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters; see the model card. Their names are also keys of the saved metadata."""

    seed: int = 0
    side: int = 260
    """Side of the image tower's input, in pixels."""
    distil_steps: int = 490
    """Steps of the first phase."""
    steps: int = 1503
    """Steps of the second phase."""
    seconds: float = 0.0
    """If positive, the time limit of both phases together, which replaces the numbers of steps.

    The learning rates then follow the time.
    """
    distil_seconds: float = 60.0
    """Time limit of the first phase, if `seconds` is positive."""
    distil_batch: int = 2048
    batch: int = 256
    captions: int = 3
    """Captions of each picture in a batch."""
    bouquets: int = 96
    """Phrase groups in a batch; see `add_phrase_group`."""
    words: int = 384
    """Frequent words in a batch. Their targets are the teacher's vectors."""
    caption_pool: int = 40
    """Captions generated for each picture. Batches sample from them."""
    bouquet_pool: int = 24_000
    """Phrase groups generated. Batches sample from them."""
    word_pool: int = 100_000
    """Maximum number of frequent words used."""
    text_rate: float = 1.5e-4
    distil_rate: float = 6e-4
    head_rate: float = 1e-3
    backbone_rate: float = 3e-4
    """Peak learning rates: text tower (second and first phase), image head, backbone."""
    head_share: float = 0.04
    """Share of the steps before the backbone is trained: a random head would damage it."""
    weight_decay: float = 0.05
    dropout: float = 0.5
    text_dropout: float = 0.1
    drop_path: float = 0.1
    """Drop path rate of the last block of the backbone."""
    temperature: float = 0.05
    title_weight: float = 0.5
    same_weight: float = 0.5
    anchor_weight: float = 2.0
    kind_weight: float = 0.2
    label_weight: float = 0.2
    """Weights of the losses. The loss of the captions has weight 1."""
    average: float = 0.998
    """Decay of the exponential moving average (EMA) of the weights. The average is saved."""
    keep_back: bool = False
    """Hold out the foreign words of a third of the concepts, to measure generalisation."""


class Texts:
    """Token ids of many texts, on the device."""

    def __init__(self, tokenizer: Tokenizer, texts: list[str], device: torch.device) -> None:
        found = tokenizer.encode_batch([PREFIX + text for text in texts])
        self.lengths = np.array([min(len(each.ids), MAX_TOKENS) for each in found])
        tokens = np.zeros((len(texts), MAX_TOKENS), np.int32)
        for row, each in zip(tokens, found, strict=True):
            ids = each.ids
            if len(ids) > MAX_TOKENS:
                ids = [*ids[: MAX_TOKENS - 1], ids[-1]]
            row[: len(ids)] = ids
        self.tokens = torch.from_numpy(tokens).to(device)
        self.device_lengths = torch.from_numpy(self.lengths).to(device)

    def __len__(self) -> int:
        return len(self.lengths)


def gather(parts: list[tuple[Texts, NDArray[np.int64]]]) -> tuple[Tensor, Tensor]:
    """Collect the texts at the given indices of each store.

    Returns:
        Token ids and mask, both (n, t). The mask is true for tokens, false for padding.
    """
    longest = max(int(texts.lengths[indices].max()) for texts, indices in parts)
    tokens, lengths = [], []
    for texts, indices in parts:
        index = torch.from_numpy(indices).to(texts.tokens.device, non_blocking=True)
        tokens.append(texts.tokens[index, :longest])
        lengths.append(texts.device_lengths[index])
    mask = torch.arange(longest, device=tokens[0].device) < torch.cat(lengths)[:, None]
    return torch.cat(tokens).long(), mask


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

    def tensors(self) -> dict[str, Tensor]:
        """The averaged tensors by name."""
        return dict(zip(self.names, self.values, strict=True))


class Clock:
    """Progress of a phase, by time if `seconds` is positive, otherwise by steps."""

    def __init__(self, steps: int, seconds: float) -> None:
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


def rate(share: float, warm: float = 0.03) -> float:
    """Learning rate as a share of its peak: linear warm-up, multiplied by a cosine decay to zero.

    Args:
        share: progress, from 0 to 1.
        warm: share of the warm-up.
    """
    return min(1.0, (share + 1e-4) / warm) * (1 + math.cos(math.pi * min(share, 1.0))) / 2


class Trainer:
    """Trains a text tower and an image tower on a bundle.

    Args:
        folder: the bundle.
        recipe: hyperparameters.
        pictures: n pictures to train on.
        canvases: their canvases, uint8, (n, CANVAS, CANVAS, 4), on the device to train on.
    """

    def __init__(self, folder: Path, recipe: Recipe, pictures: list[Picture], canvases: Tensor):
        self.recipe = recipe
        self.device = canvases.device
        self.pictures, self.canvases = pictures, canvases
        torch.manual_seed(recipe.seed)
        self.rng = np.random.default_rng(recipe.seed)
        self.generator = torch.Generator(self.device).manual_seed(recipe.seed)
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.teacher = load_teacher(folder).to(self.device)
        self.text = _student(self.teacher, recipe.text_dropout).to(self.device)
        self.image = ImageTower(recipe.dropout).to(
            self.device,
            memory_format=torch.channels_last,  # type: ignore[call-overload]
        )
        self.image.backbone.requires_grad_(True)
        _drop_paths(self.image, recipe.drop_path)
        self._read_texts(folder)
        self.log: list[dict[str, Any]] = []

    def _read_texts(self, folder: Path) -> None:
        recipe, device = self.recipe, self.device
        meanings = read_meanings()
        composer = PhraseComposer(meanings, recipe.keep_back, recipe.seed)
        self.known = picture_truth(self.pictures, meanings)
        captions = Corpus()
        self.captions_of = np.array(
            [
                add_captions(captions, composer, self.known, picture, recipe.caption_pool)
                for picture in range(len(self.pictures))
            ]
        )
        phrases, canonical = Corpus(), Corpus()
        seen: dict[Meaning, int] = {}
        pairs, canonical_of = [], []
        for _ in range(recipe.bouquet_pool):
            group, indices = add_phrase_group(phrases, composer, canonical, seen)
            pairs.append(group)
            canonical_of.append(indices)
        self.pairs = np.array(pairs)  # (groups, 4, 2)
        self.canonical_of = np.array(canonical_of)  # (groups, 4)
        titles, self.title_of = unique_titles(self.pictures)
        words = (folder / "words.txt").read_text("utf-8").splitlines()[: recipe.word_pool]

        self.captions = Texts(self.tokenizer, captions.texts, device)
        self.caption_meanings = torch.tensor(captions.meanings, device=device)
        self.phrases = Texts(self.tokenizer, phrases.texts, device)
        self.phrase_meanings = torch.tensor(phrases.meanings, device=device)
        self.titles = Texts(self.tokenizer, titles, device)
        self.words = Texts(self.tokenizer, words, device)
        self.canonical = Texts(self.tokenizer, canonical.texts, device)
        self.tables = [torch.from_numpy(table).to(device) for table in self.known.tables]
        self.values = torch.from_numpy(self.known.values).to(device)
        self.relations = [torch.from_numpy(table).to(device) for table in meanings.relations]
        groups = sorted({picture.attributes["group"] for picture in self.pictures})
        self.groups = np.array([groups.index(p.attributes["group"]) for p in self.pictures])
        self.group_of_title = np.zeros(len(titles), np.int64)
        titled = self.title_of >= 0
        self.group_of_title[self.title_of[titled]] = self.groups[titled]
        self.labels = torch.from_numpy(_labels(self.pictures)).to(device)
        sizes = [int(self.labels[:, index].max()) + 1 for index in range(self.labels.shape[1])]
        self.classify = AttributeClassifiers([max(size, 1) for size in sizes], DIMENSIONS).to(
            device
        )

        stored = load_file(folder / "english.safetensors")["titles"].float()
        known_titles = json.loads((folder / "titles.json").read_text("utf-8"))
        row = {title: index for index, title in enumerate(known_titles)}
        self.title_targets = stored[[row[title] for title in titles]].to(device)
        self.word_targets = self._teacher_vectors(self.words)
        self.canonical_targets = self._teacher_vectors(self.canonical)

    def _teacher_vectors(self, texts: Texts, size: int = 4096) -> Tensor:
        """The teacher's unit vectors of all texts, (n, d)."""
        parts = []
        with torch.inference_mode(), self._half():
            for start in range(0, len(texts), size):
                indices = np.arange(start, min(start + size, len(texts)))
                parts.append(normalize(self.teacher(*gather([(texts, indices)])).float()))
        return torch.cat(parts).clone()

    def _half(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda")

    def distil(self) -> None:
        """Run the first phase: distil the teacher into the small text tower."""
        recipe = self.recipe
        self.text.train()
        optimiser = _optimiser(
            [(self.text, recipe.distil_rate, 0.0)], recipe.weight_decay, self.device
        )
        clock = Clock(recipe.distil_steps, recipe.distil_seconds if recipe.seconds else 0.0)
        stores = [
            (self.words, self.word_targets, recipe.distil_batch * 5 // 8),
            (self.canonical, self.canonical_targets, recipe.distil_batch * 2 // 8),
            (self.titles, self.title_targets, recipe.distil_batch // 8),
        ]
        for share in clock.ticks():
            drawn = [(texts, self.rng.integers(0, len(texts), n)) for texts, _, n in stores]
            targets = torch.cat(
                [
                    target[torch.from_numpy(indices).to(self.device)]
                    for (_, target, _), (_, indices) in zip(stores, drawn, strict=True)
                ]
            )
            with self._half():
                vectors = self.text(*gather(drawn)).float()
            loss = cosine_loss(vectors, targets)
            _step(optimiser, loss, share, [self.text])
            if clock.done % 100 == 0:
                self._note(phase="distil", step=clock.done, share=share, loss=loss.item())

    def train(
        self,
        state: Path | None = None,
        report: Callable[[Trainer], None] | None = None,
        every: float = 0.25,
    ) -> None:
        """Run both phases.

        Args:
            state: checkpoint file. It is written before each report; if it exists, training resumes
                from it.
            report: called at intervals during the second phase.
            every: interval of the reports, as a share of the second phase.
        """
        recipe = self.recipe
        both = nn.ModuleDict({"text": self.text, "image": self.image})
        optimiser = _optimiser(
            [
                (self.text, recipe.text_rate, 0.0),
                (self.image.head, recipe.head_rate, 0.0),
                (self.classify, recipe.head_rate, 0.0),
                (self.image.backbone, recipe.backbone_rate, recipe.head_share),
            ],
            recipe.weight_decay,
            self.device,
        )
        resumed = state is not None and state.is_file()
        if not resumed:
            self.distil()
        self.average = Average(both, recipe.average)
        both.train()
        batches = _batches(len(self.pictures), min(recipe.batch, len(self.pictures)), self.rng)
        # Warm up before the clock starts: the first step loads the kernels and takes very long.
        self._loss(self._losses(next(batches))).backward()
        left = recipe.seconds - recipe.distil_seconds if recipe.seconds else 0.0
        clock = Clock(recipe.steps, left)
        if state is not None and resumed:
            self._restore(torch.load(state, self.device, weights_only=True), optimiser, clock)
        reported = clock.share()
        for share in clock.ticks():
            losses = self._losses(next(batches))
            loss = self._loss(losses)
            _step(optimiser, loss, share, [self.text, self.image.head, self.image.backbone])
            self.average.update()
            if clock.done % 100 == 0:
                named = {name: round(each.item(), 3) for name, each in losses.items()}
                self._note(phase="train", step=clock.done, share=share, **named)
            if share - reported >= every:
                reported = share
                if state is not None:
                    _replace(state, self._state(optimiser, clock))
                if report is not None:
                    report(self)
                    both.train()

    def _loss(self, losses: dict[str, Tensor]) -> Tensor:
        recipe = self.recipe
        weights = {
            "captions": 1.0,
            "titles": recipe.title_weight,
            "same": recipe.same_weight,
            "anchor": recipe.anchor_weight,
            "kind": recipe.kind_weight,
            "labels": recipe.label_weight,
        }
        return torch.stack([weights[name] * each for name, each in losses.items()]).sum()

    def _state(self, optimiser: torch.optim.AdamW, clock: Clock) -> dict[str, Any]:
        return {
            "text": self.text.state_dict(),
            "image": self.image.state_dict(),
            "classify": self.classify.state_dict(),
            "average": self.average.values,
            "count": self.average.count,
            "optimiser": optimiser.state_dict(),
            "done": clock.done + 1,
            "share": clock.share(),
        }

    def _restore(self, state: dict[str, Any], optimiser: torch.optim.AdamW, clock: Clock) -> None:
        """Resume from `state`. The next batches differ from those of an uninterrupted run."""
        self.text.load_state_dict(state["text"])
        self.image.load_state_dict(state["image"])
        self.classify.load_state_dict(state["classify"])
        self.average.values = state["average"]
        self.average.count = state["count"]
        optimiser.zero_grad()
        optimiser.load_state_dict(state["optimiser"])
        clock.done = state["done"]
        clock.started -= state["share"] * clock.seconds

    def _losses(self, batch: NDArray[np.int64]) -> dict[str, Tensor]:
        recipe, rng, device = self.recipe, self.rng, self.device
        captions = self.captions_of[
            batch[:, None], rng.integers(0, recipe.caption_pool, (len(batch), recipe.captions))
        ].ravel()
        titles = np.unique(self.title_of[batch])
        titles = titles[titles >= 0]
        if not len(titles):
            titles = np.zeros(1, np.int64)
        chosen = rng.integers(0, len(self.pairs), recipe.bouquets)
        phrases = np.concatenate(
            [self.pairs[chosen, :, 0].ravel(), self.pairs[chosen, :, 1].ravel()]
        )
        words = rng.integers(0, len(self.words), recipe.words)
        tokens, mask = gather(
            [
                (self.captions, captions),
                (self.titles, titles),
                (self.phrases, phrases),
                (self.words, words),
            ]
        )
        index = torch.from_numpy(batch).to(device)
        with torch.no_grad():
            views = random_views(self.canvases[index], recipe.side, self.generator)
        with self._half():
            texts = normalize(
                self.text(
                    _mask_titles(tokens, mask, len(captions), len(titles), self.generator), mask
                ).float()
            )
            features = self.image.backbone(views)
        images = normalize(self.image.head(features.float()))
        parts = texts.split([len(captions), len(titles), len(phrases), len(words)])
        indices = torch.from_numpy(captions).to(device)
        relation = relate(self.tables, self.values[index], self.caption_meanings[indices])
        by_caption = contrastive(images @ parts[0].T / recipe.temperature, relation)
        title = title_relation(
            *(
                torch.from_numpy(each).to(device)
                for each in (
                    self.title_of[batch],
                    self.groups[batch],
                    titles,
                    self.group_of_title[titles],
                )
            )
        )
        by_title = contrastive(images @ parts[1].T / recipe.temperature, title)
        meant = self.phrase_meanings[torch.from_numpy(phrases).to(device)]
        same = supervised_contrastive(
            parts[2], relate(self.relations, meant, meant), recipe.temperature
        )
        targets = torch.cat(
            [
                self.title_targets[torch.from_numpy(titles).to(device)],
                self.canonical_targets[
                    torch.from_numpy(np.tile(self.canonical_of[chosen].ravel(), 2)).to(device)
                ],
                self.word_targets[torch.from_numpy(words).to(device)],
            ]
        )
        anchor = cosine_loss(torch.cat(parts[1:]), targets)
        kinds = self.labels[index, 1]
        unknown = (kinds < 0)[:, None] | (kinds < 0)
        kind_relation = torch.where(kinds[:, None] == kinds, 1, -1).masked_fill(unknown, 0)
        kind = supervised_contrastive(images, kind_relation, 0.1)
        return {
            "captions": by_caption,
            "titles": by_title,
            "same": same,
            "anchor": anchor,
            "kind": kind,
            "labels": self.classify(images, self.labels[index]),
        }

    def _note(self, **entry: Any) -> None:
        entry["seconds"] = round(time.monotonic(), 1)
        self.log.append(entry)
        print(json.dumps(entry), flush=True)


def _replace(path: Path, state: dict[str, Any]) -> None:
    """Replace the file atomically, so that an interrupted run leaves a complete file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def _mask_titles(
    tokens: Tensor, mask: Tensor, first: int, count: int, generator: torch.Generator
) -> Tensor:
    """Mask a tenth of the titles' tokens, so that no single word identifies a picture.

    Args:
        tokens, mask: see `gather`.
        first: row of the first title.
        count: number of titles.
        generator: random numbers on the device.

    Returns:
        The token ids of all texts, (n, t).
    """
    unknown = torch.rand(count, tokens.shape[1], generator=generator, device=tokens.device) < 0.1
    unknown[:, :4] = False
    part = tokens[first : first + count]
    masked = part.masked_fill(unknown & mask[first : first + count] & (part > 3), 3)
    return torch.cat([tokens[:first], masked, tokens[first + count :]])


def _student(teacher: TextTower, dropout: float) -> TextTower:
    """A smaller tower, initialised with `KEPT_LAYERS` of the teacher. Its embeddings are frozen."""
    student = TextTower(teacher.words.num_embeddings, layers=len(KEPT_LAYERS), dropout=dropout)
    tensors = teacher.state_dict()
    for new, old in enumerate(KEPT_LAYERS):
        assert old < LAYERS
        for name, value in teacher.layers[old].state_dict().items():
            tensors[f"layers.{new}.{name}"] = value
    wanted = student.state_dict().keys()
    student.load_state_dict({name: tensors[name] for name in wanted})
    student.words.requires_grad_(False)
    return student


def _drop_paths(tower: ImageTower, maximum: float) -> None:
    """Enable drop path. Its rate increases linearly with depth, up to `maximum`."""
    blocks = [block for stage in tower.backbone.stages for block in stage.children()]
    for index, block in enumerate(blocks):
        share = maximum * index / max(1, len(blocks) - 1)
        block.forward = partial(block.forward, drop_connect_rate=share)


def _labels(pictures: list[Picture]) -> NDArray[np.int64]:
    """Classes of colour, type and gender, (n, 3), -1 if unknown."""
    columns = []
    for name in ("colour", "type", "gender"):
        values = sorted({picture.attributes.get(name, "") for picture in pictures} - {""})
        number = {value: index for index, value in enumerate(values)}
        columns.append([number.get(p.attributes.get(name, ""), -1) for p in pictures])
    return np.array(columns, np.int64).T.copy()


def _optimiser(
    parts: list[tuple[nn.Module, float, float]], decay: float, device: torch.device
) -> torch.optim.AdamW:
    """Create AdamW. Only matrices have weight decay.

    Args:
        parts: each module, its peak learning rate, and the share of the steps before its training.
        decay: weight decay.
        device: the device of the modules.
    """
    groups = []
    for part, peak, delay in parts:
        for decays in (True, False):
            chosen = [p for p in part.parameters() if p.requires_grad and (p.ndim > 1) == decays]
            groups.append(
                {
                    "params": chosen,
                    "lr": peak,
                    "peak": peak,
                    "delay": delay,
                    "weight_decay": decay * decays,
                }
            )
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=device.type == "cuda")


def _step(
    optimiser: torch.optim.AdamW, loss: Tensor, share: float, clipped: list[nn.Module]
) -> None:
    for group in optimiser.param_groups:
        delay = group["delay"]
        group["lr"] = group["peak"] * rate((share - delay) / (1 - delay)) if share >= delay else 0.0
    optimiser.zero_grad()
    loss.backward()
    for part in clipped:
        nn.utils.clip_grad_norm_(part.parameters(), 2.0)
    optimiser.step()


def _batches(count: int, size: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    while True:
        order = rng.permutation(count)
        for start in range(0, count - size + 1, size):
            yield order[start : start + size]


def read_pictures(
    folder: Path, tune: bool, only: int = 0
) -> tuple[list[Picture], list[Picture], NDArray[np.uint8]]:
    """Read the pictures of a bundle.

    Args:
        folder: the bundle.
        tune: hold out the validation part.
        only: if positive, read only about this number of pictures.

    Returns:
        The pictures to train on, those to evaluate, and the canvases of both in this order, (n,
        CANVAS, CANVAS, 4).
    """
    rows = json.loads((folder / "pictures.json").read_text("utf-8"))
    if only:
        rows = rows[:: max(1, len(rows) // only)]
    rows.sort(key=lambda row: tune and row["part"] == "validation")
    pictures = [Picture(Path(), row["product"], row["title"], row["attributes"]) for row in rows]
    count = sum(not tune or row["part"] != "validation" for row in rows)
    return pictures[:count], pictures[count:], read_canvases(folder / "pictures.bin", rows)
