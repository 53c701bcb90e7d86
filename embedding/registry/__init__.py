"""The registry of models: one TOML file per model, read without importing torch.

The meaning of an entry never changes. Vectors are stored under the model's name, so a new or
retrained checkpoint gets a new entry with a new name. Keep the old entry as long as its vectors
are stored. If the files of an entry change anyway, its vectors are stale
(`catalog.indexing.versions`).

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

Optional fields, with their defaults:

    revision = ""         # of a hub name: the commit to download; without it the newest one
    pictures = ""         # a model whose picture embeddings it uses, so that they are stored once
    full_dimensions = 0   # the length of the checkpoint's vectors, if they are reduced for storage
    matryoshka = false    # reduce by truncating: the first dimensions are the most important ones
    binary = false        # search an index of the signs first, see `docs/models.md`

With the loaders `fashion` and `imagenet`, `checkpoint` is a folder of fine-tuned weights
(`manage.py finetune_model` writes such entries), or empty for those that come with the project.

With the loader `reduced`, `checkpoint` is the name of the model whose vectors are reduced
(`add_model NAME --dims N` writes such entries). Names consist of lower-case letters, digits and
underscores, because the names of tables and SQL functions derive from them. Where a name is typed
(in commands, settings and addresses), a hyphen counts as an underscore.
"""

from __future__ import annotations

import json
import logging
import os
import re
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

from embedding.atomic_write import write_atomically
from embedding.config import own_registry, settings
from embedding.errors import UserFacingError

Modality = Literal["text", "image"]
Loader = Literal["fashion", "imagenet", "checkpoint", "resnet", "siglip", "reduced"]

HUB_LOADERS: frozenset[Loader] = frozenset({"checkpoint", "resnet", "siglip"})
"""Loaders whose `checkpoint` is a name on the Hugging Face hub, or a folder."""

NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
"""Pattern of model names, which become parts of SQL identifiers."""

TAKEN = frozenset({"product"})
"""What a model may not be called: the catalogue itself has a table `product_image`."""

PACKAGED = Path(__file__).parent
"""The folder of the packaged entries."""

MAX_DIMENSIONS = 4000
"""pgvector's limit for indexes on half-precision vectors."""

MAX_FULL_DIMENSIONS = 16_000

REVISION = re.compile(r"[0-9a-f]{40}|")
"""Pattern of a commit on the hub, or empty."""


logger = logging.getLogger(__name__)


UNPRINTABLE = frozenset({"Cc", "Zl", "Zp"})
"""Unicode categories that texts may not contain: control characters and line separators."""


class RegistryError(UserFacingError, ValueError):
    """A malformed entry; the message names the file and the field."""


class MissingFolder(RegistryError):
    """A folder of `EMBEDDING_REGISTRY` does not exist."""


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
    """The length of its stored vectors."""
    modalities: tuple[Modality, ...]
    """The modalities that it encodes, text first."""
    licence: str
    """The licence of its weights."""
    revision: str = ""
    """The commit of a hub name; empty for the newest one."""
    pictures: str = ""
    """The name of a model whose picture embeddings it uses; empty if it has its own."""
    full_dimensions: int = 0
    """The length of its vectors before they are reduced to `dimensions`; 0 if they are not."""
    matryoshka: bool = False
    """Whether its vectors are reduced by truncating, not by a principal component analysis."""
    binary: bool = False
    """Whether an index of the signs of its vectors finds the candidates."""

    def owner(self, modality: Modality) -> str:
        """The name of the model that the embeddings of `modality` belong to."""
        return self.pictures or self.name if modality == "image" else self.name

    @property
    def own_modalities(self) -> tuple[Modality, ...]:
        """The modalities that it embeds itself."""
        return tuple(it for it in self.modalities if self.owner(it) == self.name)

    @property
    def unreduced(self) -> ModelSpec:
        """The same model without its reduction."""
        full = self.full_dimensions or self.dimensions
        return replace(self, dimensions=full, full_dimensions=0, matryoshka=False, binary=False)


def canonical_name(typed: str) -> str:
    """The name of a model as it was typed, with underscores for hyphens."""
    return typed.replace("-", "_")


def smaller(spec: ModelSpec, dimensions: int, *, binary: bool = False) -> ModelSpec:
    """The entry of a model with the vectors of `spec`, reduced to `dimensions`.

    Args:
        spec: the entry of any model.
        dimensions: at most the length of its vectors before any reduction.
        binary: whether an index of signs finds the candidates.

    Raises:
        RegistryError: `spec` has fewer dimensions, or the new name would be too long.
    """
    full = spec.full_dimensions or spec.dimensions
    if dimensions > full or (dimensions == full and not binary):
        raise RegistryError(f"{spec.name} has {full} dimensions: reduce it to fewer")
    name, label = spec.name.removesuffix("_binary"), spec.label
    if dimensions != spec.dimensions:
        base = spec.checkpoint if spec.loader == "reduced" else name
        name, label = f"{base}_{dimensions}", f"{label}, {dimensions}"
    changed = replace(
        spec,
        name=f"{name}_binary" if binary else name,
        label=f"{label}, binary index" if binary else label,
        dimensions=dimensions,
        full_dimensions=full,
        binary=binary,
    )
    if not NAME.fullmatch(changed.name):
        raise RegistryError(f"the name {changed.name} of the smaller model is too long")
    if spec.full_dimensions:
        return changed
    return replace(changed, loader="reduced", checkpoint=spec.name, revision="", pictures="")


