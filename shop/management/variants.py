"""Finds variants with a progress bar, for the commands that can change them."""

from catalog.indexing.variants import find_variants
from embedding.progress import Progress
from embedding.registry import get_spec


def find_variants_with_bar(model: str, *, quiet: bool) -> None:
    """Find the variants of products with the image embeddings of `model`, if it has any."""
    if "image" not in get_spec(model).modalities:
        return
    with Progress("variants", " products", quiet=quiet) as bar:
        find_variants(model, bar.reach)
