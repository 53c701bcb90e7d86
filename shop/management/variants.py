"""Variants found with a bar, for the commands after which they may be others."""

from tqdm import tqdm

from catalog.indexing.variants import find_variants
from embedding.registry import get_spec


def find_variants_with_bar(model: str, *, quiet: bool) -> None:
    """Find which products are variants of others, by the pictures of `model`, if it sees any."""
    if "image" not in get_spec(model).modalities:
        return
    with tqdm(desc="variants", unit=" products", disable=quiet) as bar:

        def update(products: int, total: int) -> None:
            bar.total = total
            bar.update(products)

        find_variants(model, update)