def models() -> dict[str, ModelSpec]:
    """All readable entries by name: first the packaged ones, then those in your own folders.

    Your own files are read at every call, so changes of the variable or the folders take effect.
    Each problem is logged once, so that one malformed entry does not stop the searches with others.
    """
    found, problems = _read_all()
    for problem in problems:
        _warn_once(str(problem))
    return {name: spec for name, (spec, _) in found.items()}


def registry_problems() -> list[RegistryError]:
    """Malformed and unreadable entries, repeated names, and missing folders."""
    return _read_all()[1]


def get_spec(name: str) -> ModelSpec:
    """The entry called `name`, in which hyphens count as underscores.

    Raises:
        UnknownModel: there is no such entry.
        RegistryError: there is none, but an entry cannot be read, and it could be this one.
    """
    return _find(name)[0]


def registry_file(name: str) -> Path:
    """The TOML file of the entry `name`.

    Raises:
        UnknownModel, RegistryError: see `get_spec`.
    """
    return _find(name)[1]


def read_entry(path: Path) -> ModelSpec:
    """The entry in a file, wherever the file is.

    Raises:
        RegistryError: it is malformed.
        OSError: the file cannot be read.
    """
    spec = _parse(path, path.read_bytes())
    if spec.loader == "reduced":
        return spec
    return replace(spec, checkpoint=_locate(spec.checkpoint, path))


def require_checkpoint(spec: ModelSpec) -> None:
    """Check that a checkpoint in a local folder exists.

    Raises:
        RegistryError: it does not.
    """
    if os.path.isabs(spec.checkpoint) and not os.path.isdir(spec.checkpoint):
        raise RegistryError(f"model {spec.name!r}: checkpoint {spec.checkpoint} is not a folder")


def install_entry(path: Path) -> tuple[Path, bool]:
    """Copy an entry into the first of your own folders, unless the registry has the same entry.

    Returns the entry's file in the registry, and whether it was written. A checkpoint's folder is
    written as an absolute path.

    Raises:
        RegistryError: it or another entry is malformed, or another entry has its name or file.
        OSError: a file cannot be read or written.
    """
    return install_spec(read_entry(path), str(path))


def install_spec(spec: ModelSpec, source: str) -> tuple[Path, bool]:
    """Like `install_entry`, for an entry that is not in a file; `source` says where it is from."""
    found, problems = _read_all()
    if problems:
        raise problems[0]
    if spec.name in found:
        existing, taken_by = found[spec.name]
        if existing == spec:
            return taken_by, False
        fix = "choose another name"
        if taken_by.parent != PACKAGED:
            fix = f"edit or delete that file, or {fix}"
        raise RegistryError(f"{source}: name {spec.name!r} is already used by {taken_by}: {fix}")
    folder = next(iter(settings().embedding_registry), own_registry())
    target = folder / f"{spec.name}.toml"
    if target.exists():
        other = read_entry(target).name
        raise RegistryError(f"{target} contains the entry of {other}: rename that file")
    write_entry(spec, target)
    return target, True


def write_entry(spec: ModelSpec, target: Path) -> None:
    """Write an entry to a file.

    Raises:
        RegistryError: it would be malformed.
        OSError: the file cannot be written.
    """
    content = "".join(
        f"{field.name} = {json.dumps(value, ensure_ascii=False)}\n"
        for field in fields(spec)
        if (value := getattr(spec, field.name)) != field.default
    ).encode()
    if _parse(target, content) != spec:
        raise RegistryError(f"{target}: the entry of {spec.name} cannot be written as TOML")
    write_atomically(target, content)


def _find(name: str) -> tuple[ModelSpec, Path]:
    found, problems = _read_all()
    if (known := canonical_name(name)) in found:
        return found[known]
    if problems:
        raise problems[0]
    raise UnknownModel(f"no model is called {name!r}; models: {', '.join(found)}")


def _read_all() -> tuple[dict[str, tuple[ModelSpec, Path]], list[RegistryError]]:
    """The readable entries with their files by name, and the problems."""
    found: dict[str, tuple[ModelSpec, Path]] = {}
    problems: list[RegistryError] = []
    for folder in _folders():
        if folder in settings().embedding_registry and not os.path.isdir(folder):
            problems.append(MissingFolder(f"EMBEDDING_REGISTRY: {folder} is not a folder"))
        for path, spec in _packaged(folder) if folder == PACKAGED else _read_folder(folder):
            if isinstance(spec, RegistryError):
                problems.append(spec)
            elif spec.name in found:
                taken_by = found[spec.name][1]
                text = f"{path}: name {spec.name!r} is already used by {taken_by}"
                problems.append(RegistryError(text))
            else:
                found[spec.name] = spec, path
    return found, problems


