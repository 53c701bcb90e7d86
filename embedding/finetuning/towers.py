"""The towers of a model with gradients, and how they are saved for the loader of the model."""

from __future__ import annotations

import shutil
from copy import deepcopy
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from embedding.checkpoints import find_folder, refuse_pickles
from embedding.encoder import EncoderError
from embedding.finetuning.errors import FineTuningError
from embedding.loaders.backbone import PREPARATION, to_device
from embedding.preprocessing import Preparation
from embedding.registry import Loader, Modality, ModelSpec

TEMPERATURE = 0.05
"""Temperature of the contrastive loss for models that have none of their own."""

WORDS = "words.weight"
"""The word embeddings of the text tower of `fashion`."""

MIN_TEMPERATURE, MAX_TEMPERATURE = 0.01, 0.1


class Towers:
    """A model that can be trained. Subclasses exist for each kind of checkpoint.

    Dropout and the statistics of normalisation layers stay as in evaluation.
    """

    network: nn.Module
    """All weights."""
    preparation: Preparation
    modalities: tuple[Modality, ...]
    temperature = TEMPERATURE

    def embed_texts(self, texts: list[str]) -> Tensor:
        """Vectors of n texts with gradients, (n, d), not normalised."""
        raise NotImplementedError

    def embed_pixels(self, pixels: Tensor) -> Tensor:
        """Vectors of pixels from 0 to 255, (n, h, w, 3), with gradients, (n, d), not normalised."""
        raise NotImplementedError

    def features(self, pixels: Tensor) -> Tensor | None:
        """What `finish` maps to vectors, (n, ...): the output of the layers before `last_layers`,
        with the base's weights and in the precision of the encoder. None if this kind of model
        has none; then all layers are computed in each epoch."""
        return None

    def finish(self, features: Tensor) -> Tensor:
        """Vectors of `features` with gradients, (n, d), not normalised."""
        raise NotImplementedError

    def last_layers(self) -> list[nn.Module]:
        """The layers that are trained where there is too little time for all."""
        raise NotImplementedError

    def save(self, folder: Path) -> None:
        """Write the files that the loader reads."""
        raise NotImplementedError


class FashionTowers(Towers):
    """The model `fashion`, and what was fine-tuned from it."""

    preparation = PREPARATION

    def __init__(self, spec: ModelSpec, device: torch.device) -> None:
        from embedding.loaders.fashion import load_text_tower, load_tokenizer, weights_folder
        from embedding.loaders.fashion_tower import load_tower

        self._folder, self._device = weights_folder(spec), device
        self._tokenizer = load_tokenizer(self._folder / "tokenizer.json")
        self._text = load_text_tower(self._folder / "text.safetensors")
        self._image = load_tower(self._folder / "model.safetensors")
        self.network = nn.ModuleDict({"text": self._text, "image": self._image}).to(device)
        self._image.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._frozen = to_device(deepcopy(self._image), device)

    def embed_texts(self, texts: list[str]) -> Tensor:
        from embedding.loaders.fashion import MAX_CHARACTERS, PREFIX
        from embedding.loaders.transformer import pad

        found = self._tokenizer.encode_batch_fast([PREFIX + it[:MAX_CHARACTERS] for it in texts])
        vectors: Tensor = self._text(*pad([each.ids for each in found], self._device))
        return vectors

    def embed_pixels(self, pixels: Tensor) -> Tensor:
        vectors: Tensor = self._image(pixels)
        return vectors

    def features(self, pixels: Tensor) -> Tensor | None:
        features, _ = self._frozen.features(pixels)
        return features

    def finish(self, features: Tensor) -> Tensor:
        vectors: Tensor = self._image.head(features)
        return vectors

    def last_layers(self) -> list[nn.Module]:
        return [self._text.out, self._text.layers[-1], self._image.head]

    def save(self, folder: Path) -> None:
        from embedding.loaders.fashion_tower import save_tower
        from embedding.loaders.packing import pack

        save_tower(self._image, folder / "model.safetensors", {})
        packed = pack(self._text.state_dict())
        del packed[WORDS]  # not trained: kept as they are, in 4 bits
        stored = load_file(self._folder / "text.safetensors")
        packed |= {name: it for name, it in stored.items() if name.startswith(WORDS)}
        save_file(packed, folder / "text.safetensors")
        shutil.copyfile(self._folder / "tokenizer.json", folder / "tokenizer.json")


