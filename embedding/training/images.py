"""Trains the image tower to a text tower that stays as it is, so each text is encoded once.

Teachers are trained alone, with different seeds. A student then starts as the first of them, and
learns from the mean of their vectors of the same views, besides what they learned from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn.functional import normalize

from embedding.loaders.fashion_tower import ImageTower, load_tower, save_tower
from embedding.loaders.transformer import TextTower
from embedding.training.batches import Batch, Batches, classifiers, picture_losses, weights_of
from embedding.training.bundle import StoredPictures, encode
from embedding.training.corpus import PhraseComposer
from embedding.training.grounds import uniform
from embedding.training.losses import AttributeClassifiers, cosine_loss, similarity_loss
from embedding.training.meanings import read_meanings
from embedding.training.recipe import Recipe
from embedding.training.run import Clock, Log, Losses, Part, Run, half
from embedding.training.store import STATE
from embedding.training.targets import Targets
from embedding.training.tower import fit_palette, image_parts, trainable_tower

Report = Callable[[str, ImageTower], None]
"""Called with the name of a run and its tower, which has the averaged weights."""


@dataclass(frozen=True)
class ImageRecipe(Recipe):
    """Hyperparameters of the image tower."""

    teachers: int = 2
    steps: int = 1100
    """Steps of each teacher."""
    student_steps: int = 900
    student_rate: float = 0.7
    """Factor of the student's learning rates."""
    student_weight: float = 0.4
    """Factor of the student's losses other than those of the teachers."""
    distil_weight: float = 4.0
    similarity_weight: float = 1.0
    """Weights of the losses of the teachers' vectors and of their similarities to captions."""
    mixed_share: float = 0.25
    """Mixtures of two pictures for the student, as a share of the pictures in a batch."""
    extra_captions: int = 3072
    """Captions of any pictures, besides those of the batch."""
    shares: Mapping[str, float] = field(
        default_factory=lambda: {"ecommerce": 0.55, "clothing": 0.36, "demo": 0.09}
    )
    fabric_pieces: int = 1400
    fabric_views: int = 2000
    fabric_empty: int = 896
    fabric_steps: int = 900
    """Of `learn_fabrics`: pieces, views of garments on white, views without one, and steps."""
    warm_share: float = 0.05
    clip: float = 4.0