@lru_cache(maxsize=4)
def _packaged(folder: Path) -> tuple[tuple[Path, ModelSpec | RegistryError], ...]:
    """The packaged entries, which do not change while a process runs: every search reads them."""
    return tuple(_read_folder(folder))


def _read_folder(folder: Path) -> Iterator[tuple[Path, ModelSpec | RegistryError]]:
    """The files of a folder with their entries or problems."""
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".toml"))
    except OSError:  # the folder need not exist
        return
    for path in map(folder.joinpath, names):
        try:
            yield path, read_entry(path)
        except FileNotFoundError:  # deleted since it was listed
            continue
        except RegistryError as error:
            yield path, error
        except OSError as error:
            yield path, RegistryError(f"{path}: {error.strerror}")


def _folders() -> Iterator[Path]:
    yield PACKAGED
    yield from settings().embedding_registry or (own_registry(),)


@lru_cache(maxsize=256)
def _warn_once(problem: str) -> None:
    logger.warning("the registry of models: %s", problem)


@lru_cache(maxsize=256)
def _parse(path: Path, content: bytes) -> ModelSpec:
    try:
        entry = tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:  # also of huge numbers and deep nesting
        raise RegistryError(f"{path}: not a TOML file: {error}") from error
    defaults = {field.name: field.default for field in fields(ModelSpec)}
    for field in sorted(it for it, default in defaults.items() if default is MISSING):
        if field not in entry:
            raise RegistryError(f"{path}: {field} is missing")
    for field in sorted(entry.keys() - defaults.keys()):
        raise RegistryError(f"{path}: unknown field {field}")
    for field in sorted(entry.keys() - {"dimensions", "modalities", *OTHERS}):
        _check_text(entry[field], field, path)
    for field in FLAGS & entry.keys():
        if not isinstance(entry[field], bool):
            raise RegistryError(f"{path}: {field} must be true or false")
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
    if entry["loader"] in HUB_LOADERS and not entry["checkpoint"]:
        raise RegistryError(f"{path}: checkpoint must name a hub model or a folder")
    if entry["loader"] == "reduced" and not NAME.fullmatch(entry["checkpoint"]):
        raise RegistryError(f"{path}: checkpoint must name the model whose vectors are reduced")
    spec = ModelSpec(
        **entry
        | {
            "dimensions": _check_dimensions(entry["dimensions"], path),
            "modalities": _order_modalities(entry["modalities"], path),
        }
    )
    _check_options(spec, path)
    return spec


def _check_options(spec: ModelSpec, path: Path) -> None:
    if not REVISION.fullmatch(spec.revision):
        raise RegistryError(f"{path}: revision must be a commit of 40 lower-case hex digits")
    if spec.pictures and (not NAME.fullmatch(spec.pictures) or spec.pictures == spec.name):
        raise RegistryError(f"{path}: pictures must name another model")
    if spec.pictures and spec.modalities != get_args(Modality):
        raise RegistryError(f"{path}: with pictures, modalities must be text and image")
    full = spec.full_dimensions
    if type(full) is not int or (full and not spec.dimensions <= full <= MAX_FULL_DIMENSIONS):
        raise RegistryError(
            f"{path}: full_dimensions must be a whole number from dimensions ({spec.dimensions}) to"
            f" {MAX_FULL_DIMENSIONS}, the length of the checkpoint's own vectors"
        )
    if full and spec.pictures:
        raise RegistryError(f"{path}: a model with the pictures of another one cannot be reduced")
    if spec.loader == "reduced" and not full:
        raise RegistryError(f"{path}: full_dimensions is missing")


FLAGS = frozenset({"matryoshka", "binary"})
OTHERS = FLAGS | {"full_dimensions"}
"""Optional fields that are no texts."""


def _check_text(value: object, field: str, path: Path) -> None:
    may_be_empty = field in ("checkpoint", "revision", "pictures")
    if not isinstance(value, str) or not (value.strip() or (may_be_empty and value == "")):
        raise RegistryError(f"{path}: {field} must be a non-empty text")
    if any(unicodedata.category(character) in UNPRINTABLE for character in value):
        raise RegistryError(f"{path}: {field} must not contain control characters: {value!r}")


def _check_dimensions(value: object, path: Path) -> int:
    if type(value) is not int or not 1 <= value <= MAX_DIMENSIONS:
        raise RegistryError(f"{path}: dimensions must be a whole number from 1 to {MAX_DIMENSIONS}")
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
            f"{path}: modalities must be a list of one or two of {', '.join(known)}"
        )
    return tuple(sorted(value, key=known.index))


def _locate(checkpoint: str, entry: Path) -> str:
    """The absolute path of a checkpoint folder, given relative to its entry; a hub name unchanged.

    `owner/model` means a folder if it exists, otherwise a name on the hub.
    """
    try:
        path = entry.parent / Path(checkpoint).expanduser()
        if checkpoint and (path.is_dir() or checkpoint.startswith((".", "~", "/"))):
            return str(path.resolve())
    except (OSError, RuntimeError) as error:  # no such user, a loop of links, or a long name
        raise RegistryError(f"{entry}: checkpoint {checkpoint!r}: {error}") from error
    return checkpoint
