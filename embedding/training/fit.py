"""Trains both towers together. This takes minutes on a GPU; a CPU is fast enough only for a trial.

The first phase distils e5 into the small text tower. The second phase trains both towers on
pictures, their captions in eight languages, titles, and groups of similar phrases.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn.functional import normalize

from embedding.loaders.fashion import PREFIX
from embedding.loaders.transformer import LAYERS, TextTower
from embedding.training.batches import Batches, classifiers, picture_losses, weights_of
from embedding.training.bundle import StoredPictures, load_teacher
from embedding.training.corpus import Corpus, PhraseComposer, add_phrase_group
from embedding.training.losses import cosine_loss, relate, supervised_contrastive
from embedding.training.meanings import Meaning, read_meanings
from embedding.training.recipe import Recipe
from embedding.training.run import Clock, Log, Losses, Part, Run, half
from embedding.training.targets import Targets
from embedding.training.tower import fit_palette, image_parts, trainable_tower

KEPT_LAYERS = (0, 2, 4, 7, 9, 11)
"""The layers of e5 that initialise the small text tower."""

MAX_TOKENS = 40
"""Maximum number of tokens of a text in training."""


@dataclass(frozen=True)
class JointRecipe(Recipe):
    """Hyperparameters of both towers."""

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
    bouquets: int = 96
    """Phrase groups in a batch; see `add_phrase_group`."""
    words: int = 384
    """Frequent words in a batch. Their targets are the teacher's vectors."""
    bouquet_pool: int = 24_000
    """Phrase groups generated. Batches sample from them."""
    word_pool: int = 100_000
    """Maximum number of frequent words used."""
    text_rate: float = 1.5e-4
    distil_rate: float = 6e-4
    """Peak learning rates of the text tower, in the second and the first phase."""
    text_dropout: float = 0.1
    same_weight: float = 0.5
    anchor_weight: float = 2.0
    """Weights of the losses among phrases, and of the distance to the teacher."""
    keep_back: bool = False
    """Hold out the foreign words of a third of the concepts, to measure generalisation."""


class Texts:
    """Token ids of many texts, on the device."""

    def __init__(self, tokenizer: Tokenizer, texts: list[str], device: torch.device) -> None:
        found = tokenizer.encode_batch([PREFIX + text for text in texts])
        self.lengths = np.array([min(len(each.ids), MAX_TOKENS) for each in found], np.int64)
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
    longest = max(int(texts.lengths[indices].max(initial=0)) for texts, indices in parts)
    tokens, lengths = [], []
    for texts, indices in parts:
        index = torch.from_numpy(indices).to(texts.tokens.device, non_blocking=True)
        tokens.append(texts.tokens[index, :longest])
        lengths.append(texts.device_lengths[index])
    mask = torch.arange(longest, device=tokens[0].device) < torch.cat(lengths)[:, None]
    return torch.cat(tokens).long(), mask


