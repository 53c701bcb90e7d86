"""What a catalogue and the disk must have before a model is fine-tuned."""

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from embedding.finetuning.errors import FineTuningError
from embedding.finetuning.products import Product, kind_of
from embedding.registry import ModelSpec
from embedding.training.data import Part

MIN_PRODUCTS = 60
"""Fewest products with a picture, of which about 38 are trained on."""


def require_products(products: Sequence[Product], spec: ModelSpec) -> None:
    """Check the number of products before anything is loaded.

    Raises:
        FineTuningError: there are too few.
    """
    usable = [it for it in products if it.pictures]
    if "text" in spec.modalities:
        usable = [it for it in usable if it.title or it.attributes]
    if len(usable) < MIN_PRODUCTS:
        raise FineTuningError(too_few(len(usable)))


def too_few(found: int) -> str:
    """Say that `found` products with a picture do not suffice."""
    return (
        f"fine-tuning needs at least {MIN_PRODUCTS} products with a picture, better 1,000 or more;"
        f" the catalogue has {found}"
    )


def require_space(folder: Path, need: int) -> None:
    """Check that the disk has room for the files of a run, before its pictures are read.

    Args:
        folder: of the run. What an earlier start has written there needs no more room.
        need: the size of all files together, in bytes.

    Raises:
        FineTuningError: it has not.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    need -= sum(it.stat().st_size for it in folder.rglob("*") if it.is_file())
    free = shutil.disk_usage(folder.parent).free
    if free < need:
        raise FineTuningError(
            f"fine-tuning needs {need >> 20:,} MB in {folder}, and {free >> 20:,} MB are free: make"
            " room, set VAR_DIR to another disk, train only the last layers (--freeze yes), or use"
            " fewer products (--limit)"
        )


def require_kinds(parts: Mapping[Part, Sequence[Product]]) -> None:
    """Check that a model of pictures alone has something to learn and to measure.

    Raises:
        FineTuningError: it has not.
    """
    kinds: dict[Part, Counter[str]] = {
        part: Counter(filter(None, map(kind_of, found))) for part, found in parts.items()
    }
    every = sum(kinds.values(), Counter())
    if len(every) < 2:
        only = next(iter(every), "")
        raise FineTuningError(
            "a model of pictures only learns to tell product types apart, and all products"
            + (f" are of the type {only!r}" if only else " are without a type")
            + ": map the column of the product type at import, or fine-tune a model with texts"
        )
    for part, counts in kinds.items():
        if len(counts) < 2 or max(counts.values()) < 2:
            raise FineTuningError(
                f"too few products of each type: the {sum(counts.values())} products for"
                f" {part} need two types, and one type with two products"
            )
