"""The bundle: one folder with everything that a training run reads.

It contains small pictures in one file, e5's weights with a reduced vocabulary, the tokenizer,
frequent words of many languages, and the English text tower's vectors of the titles. Preparing it
needs no GPU. The licence of some pictures is unclear, so the bundle must not be distributed.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor

from embedding.encoder import Encoder
from embedding.errors import UserFacingError
from embedding.image_decoding import open_image
from embedding.lexicon import LANGUAGES
from embedding.loaders.fashion import PREFIX
from embedding.loaders.packing import BLOCKS, unpack
from embedding.loaders.transformer import HEADS, LAYERS, WIDTH, TextTower, pad
from embedding.training.canvases import read_canvases
from embedding.training.corpus import Corpus, PhraseComposer, add_phrase_group, unique_titles
from embedding.training.data import Picture
from embedding.training.e5 import E5, read_e5
from embedding.training.grounds import read_corners
from embedding.training.meanings import read_meanings
from embedding.training.vocabulary import (
    MAIN_WORDS,
    OTHER_LANGUAGES,
    OTHER_WORDS,
    choose_pieces,
    make_tokenizer,
)

PIECES = 44_000
"""Size of the reduced vocabulary."""

DISTILLED_WORDS = 8_000
OTHER_DISTILLED_WORDS = 1_500
"""Frequent words used in distillation, per language of the lexicon and per other language."""

SIDE = 300
"""Longest side of a stored picture, in pixels."""

QUALITY = 84
"""WebP quality of a stored picture."""

NOISY_SIDE = 208
NOISY_QUALITY = 60
"""The same for pictures without a title. These are photographs of people, which need more space."""

FIT_PHRASES = 1_500
FIT_WORDS = 4_000
RIDGE = 1e-3
"""Phrases, words and relative ridge penalty of the least-squares fit to the English tower."""


def write_bundle(
    folder: Path, catalogues: Mapping[str, list[Picture]], e5_file: Path, english: Encoder
) -> None:
    """Write the bundle without the pictures of the test part.

    Args:
        folder: output folder.
        catalogues: pictures by the name of their catalogue.
        e5_file: see `read_e5`.
        english: the English text tower, with vectors of `WIDTH` dimensions.

    Raises:
        FormatError: `e5_file` has another format.
        OSError: a file cannot be read or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pictures = [picture for part in catalogues.values() for picture in part]
    pictures = [picture for picture in pictures if picture.part != "test"]
    titles, _ = unique_titles(pictures)
    e5 = read_e5(e5_file)
    words, distilled = frequent_words()
    for text in [*titles, *lexicon_texts()]:
        words.update({word: words.get(word, 0.0) + 2.0 for word in text.lower().split()})
    kept = choose_pieces(e5.pieces, e5.scores, words, PIECES)
    tokenizer = make_tokenizer(
        [e5.pieces[number] for number in kept], [float(e5.scores[number]) for number in kept]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "titles.json").write_text(json.dumps(titles), "utf-8")
    (folder / "words.txt").write_text("\n".join(distilled), "utf-8")
    save_file(_renamed(e5, kept), folder / "e5.safetensors")
    save_file(
        _english(folder, tokenizer, titles, distilled, english), folder / "english.safetensors"
    )
    _write_pictures(folder, pictures)


def frequent_words() -> tuple[dict[str, float], list[str]]:
    """Return weights of frequent words of European languages, and the words for distillation.

    Requires the package `wordfreq`.
    """
    import wordfreq

    weights: dict[str, float] = {}
    distilled: dict[str, None] = {}
    for language in (*LANGUAGES, *OTHER_LANGUAGES):
        main = language in LANGUAGES
        share = 1.0 if main else 0.3
        frequency = wordfreq.get_frequency_dict(language)
        found = wordfreq.top_n_list(language, MAIN_WORDS if main else OTHER_WORDS)
        for word in found:
            weights[word] = weights.get(word, 0.0) + share * (frequency[word] * 1e6 + 0.2)
        letters = [word for word in found if word.isalpha() and len(word) > 2]
        distilled.update(
            dict.fromkeys(letters[: DISTILLED_WORDS if main else OTHER_DISTILLED_WORDS])
        )
    return weights, list(distilled)


