"""Whether a product's text and pictures are embedded, for people who look after the catalogue."""

from collections.abc import Iterator

from sqlalchemy import Connection

from catalog.active_models import models_in_use
from catalog.indexing.pending import Coverage, Selection, coverage
from embedding.registry import Modality, get_spec


def embedding_states(
    connection: Connection, product_id: int
) -> Iterator[tuple[str, Modality, Coverage]]:
    """For each model in use and what it embeds, the counts of one product's rows."""
    selection = Selection(product_id=product_id)
    for model in models_in_use(connection):
        for modality in get_spec(model).modalities:
            yield model, modality, coverage(connection, model, modality, selection=selection)
