"""Derives judgments from the catalogue, as the JSON objects of a judgments file.

They are parsed like human judgments (`judgments.py`), and can be saved to a file and corrected.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

from catalog.evaluation.nonsense_queries import nonsense_texts
from catalog.evaluation.product_lookup import Catalogue, Product
from catalog.evaluation.typo_generator import add_typo
from catalog.media.folders import media
from embedding.atomic_write import write_atomically
from embedding.training.phrases import WORDINGS, Claims, describe, phrases

Record = dict[str, Any]

UNSEEN_WORDINGS = (
    "{noun} in {colour}",
    "{noun} in {colour} for {gender}",
    "{pattern} {noun} in {colour}",
    "looking for {whose} {noun}",
    "{colour} coloured {noun}",
)
"""Wordings that the models were not trained on, used in addition to those of the training."""

REFINEMENTS = ("{colour}", "in {colour}", "but in {colour}", "the same in {colour}")
"""Queries for a similar product in another colour."""


def derive(
    kind: str, catalogue: Catalogue, folder: Path, sample: int | None = None, seed: int = 0
) -> list[Record]:
    """The judgments of one of `KINDS`: at most `sample` of them, chosen at random by `seed`.

    The same catalogue, sample and seed give the same judgments. Picture paths are relative to
    `folder`.
    """
    random = Random(f"{seed} {kind}")
    if kind == "nonsense":
        return [
            {"id": f"nonsense-{number}", "kind": kind, "text": text, "relevant": []}
            for number, text in enumerate(nonsense_texts(random, sample), start=1)
        ]
    records = list(_DERIVERS[kind](catalogue, folder, random))
    if sample is not None and sample < len(records):
        records = random.sample(records, sample)
    return [
        {"id": f"{kind}-{number}", "kind": kind} | record
        for number, record in enumerate(records, start=1)
    ]


def save_records(records: Iterable[Record], path: Path) -> None:
    """Write a judgments file."""
    lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    write_atomically(path, "".join(lines).encode())


def _attributes(catalogue: Catalogue, _folder: Path, random: Random) -> Iterator[Record]:
    """Each combination of attributes that some product has, in a random wording. All products
    with these attributes are relevant."""
    known = {sku: _claims(product) for sku, product in catalogue.products.items()}
    worded: dict[tuple[tuple[str, str], ...], set[str]] = {}
    for claims in {tuple(claims.items()): claims for claims in known.values()}.values():
        for text, claimed in phrases(claims, WORDINGS + UNSEEN_WORDINGS).items():
            if claimed.get("pattern") != "plain":  # nobody searches for "plain"
                worded.setdefault(tuple(sorted(claimed.items())), set()).add(text)
    for combination, texts in sorted(worded.items()):
        matching = [
            catalogue.products[sku]
            for sku, claims in known.items()
            if set(combination) <= claims.items()
        ]
        fields = [_FIELD[name] for name, _ in combination]
        yield {
            "text": random.choice(sorted(texts)),
            "relevant": {
                field: sorted({product.first(field) for product in matching}) for field in fields
            },
        }


_FIELD = {
    "type": "product_type",
    "group": "product_type",
    "colour": "colour",
    "gender": "gender",
    "pattern": "pattern",
}
"""The catalogue field of each claim."""


def _claims(product: Product) -> Claims:
    kind = product.first("product_type")
    if not kind:
        return {}
    names = "colour", "gender", "pattern"
    return describe(kind, *(product.first(name) for name in names))


def _titles(catalogue: Catalogue, _folder: Path, _random: Random) -> Iterator[Record]:
    """Each title; the products with exactly this title are relevant."""
    for title in _all_titles(catalogue):
        yield {"text": title, "relevant": {"title": [title]}}


def _misspelt(catalogue: Catalogue, _folder: Path, random: Random) -> Iterator[Record]:
    """Each title with one typo; the products with the correct title are relevant."""
    titles = _all_titles(catalogue)
    for title in titles:
        text = add_typo(title, random)
        if text is not None and text not in titles:
            yield {"text": text, "relevant": {"title": [title]}}


def _images(catalogue: Catalogue, folder: Path, _random: Random) -> Iterator[Record]:
    """Each product's main picture; the other products of its type are relevant."""
    count = Counter(product.first("product_type") for product in catalogue.products.values())
    for sku, product in catalogue.products.items():
        kind = product.first("product_type")
        if kind and product.image_path and count[kind] > 1:
            yield {
                "image": os.path.relpath(media.local(product.image_path), folder.resolve()),
                "relevant": {"product_type": [kind]},
                "exclude": [sku],
            }


def _refined(catalogue: Catalogue, _folder: Path, random: Random) -> Iterator[Record]:
    """Each product with a query for another colour; products of its type in that colour are
    relevant."""
    colours: dict[str, dict[str, None]] = {}
    for product in catalogue.products.values():
        colours.setdefault(product.first("product_type"), {})[product.first("colour")] = None
    for sku, product in catalogue.products.items():
        kind, own = product.first("product_type"), product.first("colour")
        others = sorted(colour for colour in colours[kind] if colour and colour != own)
        if kind and own and others and product.image_path:
            colour = random.choice(others)
            yield {
                "like": sku,
                "text": random.choice(REFINEMENTS).format(colour=colour.lower()),
                "relevant": {"product_type": [kind], "colour": [colour]},
            }


def _all_titles(catalogue: Catalogue) -> dict[str, None]:
    return dict.fromkeys(product.first("title") for product in catalogue.products.values())


_DERIVERS: Mapping[str, Callable[[Catalogue, Path, Random], Iterator[Record]]] = {
    "attributes": _attributes,
    "titles": _titles,
    "images": _images,
    "refined": _refined,
    "misspelt": _misspelt,
}

KINDS = (*_DERIVERS, "nonsense")
