"""How many texts and pictures are embedded, of a product or of all, for the admin."""

from collections.abc import Iterator

from sqlalchemy import Connection

from catalog.active_models import models_in_use
from catalog.indexing.pending import Coverage, Selection, coverage
from embedding.registry import Modality, get_spec


def embedding_states(
    connection: Connection, product_id: int | None = None
) -> Iterator[tuple[str, Modality, Coverage]]:
    """Yield the counts of rows for each model in use and each of its modalities.

    They are those of one product, or without `product_id` those of all.
    """
    selection = Selection(product_id=product_id)
    for model in models_in_use(connection):
        spec = get_spec(model)
        for modality in spec.modalities:
            owner = spec.owner(modality)
            yield model, modality, coverage(connection, owner, modality, selection=selection)
