"""Finds variants and shows the progress, for the commands that may change them."""

from catalog.indexing.variants import find_variants
from embedding.progress import Progress
from embedding.registry import get_spec


def find_variants_with_bar(model: str, *, quiet: bool) -> None:
    """Find which products are variants of others, by the pictures of `model`, if it sees any."""
    if "image" not in get_spec(model).modalities:
        return
    with Progress("variants", " products", quiet=quiet) as bar:
        find_variants(model, bar.reach)
