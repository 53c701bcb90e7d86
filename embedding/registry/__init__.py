"""The registry of models: one TOML file per model, read without importing torch.

The meaning of an entry never changes. Vectors are stored under the model's name, so a new or
retrained checkpoint gets a new entry with a new name. Keep the old entry as long as its vectors
are stored.

Put your own entries into a folder and set the environment variable `EMBEDDING_REGISTRY` to it
(several folders are separated as in `PATH`; the default is `registry` in `VAR_DIR`).
`manage.py add_model FILE.toml` copies an entry there. One file per model:

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

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

from embedding.config import own_registry, settings
from embedding.errors import UserFacingError

Modality = Literal["text", "image"]
Loader = Literal["fashion", "multilingual", "imagenet", "checkpoint"]

NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
"""Pattern of model names, which become parts of SQL identifiers."""

TAKEN = frozenset({"product"})
"""What a model may not be called: the catalogue itself has a table `product_image`."""

MAX_DIMENSIONS = 4000
"""pgvector's limit for indexes on half-precision vectors."""


class RegistryError(UserFacingError, ValueError):
    """A malformed entry or a missing folder; the message names the file and the field."""


class UnknownModel(UserFacingError, LookupError):
    """There is no entry with this name; the message lists the existing names."""


@dataclass(frozen=True)
class ModelSpec:
    """The registry entry of a model."""

    name: str
    """Unique name; matches `NAME`."""
    label: str
    """Name for users, e.g. in a menu."""
    summary: str
    """What the model is good at, in one sentence."""
    loader: Loader
    """The module of `embedding.loaders` that creates its encoder."""
    checkpoint: str
    """A name on the Hugging Face hub or a local folder; empty if the loader needs none."""
    dimensions: int
    """The length of its vectors."""
    modalities: tuple[Modality, ...]
    """The modalities that it encodes, text first."""
    licence: str
    """The licence of its weights."""


def registry_file(name: str) -> Path:
    """The TOML file of the entry `name`.

    Raises:
        UnknownModel, RegistryError: see `get_spec`.
    """
    get_spec(name)
    return next(path for path in _entries() if _parse(path, path.read_bytes()).name == name)


def models() -> dict[str, ModelSpec]:
    """All entries by name: first the packaged ones, then those in your own folders.

    The files are read at every call, so changes of the variable or the folders take effect.

    Raises:
        RegistryError: an entry is malformed, two have the same name, or a folder does not exist.
    """
    found: dict[str, ModelSpec] = {}
    origin: dict[str, Path] = {}
    for path in _entries():
        spec = read_entry(path)
        if spec.name in found:
            raise RegistryError(
                f"{path}: name {spec.name!r} is already used by {origin[spec.name]}"
            )
        found[spec.name] = spec
        origin[spec.name] = path
    return found


def get_spec(name: str) -> ModelSpec:
    """The entry called `name`.

    Raises:
        UnknownModel: there is no such entry.
        RegistryError: see `models`.
    """
    known = models()
    if name not in known:
        raise UnknownModel(f"no model is called {name!r}; models: {', '.join(known)}")
    return known[name]


def read_entry(path: Path) -> ModelSpec:
    """The entry in a file, wherever the file is.

    Raises:
        RegistryError: it is malformed.
        OSError: the file cannot be read.
    """
    spec = _parse(path, path.read_bytes())
    return replace(spec, checkpoint=_locate(spec.checkpoint, path.parent))


def install_entry(path: Path) -> tuple[ModelSpec, Path]:
    """Copy an entry into the first of your own folders, unless its file is in one of them.

    Returns the entry and its file. A checkpoint's folder is written down as an absolute path.

    Raises:
        RegistryError: it is malformed, or another entry has its name.
        OSError: a file cannot be read or written.
    """
    spec = read_entry(path)
    if path.resolve() in {entry.resolve() for entry in _entries()}:
        return spec, path
    if (there := models().get(spec.name)) is not None:
        if there == spec:
            return spec, registry_file(spec.name)
        taken_by = registry_file(spec.name)
        raise RegistryError(f"{path}: name {spec.name!r} is already used by {taken_by}")
    folder = next(iter(settings().embedding_registry), own_registry())
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{spec.name}.toml"
    lines = [
        f"{field.name} = {json.dumps(getattr(spec, field.name), ensure_ascii=False)}\n"
        for field in fields(spec)
    ]
    target.write_text("".join(lines), "utf-8")
    return spec, target


def _entries() -> Iterator[Path]:
    yield from sorted(Path(__file__).parent.glob("*.toml"))
    folders = settings().embedding_registry
    if not folders:
        yield from sorted(own_registry().glob("*.toml"))
    for folder in folders:
        if not folder.is_dir():
            raise RegistryError(f"EMBEDDING_REGISTRY: {folder} is not a folder")
        yield from sorted(folder.glob("*.toml"))


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
        raise RegistryError(f"{path}: unknown field {field}")
    for field in sorted(names - {"dimensions", "modalities"}):
        if not isinstance(entry[field], str) or not (entry[field] or field == "checkpoint"):
            raise RegistryError(f"{path}: {field} must be a non-empty text, not {entry[field]!r}")
    if not NAME.fullmatch(entry["name"]):
        raise RegistryError(
            f"{path}: name {entry['name']!r} must be a lower-case letter and up to 30 lower-case"
            f" letters, digits and underscores"
        )
    if entry["name"] in TAKEN:
        raise RegistryError(f"{path}: name {entry['name']!r} is used by the catalogue's own tables")
    if entry["loader"] not in get_args(Loader):
        raise RegistryError(
            f"{path}: loader {entry['loader']!r} must be one of {', '.join(get_args(Loader))}"
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
    """The absolute path of a checkpoint folder, given relative to `folder`; a hub name unchanged.

    `owner/model` means a folder if it exists, otherwise a name on the hub.
    """
    path = folder / Path(checkpoint).expanduser()
    if checkpoint and (path.is_dir() or checkpoint.startswith((".", "~", "/"))):
        return str(path.resolve())
    return checkpoint