def lexicon_texts() -> list[str]:
    """Return the base forms of all words of the lexicon."""
    concepts = [concept for aspect in read_meanings().concepts for concept in aspect]
    return [
        word.text
        for concept in concepts
        if concept
        for words in concept.words.values()
        for word in words
    ]


def _renamed(e5: E5, kept: Sequence[int]) -> dict[str, NDArray[Any]]:
    """e5's weights under the text tower's names. 4-bit matrices are not unpacked.

    Raises:
        ValueError: e5 has another number of layers or heads.
    """
    if (e5.layers, e5.heads) != (LAYERS, HEADS):
        raise ValueError(
            f"e5 has {e5.layers} layers and {e5.heads} heads, expected {LAYERS} and {HEADS}"
        )
    source = e5.tensors
    named: dict[str, NDArray[Any]] = {
        "words.weight" + BLOCKS: source["emb.word"][list(kept)],
        "places.weight": source["emb.pos"] + source["emb.type"][0],
        "norm.weight": source["emb.ln.w"],
        "norm.bias": source["emb.ln.b"],
    }
    for layer in range(e5.layers):
        old, new = f"l{layer}.", f"layers.{layer}."
        for kind, ending in (("w", "weight" + BLOCKS), ("b", "bias")):
            parts = [source[f"{old}{part}.{kind}"] for part in "qkv"]
            named[f"{new}attention.{ending}"] = np.concatenate(parts)
            for e5_name, name in (("ao", "mix"), ("fi", "widen"), ("fo", "narrow")):
                named[f"{new}{name}.{ending}"] = source[f"{old}{e5_name}.{kind}"]
        for e5_name, name in (("aln", "mix_norm"), ("oln", "narrow_norm")):
            named[f"{new}{name}.weight"] = source[f"{old}{e5_name}.w"]
            named[f"{new}{name}.bias"] = source[f"{old}{e5_name}.b"]
    return {name: np.ascontiguousarray(values) for name, values in named.items()}


def load_teacher(folder: Path) -> TextTower:
    """Load the teacher: e5 with the reduced vocabulary and a linear map to the English tower.

    The map is the identity until `english.safetensors` exists.
    """
    weights = {
        name: torch.from_numpy(v) for name, v in load_file(folder / "e5.safetensors").items()
    }
    tensors = unpack(weights)
    tower = TextTower(len(tensors["words.weight"]), layers=LAYERS)
    mapped = folder / "english.safetensors"
    if mapped.is_file():
        fitted = load_file(mapped)
        tensors["out.weight"] = torch.from_numpy(fitted["map"]).float()
        tensors["out.bias"] = torch.from_numpy(fitted["bias"]).float()
    else:
        tensors["out.weight"], tensors["out.bias"] = torch.eye(WIDTH), torch.zeros(WIDTH)
    tower.load_state_dict(tensors)
    return tower.eval().requires_grad_(False)


def encode(tower: TextTower, tokenizer: Tokenizer, texts: Sequence[str], size: int = 64) -> Tensor:
    """Encode texts in batches of `size`. Returns unnormalised vectors, (n, d), on the CPU."""
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    device = tower.out.weight.device
    vectors = torch.empty(len(texts), tower.out.out_features)
    with torch.inference_mode():
        for start in range(0, len(texts), size):
            part = order[start : start + size]
            tokens = tokenizer.encode_batch([PREFIX + texts[index] for index in part])
            vectors[part] = tower(*pad([each.ids for each in tokens], device)).cpu()
    return vectors


