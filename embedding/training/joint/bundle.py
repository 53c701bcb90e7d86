"""Everything that a training run reads, in one folder: made once, on any machine, before the run.

Small pictures in one file, e5's weights with the pieces that are kept, the tokenizer, frequent
words of many languages, and what the English tower makes of the titles. No licence lets the
pictures be passed on: the folder stays where it was made.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
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
from embedding.image_decoding import open_image
from embedding.lexicon import LANGUAGES
from embedding.loaders.packing import BLOCKS, unpack
from embedding.loaders.transformer import HEADS, LAYERS, WIDTH, TextTower, pad
from embedding.training.data import Picture
from embedding.training.joint.corpus import Corpus, Speaker, bouquet, title_words
from embedding.training.joint.e5 import E5, read_e5
from embedding.training.joint.meanings import read_meanings
from embedding.training.joint.vocabulary import (
    MAIN_WORDS,
    OTHER_LANGUAGES,
    OTHER_WORDS,
    PREFIX,
    choose,
    make_tokenizer,
)

PIECES = 44_000

TAUGHT_WORDS = 8_000
OTHER_TAUGHT_WORDS = 1_500
"""Frequent words whose meaning the small text tower learns from e5, of each language."""

QUALITY = 84
"""Of the WebP files; the photographs of people are larger, and lose more, at `NOISY_QUALITY`."""

NOISY_QUALITY = 60
NOISY_SIDE = 208
SIDE = 300
"""Longest side of the pictures kept."""

FIT_PHRASES = 1_500
FIT_WORDS = 4_000
RIDGE = 1e-3


def write_bundle(
    folder: Path, catalogues: Mapping[str, list[Picture]], e5_file: Path, english: Encoder
) -> None:
    """Write the folder; the pictures of the test part are left out."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = [picture for part in catalogues.values() for picture in part]
    pictures = [picture for picture in pictures if picture.part != "test"]
    titles, _ = title_words(pictures)
    e5 = read_e5(e5_file)
    words, taught = frequent_words()
    for text in [*titles, *lexicon_texts()]:
        words.update({word: words.get(word, 0.0) + 2.0 for word in text.lower().split()})
    kept = choose(e5.pieces, e5.scores, words, PIECES)
    tokenizer = make_tokenizer(
        [e5.pieces[number] for number in kept], [float(e5.scores[number]) for number in kept]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "titles.json").write_text(json.dumps(titles), "utf-8")
    (folder / "words.txt").write_text("\n".join(taught), "utf-8")
    save_file(_named(e5, kept), folder / "e5.safetensors")
    save_file(_english(folder, tokenizer, titles, taught, english), folder / "english.safetensors")
    _write_pictures(folder, pictures)


def frequent_words() -> tuple[dict[str, float], list[str]]:
    """Frequent words of European languages with their weights, and those that are taught.

    Needs the package `wordfreq`, for this step alone.
    """
    import wordfreq

    weights: dict[str, float] = {}
    taught: dict[str, None] = {}
    for language in (*LANGUAGES, *OTHER_LANGUAGES):
        main = language in LANGUAGES
        share = 1.0 if main else 0.3
        frequency = wordfreq.get_frequency_dict(language)
        found = wordfreq.top_n_list(language, MAIN_WORDS if main else OTHER_WORDS)
        for word in found:
            weights[word] = weights.get(word, 0.0) + share * (frequency[word] * 1e6 + 0.2)
        letters = [word for word in found if word.isalpha() and len(word) > 2]
        taught.update(dict.fromkeys(letters[: TAUGHT_WORDS if main else OTHER_TAUGHT_WORDS]))
    return weights, list(taught)


def lexicon_texts() -> list[str]:
    """All words of the lexicon, in the forms it lists."""
    concepts = [concept for aspect in read_meanings().concepts for concept in aspect]
    return [
        word.text
        for concept in concepts
        if concept
        for words in concept.words.values()
        for word in words
    ]


def _named(e5: E5, kept: Sequence[int]) -> dict[str, NDArray[Any]]:
    """e5's weights under the text tower's names, matrices in 4 bits as they are."""
    if (e5.layers, e5.heads) != (LAYERS, HEADS):
        raise ValueError(f"e5 has {e5.layers} layers of {e5.heads} heads, not {LAYERS} of {HEADS}")
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
            for theirs, ours in (("ao", "mix"), ("fi", "widen"), ("fo", "narrow")):
                named[f"{new}{ours}.{ending}"] = source[f"{old}{theirs}.{kind}"]
        for theirs, ours in (("aln", "mix_norm"), ("oln", "narrow_norm")):
            named[f"{new}{ours}.weight"] = source[f"{old}{theirs}.w"]
            named[f"{new}{ours}.bias"] = source[f"{old}{theirs}.b"]
    return {name: np.ascontiguousarray(values) for name, values in named.items()}


def load_teacher(folder: Path) -> TextTower:
    """e5 with the kept pieces; once that is fitted, it ends with the map to the English tower."""
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
    """Vectors as the tower makes them, (n, d), on the CPU."""
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    device = tower.out.weight.device
    vectors = torch.empty(len(texts), tower.out.out_features)
    with torch.inference_mode():
        for start in range(0, len(texts), size):
            part = order[start : start + size]
            tokens = tokenizer.encode_batch([PREFIX + texts[place] for place in part])
            vectors[part] = tower(*pad([each.ids for each in tokens], device)).cpu()
    return vectors


def _english(
    folder: Path, tokenizer: Tokenizer, titles: list[str], words: list[str], english: Encoder
) -> dict[str, NDArray[Any]]:
    """The linear map of e5 to the English tower by least squares, and that tower's titles."""
    plain = Corpus()
    speaker = Speaker(read_meanings(), True, 0)
    seen: dict[Any, int] = {}
    while len(plain.texts) < FIT_PHRASES:
        bouquet(Corpus(), speaker, plain, seen)
    texts = list(dict.fromkeys([*titles, *plain.texts, *words[:FIT_WORDS]]))
    theirs = encode(load_teacher(folder), tokenizer, texts).double()
    ours = torch.from_numpy(english.encode_texts(texts)).double()
    mean = theirs.mean(0)
    centred = theirs - mean
    # Fitted on the vectors before they are made unit ones, as the towers end with the map.
    square = centred.T @ centred + RIDGE * len(texts) * centred.var() * torch.eye(WIDTH).double()
    fitted = torch.linalg.solve(square, centred.T @ (ours - ours.mean(0)))
    return {
        "map": fitted.T.contiguous().numpy().astype(np.float32),
        "bias": (ours.mean(0) - mean @ fitted).numpy().astype(np.float32),
        "titles": np.round(ours[: len(titles)].numpy() * 127).astype(np.int8),
    }


def _write_pictures(folder: Path, pictures: Iterable[Picture]) -> None:
    rows, place = [], 0
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
                asdict(picture) | {"path": "", "part": picture.part, "place": place, "size": size}
            )
            place += size
    (folder / "pictures.json").write_text(json.dumps(rows), "utf-8")
