"""Where the files of a checkpoint are on this machine, and how they get there. Without torch.

A checkpoint of the Hugging Face hub is looked for in the folder `EMBEDDING_CHECKPOINTS`, then in
the hub's cache. Only weights in the safetensors format are downloaded and loaded, since a pickle
can run code.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from embedding.config import checkpoints_folder
from embedding.encoder import EncoderError, NotDownloaded
from embedding.registry import ModelSpec

HUB_TIMEOUT = 10.0
"""Seconds to wait for the hub before downloading. A download itself tries each file several times,
with pauses."""

FILES = ("*.safetensors", "*.json", "*.txt", "*.model")
"""What is downloaded: weights, configurations and vocabularies."""

EXPORTS = ("onnx/*", "openvino/*")
"""Folders with the same weights for other programs."""

PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
"""Suffixes of weights that are pickles."""

MODULES = "modules.json"
"""The list of modules of a checkpoint of sentence-transformers."""

MAX_REASON = 200
"""Maximum length of a library's message within a message of this module."""

Loaded = TypeVar("Loaded")
Build = Callable[[ModelSpec, str, Path], Loaded]
"""Creates the encoder of an entry on a device from the folder of its checkpoint."""


class DownloadError(EncoderError):
    """A checkpoint cannot be downloaded; the message says how to bring it here otherwise."""


def load_checkpoint(spec: ModelSpec, device: str, build: Build[Loaded]) -> Loaded:
    """What `build` makes of the files on this machine.

    Raises:
        NotDownloaded: they are not here, or perhaps only in part.
        EncoderError: they are missing, unreadable, or do not match the registry entry.
    """
    folder = find_folder(spec)
    if folder is None or not _is_complete(spec, folder):
        raise NotDownloaded(f"model {spec.name!r}: {spec.checkpoint} is not downloaded")
    try:
        return _build(spec, device, folder, build)
    except EncoderError as error:
        if not _is_in_cache(spec, folder):
            raise
        raise NotDownloaded(str(error)) from error


def download_checkpoint(spec: ModelSpec, device: str, build: Build[Loaded]) -> Loaded:
    """Like `load_checkpoint`, after downloading what is not on this machine.

    Raises:
        EncoderError: the files cannot be downloaded or read, or do not match the registry entry.
    """
    try:
        folder = _download(spec)
    except DownloadError as failure:
        # Files that another program has downloaded may be complete.
        here = find_folder(spec)
        if here is None:
            raise
        try:
            return _build(spec, device, here, build)
        except EncoderError:
            raise failure from failure.__cause__
    return _build(spec, device, folder, build)


def find_folder(spec: ModelSpec) -> Path | None:
    """The folder of the checkpoint on this machine; None if it is a name on the hub that is not
    here.

    Raises:
        EncoderError: the entry names a folder that does not exist.
    """
    if os.path.isabs(spec.checkpoint):
        folder = Path(spec.checkpoint)
        if not folder.is_dir():
            raise EncoderError(
                f"model {spec.name!r}: the checkpoint folder {folder} does not exist"
            )
        return folder
    if (own := own_folder(spec)).is_dir():
        return own
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(
            snapshot_download(
                spec.checkpoint,
                revision=spec.revision or None,
                cache_dir=_cache(),
                local_files_only=True,
            )
        )
    except (LocalEntryNotFoundError, HFValidationError):
        return None


def own_folder(spec: ModelSpec) -> Path:
    """Where a checkpoint of the hub is looked for first."""
    return checkpoints_folder() / spec.checkpoint


def commit_of(folder: Path) -> str:
    """The commit of the hub that a folder's files are from; empty if that is not known.

    Snapshots in the cache have its name, and `hf download --local-dir` records it.
    """
    if folder.parent.name == "snapshots":
        return folder.name
    records = (folder / ".cache" / "huggingface" / "download").rglob("*.metadata")
    commits = {record.read_text().split("\n", 1)[0].strip() for record in records}
    return commits.pop() if len(commits) == 1 else ""


def refuse_pickles(spec: ModelSpec, folder: Path) -> None:
    """Check that no part of a checkpoint has its weights only as a pickle.

    Raises:
        EncoderError: one has.
    """
    for part in (folder, *_parts(folder)):
        pickled = sorted(path.name for path in part.iterdir() if path.suffix in PICKLED)
        if pickled and not any(part.glob("*.safetensors")):
            raise EncoderError(
                f"model {spec.name!r}: the weights {part / pickled[0]} are a pickle, which can run"
                " code when it is loaded: use a checkpoint with safetensors"
            )


def _parts(folder: Path) -> Iterator[Path]:
    exports = {Path(pattern).parent.name for pattern in EXPORTS}
    for path in folder.iterdir():
        if path.is_dir() and not path.name.startswith(".") and path.name not in exports:
            yield path


def _build(spec: ModelSpec, device: str, folder: Path, build: Build[Loaded]) -> Loaded:
    refuse_pickles(spec, folder)
    try:
        return build(spec, device, folder)
    except EncoderError:
        raise
    except Exception as error:
        # Depending on which file is missing or malformed, this is an OSError, ValueError, KeyError,
        # or an error of safetensors or tokenizers.
        raise EncoderError(
            f"model {spec.name!r}: checkpoint {folder} cannot be loaded ({_in_one_line(error)}):"
            " is the folder a complete checkpoint?"
        ) from error


def _download(spec: ModelSpec) -> Path:
    from huggingface_hub import HfApi, hf_hub_download, snapshot_download
    from huggingface_hub.errors import EntryNotFoundError

    revision = spec.revision or None
    try:
        HfApi().model_info(spec.checkpoint, timeout=HUB_TIMEOUT, revision=revision)
        folder = snapshot_download(
            spec.checkpoint,
            cache_dir=_cache(),
            allow_patterns=list(FILES),
            ignore_patterns=list(EXPORTS),
            revision=revision,
        )
        with suppress(EntryNotFoundError):  # the cache remembers what does not exist
            hf_hub_download(spec.checkpoint, MODULES, cache_dir=_cache(), revision=revision)
    except Exception as error:  # errors of sockets, of TLS, of the HTTP client, of proxies
        pinned = f" --revision {revision}" if revision else ""
        raise DownloadError(
            f"model {spec.name!r}: {spec.checkpoint} cannot be downloaded ({_in_one_line(error)}):"
            f" where there is a network, run `hf download {spec.checkpoint} --local-dir FOLDER"
            f"{pinned}`, and copy FOLDER to {own_folder(spec)} on this machine"
        ) from error
    return Path(folder)


def _is_complete(spec: ModelSpec, folder: Path) -> bool:
    """Whether it is known if the checkpoint has a list of modules.

    Other programs download parts of a model, and without this list it would be loaded in another
    way, with other vectors.
    """
    if not _is_in_cache(spec, folder):
        return True
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(
        spec.checkpoint, MODULES, cache_dir=_cache(), revision=spec.revision or None
    )
    return found is not None


def _is_in_cache(spec: ModelSpec, folder: Path) -> bool:
    return not os.path.isabs(spec.checkpoint) and folder != own_folder(spec)


def _cache() -> str | None:
    return os.environ.get("SENTENCE_TRANSFORMERS_HOME")


def _in_one_line(error: Exception) -> str:
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if len(text) <= MAX_REASON else text[: MAX_REASON - 1] + "…"