class Trainer:
    """Trains a text tower and an image tower on a bundle.

    Args:
        folder: the bundle.
        recipe: hyperparameters.
        stored: the pictures to train on.
        device: the device to train on.
    """

    def __init__(
        self, folder: Path, recipe: JointRecipe, stored: StoredPictures, device: torch.device
    ) -> None:
        self.recipe, self.device, self.log = recipe, device, Log()
        self.pictures = stored.trained
        torch.manual_seed(recipe.seed)
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.teacher = load_teacher(folder).to(device)
        self.text = _student(self.teacher, recipe.text_dropout).to(device)
        canvases, corners = (
            torch.from_numpy(each).to(device) for each in (stored.canvases, stored.corners)
        )
        generator = torch.Generator(device).manual_seed(recipe.seed)
        self.image = trainable_tower(recipe, fit_palette(canvases, generator))
        composer = PhraseComposer(read_meanings(), recipe.keep_back, recipe.seed)
        self.targets = Targets(self.pictures, composer, recipe.caption_pool, device)
        self.classify = classifiers(self.targets)
        self._read_texts(folder, composer)
        catalogues = [picture.catalogue for picture in self.pictures]
        self.batches = Batches(recipe, self.targets, catalogues, canvases, corners, recipe.seed)
        self.rng, self.generator = self.batches.rng, self.batches.generator
        both = {"text": self.text, "image": self.image, "classify": self.classify}
        self.run = Run(
            "train",
            nn.ModuleDict(both),
            [
                Part(self.text, recipe.text_rate),
                *image_parts(self.image, recipe, recipe.head_share),
                Part(self.classify, recipe.head_rate),
            ],
            [self.text, self.image.head, self.image.backbone, self.image.garment],
            weights_of(recipe) | {"same": recipe.same_weight, "anchor": recipe.anchor_weight},
            Clock(recipe.steps, max(0.0, recipe.seconds - recipe.distil_seconds)),
            recipe,
            self.log,
        )

    def _read_texts(self, folder: Path, composer: PhraseComposer) -> None:
        recipe, device = self.recipe, self.device
        phrases, canonical = Corpus(), Corpus()
        seen: dict[Meaning, int] = {}
        pairs, canonical_of = [], []
        for _ in range(recipe.bouquet_pool):
            group, indices = add_phrase_group(phrases, composer, canonical, seen)
            pairs.append(group)
            canonical_of.append(indices)
        self.pairs = np.array(pairs)  # (groups, 4, 2)
        self.canonical_of = np.array(canonical_of)  # (groups, 4)
        titles = self.targets.titles
        words = (folder / "words.txt").read_text("utf-8").splitlines()[: recipe.word_pool]

        self.captions = Texts(self.tokenizer, self.targets.captions, device)
        self.phrases = Texts(self.tokenizer, phrases.texts, device)
        self.phrase_meanings = torch.tensor(phrases.meanings, device=device)
        self.titles = Texts(self.tokenizer, titles, device)
        self.words = Texts(self.tokenizer, words, device)
        self.canonical = Texts(self.tokenizer, canonical.texts, device)
        relations = composer.meanings.relations
        self.relations = [torch.from_numpy(table).to(device) for table in relations]

        stored = load_file(folder / "english.safetensors")["titles"].float()
        known_titles = json.loads((folder / "titles.json").read_text("utf-8"))
        row = {title: index for index, title in enumerate(known_titles)}
        self.title_targets = stored[[row[title] for title in titles]].to(device)
        self.word_targets = self._teacher_vectors(self.words)
        self.canonical_targets = self._teacher_vectors(self.canonical)

    def _teacher_vectors(self, texts: Texts, size: int = 4096) -> Tensor:
        """The teacher's unit vectors of all texts, (n, d)."""
        parts = []
        with torch.inference_mode(), half(self.device):
            for start in range(0, len(texts), size):
                indices = np.arange(start, min(start + size, len(texts)))
                parts.append(normalize(self.teacher(*gather([(texts, indices)])).float()))
        return torch.cat(parts).clone()

    def distil(self) -> None:
        """Run the first phase: distil the teacher into the small text tower."""
        recipe = self.recipe
        stores = [
            (self.words, self.word_targets, recipe.distil_batch * 5 // 8),
            (self.canonical, self.canonical_targets, recipe.distil_batch * 2 // 8),
            (self.titles, self.title_targets, recipe.distil_batch // 8),
        ]

        def losses() -> Losses:
            drawn = [(texts, self.rng.integers(0, len(texts), n)) for texts, _, n in stores]
            targets = torch.cat(
                [
                    target[torch.from_numpy(indices).to(self.device)]
                    for (_, target, _), (_, indices) in zip(stores, drawn, strict=True)
                ]
            )
            with half(self.device):
                vectors = self.text(*gather(drawn)).float()
            return {"loss": cosine_loss(vectors, targets)}

        network, parts = nn.ModuleDict({"text": self.text}), [Part(self.text, recipe.distil_rate)]
        clock = Clock(recipe.distil_steps, recipe.distil_seconds if recipe.seconds else 0.0)
        Run("distil", network, parts, [self.text], {}, clock, recipe, self.log).train(losses)

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
        if state is None or not state.is_file():
            self.distil()
        self.run.train(self._losses, state, report and partial(report, self), every)

    def _losses(self) -> Losses:
        recipe, rng, device = self.recipe, self.rng, self.device
        batch = self.batches.draw()
        chosen = rng.integers(0, len(self.pairs), recipe.bouquets)
        phrases = np.concatenate(
            [self.pairs[chosen, :, 0].ravel(), self.pairs[chosen, :, 1].ravel()]
        )
        words = rng.integers(0, len(self.words), recipe.words)
        sizes = [len(batch.captions), len(batch.titles), len(phrases), len(words)]
        tokens, mask = gather(
            [
                (self.captions, batch.captions.cpu().numpy()),
                (self.titles, batch.titles.cpu().numpy()),
                (self.phrases, phrases),
                (self.words, words),
            ]
        )
        masked = _mask_titles(tokens, mask, sizes[0], sizes[1], self.generator)
        with half(device):
            texts = normalize(self.text(masked, mask).float())
            features, logits = self.image.features(batch.views.pixels)
        images = normalize(self.image.head(features.float()))
        parts = texts.split(sizes)
        meant = self.phrase_meanings[torch.from_numpy(phrases).to(device)]
        targets = torch.cat(
            [
                self.title_targets[batch.titles],
                self.canonical_targets[
                    torch.from_numpy(np.tile(self.canonical_of[chosen].ravel(), 2)).to(device)
                ],
                self.word_targets[torch.from_numpy(words).to(device)],
            ]
        )
        return {
            **picture_losses(
                batch,
                self.targets,
                self.classify,
                images,
                logits,
                parts[0],
                parts[1],
                recipe.temperature,
            ),
            "same": supervised_contrastive(
                parts[2], relate(self.relations, meant, meant), recipe.temperature
            ),
            "anchor": cosine_loss(torch.cat(parts[1:]), targets),
        }


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
