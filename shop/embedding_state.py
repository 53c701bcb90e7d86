"""Whether the text and pictures of a product are embedded, for the admin."""

from collections.abc import Iterator

from sqlalchemy import Connection

from catalog.active_models import models_in_use
from catalog.indexing.pending import Coverage, Selection, coverage
from embedding.registry import Modality, get_spec


def embedding_states(
    connection: Connection, product_id: int
) -> Iterator[tuple[str, Modality, Coverage]]:
    """Yield the counts of one product's rows for each model in use and each of its modalities."""
    selection = Selection(product_id=product_id)
    for model in models_in_use(connection):
        for modality in get_spec(model).modalities:
            yield model, modality, coverage(connection, model, modality, selection=selection)