def _english(
    folder: Path, tokenizer: Tokenizer, titles: list[str], words: list[str], english: Encoder
) -> dict[str, NDArray[Any]]:
    """Fit a linear map from e5 to the English tower by ridge regression.

    Returns:
        The map and its bias, and the English tower's vectors of the titles in 8 bits.
    """
    canonical = Corpus()
    composer = PhraseComposer(read_meanings(), True, 0)
    seen: dict[Any, int] = {}
    while len(canonical.texts) < FIT_PHRASES:
        add_phrase_group(Corpus(), composer, canonical, seen)
    texts = list(dict.fromkeys([*titles, *canonical.texts, *words[:FIT_WORDS]]))
    e5_vectors = encode(load_teacher(folder), tokenizer, texts).double()
    english_vectors = torch.from_numpy(english.encode_texts(texts)).double()
    mean = e5_vectors.mean(0)
    centred = e5_vectors - mean
    # Fit unnormalised vectors, because the map is the last layer of the teacher.
    square = centred.T @ centred + RIDGE * len(texts) * centred.var() * torch.eye(WIDTH).double()
    fitted = torch.linalg.solve(square, centred.T @ (english_vectors - english_vectors.mean(0)))
    return {
        "map": fitted.T.contiguous().numpy().astype(np.float32),
        "bias": (english_vectors.mean(0) - mean @ fitted).numpy().astype(np.float32),
        "titles": np.round(english_vectors[: len(titles)].numpy() * 127).astype(np.int8),
    }


def _write_pictures(folder: Path, pictures: Iterable[Picture]) -> None:
    rows, offset = [], 0
    with (folder / "pictures.bin").open("wb") as file:
        for picture in pictures:
            noisy = not picture.title
            side = NOISY_SIDE if noisy else SIDE
            image = open_image(picture.path, side)
            image.thumbnail((side, side), Image.Resampling.LANCZOS)
            content = io.BytesIO()
            image.save(content, "WEBP", quality=NOISY_QUALITY if noisy else QUALITY)
            size = file.write(content.getvalue())
            rows.append(
                asdict(picture) | {"path": "", "part": picture.part, "place": offset, "size": size}
            )
            offset += size
    (folder / "pictures.json").write_text(json.dumps(rows), "utf-8")


class BundleError(UserFacingError, ValueError):
    """A bundle lacks what the training needs."""


@dataclass(frozen=True)
class StoredPictures:
    """The pictures of a bundle."""

    trained: list[Picture]
    """n pictures to train on."""
    canvases: NDArray[np.uint8]
    """Their canvases, (n, CANVAS, CANVAS, 4)."""
    corners: NDArray[np.uint8]
    """Corners of those without a title, which are snapshots; see `read_corners`."""
    measured: list[Picture]
    """m pictures to evaluate."""
    held: NDArray[np.uint8]
    """Their canvases, (m, CANVAS, CANVAS, 4)."""


def read_pictures(folder: Path, tune: bool, only: int = 0) -> StoredPictures:
    """Read the pictures of a bundle.

    Args:
        folder: the bundle.
        tune: hold out the validation part.
        only: if positive, read only about this number of pictures.

    Raises:
        BundleError: the bundle is of an earlier version.
    """
    rows = json.loads((folder / "pictures.json").read_text("utf-8"))
    if not all("catalogue" in row for row in rows):
        raise BundleError(f"{folder} does not tell the catalogues of its pictures: prepare it anew")
    if only:
        rows = rows[:: max(1, len(rows) // only)]
    held = [row for row in rows if tune and row["part"] == "validation"]
    trained = [row for row in rows if not tune or row["part"] != "validation"]
    file = folder / "pictures.bin"
    return StoredPictures(
        [_picture(row) for row in trained],
        read_canvases(file, trained),
        read_corners(file, [row for row in trained if not row["title"]]),
        [_picture(row) for row in held],
        read_canvases(file, held),
    )


def _picture(row: Mapping[str, Any]) -> Picture:
    return Picture(Path(), row["product"], row["title"], row["attributes"], row["catalogue"])