class ImageTrainer:
    """Trains an image tower.

    Args:
        recipe: hyperparameters.
        stored: pictures to train on.
        text: the text tower, on the device to train on.
        tokenizer: its tokenizer.
    """

    def __init__(
        self, recipe: ImageRecipe, stored: StoredPictures, text: TextTower, tokenizer: Tokenizer
    ) -> None:
        self.recipe, self.log = recipe, Log()
        self.device = text.out.weight.device
        self.catalogues = [picture.catalogue for picture in stored.trained]
        self.canvases = torch.from_numpy(stored.canvases).to(self.device)
        self.corners = torch.from_numpy(stored.corners).to(self.device)
        composer = PhraseComposer(read_meanings(), False, recipe.seed)
        self.targets = Targets(stored.trained, composer, recipe.caption_pool, self.device)
        self.captions, self.titles = (
            normalize(
                encode(text, tokenizer, texts, 1024 if self.device.type == "cuda" else 64)
            ).to(self.device)
            for texts in (self.targets.captions, self.targets.titles)
        )
        generator = torch.Generator(self.device).manual_seed(recipe.seed)
        self.palette = fit_palette(self.canvases, generator)

    def train(self, folder: Path, report: Report, every: float = 1.0) -> ImageTower:
        """Train the teachers and the student.

        Args:
            folder: for the files of an unfinished run, from which it resumes: the finished
                teachers, and the state of the run in progress.
            report: called at intervals, and after each run.
            every: interval of the reports, as a share of each run.

        Returns:
            The student, in evaluation mode.
        """
        folder.mkdir(parents=True, exist_ok=True)
        teachers = []
        for number in range(1, self.recipe.teachers + 1):
            file = folder / _teacher_file(number)
            if not file.is_file():
                tower = self._run(f"teacher {number}", number, (), folder / STATE, report, every)
                unfinished = file.with_suffix(".new")
                save_tower(tower, unfinished, {})
                unfinished.replace(file)
            teacher = load_tower(file)
            teacher.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
            teachers.append(teacher)
        return self._run("student", 0, teachers, folder / STATE, report, every)

    def forget(self, folder: Path) -> None:
        """Delete the files of a run, which is finished."""
        for number in range(1, self.recipe.teachers + 1):
            (folder / _teacher_file(number)).unlink(missing_ok=True)
        (folder / STATE).unlink(missing_ok=True)

    def _run(
        self,
        phase: str,
        number: int,
        teachers: Sequence[ImageTower],
        state: Path,
        report: Report,
        every: float,
    ) -> ImageTower:
        recipe, seed = self.recipe, self.recipe.seed + number
        torch.manual_seed(seed)
        tower = trainable_tower(recipe, self.palette)
        classify = classifiers(self.targets)
        weights, head_share, factor = weights_of(recipe), recipe.head_share, 1.0
        steps = recipe.student_steps if number == 0 else recipe.steps
        if teachers:
            tower.load_state_dict(teachers[0].state_dict())
            head_share, factor = 0.0, recipe.student_rate
            weights = {name: weight * recipe.student_weight for name, weight in weights.items()}
            weights |= {"distil": recipe.distil_weight, "similarity": recipe.similarity_weight}
        network = nn.ModuleDict({"image": tower, "classify": classify})
        parts = image_parts(tower, recipe, head_share, factor)
        parts.append(Part(classify, recipe.head_rate * factor))
        run = Run(phase, network, parts, [tower], weights, Clock(steps), recipe, self.log)
        batches = Batches(recipe, self.targets, self.catalogues, self.canvases, self.corners, seed)

        def averaged() -> ImageTower:
            return run.average.load_into(ImageTower().to(self.device), "image").eval()

        run.train(
            lambda: self._losses(tower, classify, batches, teachers),
            state,
            lambda: report(phase, averaged()),
            every,
        )
        found = averaged()
        report(phase, found)
        return found

    def _losses(
        self,
        tower: ImageTower,
        classify: AttributeClassifiers,
        batches: Batches,
        teachers: Sequence[ImageTower],
    ) -> Losses:
        recipe = self.recipe
        batch = batches.draw(recipe.extra_captions)
        pixels = batch.views.pixels
        count = len(pixels)
        if teachers:
            pixels = torch.cat([pixels, self._mixtures(batch, batches.generator)])
        with half(self.device):
            features, logits = tower.features(pixels)
        vectors = normalize(tower.head(features.float()))
        captions = self.captions[batch.captions]
        losses = picture_losses(
            batch,
            self.targets,
            classify,
            vectors[:count],
            logits[:count],
            captions,
            self.titles[batch.titles],
            recipe.temperature,
        )
        if teachers:
            with torch.no_grad(), half(self.device):
                each = [normalize(teacher(pixels).float()) for teacher in teachers]
            wanted = normalize(torch.stack(each).sum(0))
            losses["distil"] = cosine_loss(vectors, wanted)
            losses["similarity"] = similarity_loss(vectors, wanted, captions, recipe.temperature)
        return losses

    def _mixtures(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """Mixtures of the first views of pictures with the last ones, (m, side, side, 3)."""
        count = len(batch.pictures)
        mixed = round(count * self.recipe.mixed_share)
        pixels = batch.views.pixels[:count]
        share = 0.3 + 0.4 * uniform(generator)(mixed, 1, 1, 1)
        return torch.lerp(pixels[count - mixed :], pixels[:mixed], share)


def _teacher_file(number: int) -> str:
    return f"teacher{number}.safetensors"