class ImageNetTowers(Towers):
    """The model `imagenet`, of pictures only."""

    preparation = PREPARATION

    def __init__(self, spec: ModelSpec, device: torch.device) -> None:
        from embedding.loaders.imagenet import load_backbone

        self._backbone = load_backbone(spec)
        self.network = self._backbone.to(device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._frozen = to_device(deepcopy(self._backbone), device)

    def embed_pixels(self, pixels: Tensor) -> Tensor:
        vectors: Tensor = self._backbone(pixels)
        return vectors

    def features(self, pixels: Tensor) -> Tensor | None:
        before_last = len(self._frozen.stages) - 1  # the stem gives the first maps
        return next(islice(self._frozen.maps(pixels), before_last, None)).float()

    def finish(self, features: Tensor) -> Tensor:
        maps: Tensor = self._backbone.last_maps(self._backbone.stages[-1](features))
        return maps.mean((2, 3))

    def last_layers(self) -> list[nn.Module]:
        return [self._backbone.last, self._backbone.stages[-1]]

    def save(self, folder: Path) -> None:
        from embedding.loaders.imagenet import WEIGHTS_FILE

        weights = {name: it.contiguous() for name, it in self._backbone.state_dict().items()}
        save_file(weights, folder / WEIGHTS_FILE)


class _CheckpointTowers(Towers):
    """Base class of those with a checkpoint of the hub, through the encoder of its loader."""

    def __init__(self, spec: ModelSpec, device: torch.device) -> None:
        folder = find_folder(spec)
        if folder is None:
            raise FineTuningError(
                f"{spec.checkpoint} is not downloaded: ./manage.py add_model {spec.name}"
            )
        refuse_pickles(spec, folder)
        self._folder, self._device = folder, device
        self._encoder = self._open(spec, str(device), folder)
        self.network = self._encoder._model
        if "image" in spec.modalities and self._encoder.preparation is None:
            raise FineTuningError(
                f"{spec.name} cannot be fine-tuned: its pictures are prepared by code of its own"
            )
        self.preparation = self._encoder.preparation
        scale = next(
            (it for name, it in self.network.named_parameters() if name.endswith("logit_scale")),
            None,
        )
        if scale is not None:
            own = float(torch.exp(-scale.detach().float()))
            self.temperature = min(max(own, MIN_TEMPERATURE), MAX_TEMPERATURE)

    def _open(self, spec: ModelSpec, device: str, folder: Path) -> Any:
        raise NotImplementedError

    def embed_texts(self, texts: list[str]) -> Tensor:
        vectors: Tensor = self._encoder._embed_texts(texts)
        return vectors

    def embed_pixels(self, pixels: Tensor) -> Tensor:
        vectors: Tensor = self._encoder._embed_pixels(pixels)
        return vectors

    def _named(self, *endings: str) -> list[nn.Module]:
        return [it for name, it in self.network.named_modules() if name.endswith(endings)]

    def _last_of_lists(self) -> list[nn.Module]:
        """The last layer of each stack of layers."""
        return [
            it[-1]
            for name, it in self.network.named_modules()
            if isinstance(it, nn.ModuleList) and name.endswith(("layers", "layer")) and len(it)
        ]


class SentenceTransformerTowers(_CheckpointTowers):
    """CLIP and other checkpoints that sentence-transformers reads."""

    def _open(self, spec: ModelSpec, device: str, folder: Path) -> Any:
        from embedding.loaders.checkpoint import CheckpointEncoder

        return CheckpointEncoder(spec, device, folder, single=True)

    def embed_texts(self, texts: list[str]) -> Tensor:
        model = self._encoder._model
        inputs: list[Any] = list(texts)
        if model.modalities != ["text"]:
            inputs = [{"text": text} for text in texts]
        features = {
            name: it.to(self._device) if isinstance(it, Tensor) else it
            for name, it in model.preprocess(inputs).items()
        }
        vectors: Tensor = model(features)["sentence_embedding"]
        return vectors

    def last_layers(self) -> list[nn.Module]:
        return [
            *self._named("projection", "pooler", "post_layernorm", "final_layer_norm"),
            *self._last_of_lists(),
        ]

    def save(self, folder: Path) -> None:
        self._encoder._model.save_pretrained(str(folder), create_model_card=False)


class SiglipTowers(_CheckpointTowers):
    """SigLIP and SigLIP 2. What OpenCLIP wrote is saved in the layout of transformers."""

    def _open(self, spec: ModelSpec, device: str, folder: Path) -> Any:
        from embedding.loaders.siglip import SiglipEncoder

        return SiglipEncoder(spec, device, folder, single=True)

    def last_layers(self) -> list[nn.Module]:
        return [
            *self._named("_model.head", "post_layernorm", "final_layer_norm"),
            *self._last_of_lists(),
        ]

    def save(self, folder: Path) -> None:
        self._encoder.save(self._folder, folder)


class ResNetTowers(_CheckpointTowers):
    """ResNet, of pictures only."""

    def _open(self, spec: ModelSpec, device: str, folder: Path) -> Any:
        from embedding.loaders.resnet import ResNetEncoder

        return ResNetEncoder(spec, device, folder, single=True)

    def features(self, pixels: Tensor) -> Tensor | None:
        maps: Tensor = self.network.get_submodule("embedder")(self._encoder._normalise(pixels))
        for stage in list(self._stages())[:-1]:
            maps = stage(maps)
        return maps

    def finish(self, features: Tensor) -> Tensor:
        maps: Tensor = self._stages()[-1](features)
        return maps.mean((2, 3))

    def last_layers(self) -> list[nn.Module]:
        return [self._stages()[-1]]

    def _stages(self) -> nn.ModuleList:
        stages = self.network.get_submodule("encoder.stages")
        assert isinstance(stages, nn.ModuleList)
        return stages

    def save(self, folder: Path) -> None:
        self.network.save_pretrained(folder)  # type: ignore[operator]
        name = "preprocessor_config.json"
        shutil.copyfile(self._folder / name, folder / name)


KINDS: dict[Loader, type[Towers]] = {
    "fashion": FashionTowers,
    "imagenet": ImageNetTowers,
    "checkpoint": SentenceTransformerTowers,
    "siglip": SiglipTowers,
    "resnet": ResNetTowers,
}


def open_towers(spec: ModelSpec, device: torch.device) -> Towers:
    """The towers of a model, on `device` in single precision and without gradients.

    Raises:
        FineTuningError: models like this one cannot be fine-tuned.
        EncoderError: its weights cannot be loaded.
    """
    if spec.loader == "reduced":
        raise FineTuningError(
            f"{spec.name} is {spec.checkpoint} with smaller vectors: fine-tune {spec.checkpoint},"
            " then make its vectors smaller with add_model --dims"
        )
    if spec.pictures:
        raise FineTuningError(
            f"{spec.name} uses the pictures of {spec.pictures}: fine-tune that model"
        )
    if "image" not in spec.modalities:
        raise FineTuningError(f"{spec.name} reads no pictures, so it cannot be fine-tuned on them")
    try:
        towers: Towers = KINDS[spec.loader](spec.unreduced, device)  # type: ignore[call-arg]
    except (EncoderError, FineTuningError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        raise EncoderError(
            f"model {spec.name!r}: {spec.checkpoint} cannot be loaded: {error}"
        ) from error
    towers.modalities = spec.modalities
    towers.network.eval().requires_grad_(False)
    return towers


def trained_parameters(towers: Towers, freeze: bool) -> dict[str, nn.Parameter]:
    """The parameters to train, by name, with gradients enabled.

    Args:
        towers: the model.
        freeze: train only the last layers.
    """
    chosen: set[int] = set()
    if freeze:
        for part in towers.last_layers():
            chosen |= {id(it) for it in part.parameters()}
    found = {
        name: it
        for name, it in towers.network.named_parameters()
        if _is_trained(name) and (not freeze or id(it) in chosen)
    }
    for parameter in found.values():
        parameter.requires_grad_(True)
    return found


def _is_trained(name: str) -> bool:
    """Embeddings of words stay as they are: a shop's titles contain few of them."""
    return not name.endswith(
        ("logit_scale", "logit_bias", "text.words.weight", "token_embedding.weight")
    )
