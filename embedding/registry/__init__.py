"""Which models exist: one TOML file a model, read without importing torch.

An entry never changes meaning. Vectors are stored under the model's name, so a new checkpoint,
a retrained one included, is a new entry with a new name, and the old entry stays as long as
vectors made with it do.

Entries of your own go into folders named by the environment variable `EMBEDDING_REGISTRY`
(several are separated like those of `PATH`), one file a model:

    name = "marqo"
    label = "Marqo FashionSigLIP"
    summary = "Fashion photographs and product texts."
    loader = "checkpoint"
    checkpoint = "checkpoints/marqo"  # a hub name, or a folder: ./ and ../ start at this file
    dimensions = 768
    modalities = ["text", "image"]
    licence = "Apache-2.0"
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

Modality = Literal["text", "image"]
Loader = Literal["fashion", "imagenet", "checkpoint"]

NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
"""What a model may be called; names become parts of SQL identifiers."""

MAX_DIMENSIONS = 4000
"""The widest vector that can be searched: pgvector indexes half-precision ones up to here."""


class RegistryError(ValueError):
    """An entry, or a folder of entries, that cannot be read; the message names file and field."""


class UnknownModel(LookupError):
    """No entry has the name asked for; the message lists those that exist."""


@dataclass(frozen=True)
class ModelSpec:
    """One model, as its registry entry describes it."""

    name: str
    """Its identity; matches `NAME`."""
    label: str
    """What people are shown, e.g. in a menu."""
    summary: str
    """What it is good at, in one sentence."""
    loader: Loader
    """Which module of `embedding.loaders` builds its encoder."""
    checkpoint: str
    """A name on the Hugging Face hub or a local folder; empty where the loader needs none."""
    dimensions: int
    """The length of its vectors."""
    modalities: tuple[Modality, ...]
    """What it encodes, text first."""
    licence: str
    """The licence of its weights."""


def registry_file(name: str) -> Path:
    """The file of the entry `name`.

    Raises:
        UnknownModel, RegistryError: as `get_spec`.
    """
    get_spec(name)
    return next(path for path in _entries() if _parse(path, path.read_bytes()).name == name)


def models() -> dict[str, ModelSpec]:
    """All entries by name: the packaged ones, then those of `EMBEDDING_REGISTRY`'s folders.

    The files are read at every call, so that a changed variable or folder is seen.

    Raises:
        RegistryError: an entry is malformed, a name is taken twice, a folder does not exist.
    """
    found: dict[str, ModelSpec] = {}
    origin: dict[str, Path] = {}
    for path in _entries():
        spec = _parse(path, path.read_bytes())
        spec = replace(spec, checkpoint=_locate(spec.checkpoint, path.parent))
        if spec.name in found:
            raise RegistryError(f"{path}: name {spec.name!r} is taken by {origin[spec.name]}")
        found[spec.name] = spec
        origin[spec.name] = path
    return found


def get_spec(name: str) -> ModelSpec:
    """The entry called `name`.

    Raises:
        UnknownModel: there is none.
        RegistryError: as `models`.
    """
    known = models()
    if name not in known:
        raise UnknownModel(f"no model is called {name!r}; there are: {', '.join(known)}")
    return known[name]


def _entries() -> Iterator[Path]:
    yield from sorted(Path(__file__).parent.glob("*.toml"))
    for folder in filter(None, os.environ.get("EMBEDDING_REGISTRY", "").split(os.pathsep)):
        if not Path(folder).is_dir():
            raise RegistryError(f"EMBEDDING_REGISTRY: {folder} is not a folder")
        yield from sorted(Path(folder).glob("*.toml"))


@lru_cache(maxsize=256)
def _parse(path: Path, content: bytes) -> ModelSpec:
    try:
        entry = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RegistryError(f"{path}: not a TOML file: {error}") from error
    names = {field.name for field in fields(ModelSpec)}
    for field in sorted(names - entry.keys()):
        raise RegistryError(f"{path}: {field} is missing")
    for field in sorted(entry.keys() - names):
        raise RegistryError(f"{path}: {field} is not a field of an entry")
    for field in sorted(names - {"dimensions", "modalities"}):
        if not isinstance(entry[field], str) or not (entry[field] or field == "checkpoint"):
            raise RegistryError(f"{path}: {field} must be a non-empty text, not {entry[field]!r}")
    if not NAME.fullmatch(entry["name"]):
        raise RegistryError(f"{path}: name {entry['name']!r} does not match {NAME.pattern}")
    if entry["loader"] not in get_args(Loader):
        raise RegistryError(
            f"{path}: loader {entry['loader']!r} is none of {', '.join(get_args(Loader))}"
        )
    if entry["loader"] == "checkpoint" and not entry["checkpoint"]:
        raise RegistryError(f"{path}: checkpoint must name a hub model or a folder")
    return ModelSpec(
        **entry
        | {
            "dimensions": _check_dimensions(entry["dimensions"], path),
            "modalities": _order_modalities(entry["modalities"], path),
        }
    )


def _check_dimensions(value: object, path: Path) -> int:
    if type(value) is not int or not 1 <= value <= MAX_DIMENSIONS:
        raise RegistryError(
            f"{path}: dimensions must be a whole number from 1 to {MAX_DIMENSIONS}, not {value!r}"
        )
    return value


def _order_modalities(value: object, path: Path) -> tuple[Modality, ...]:
    known = get_args(Modality)
    if (
        not isinstance(value, list)
        or not value
        or any(modality not in known for modality in value)
        or len(set(value)) < len(value)
    ):
        raise RegistryError(
            f"{path}: modalities must be a list of one or two of {', '.join(known)}, not {value!r}"
        )
    return tuple(sorted(value, key=known.index))


def _locate(checkpoint: str, folder: Path) -> str:
    """A folder relative to the entry's own as an absolute path; anything else unchanged.

    `owner/model` is a folder where there is one, and otherwise a name on the hub.
    """
    path = folder / Path(checkpoint).expanduser()
    if checkpoint and (path.is_dir() or checkpoint.startswith((".", "~", "/"))):
        return str(path.resolve())
    return checkpoint
