"""Whether a product's text and pictures are embedded, for people who look after the catalogue."""

from dataclasses import dataclass

from sqlalchemy import Connection, Table, and_, func, literal, select

from catalog import config
from catalog.tables import EMBEDDINGS, PRODUCT, PRODUCT_IMAGE
from embedding.registry import Modality


@dataclass(frozen=True, slots=True)
class EmbeddingState:
    """How many of a product's texts or pictures one model has: as they are, as they were, not."""

    model: str
    modality: Modality
    current: int
    stale: int
    pending: int


def embedding_states(connection: Connection, product_id: int) -> list[EmbeddingState]:
    """One entry for each enabled model and what it embeds."""
    return [
        _state(connection, product_id, model, modality, table)
        for model in config.settings().models
        for modality, table in EMBEDDINGS.get(model, {}).items()
    ]


def _state(
    connection: Connection, product_id: int, model: str, modality: Modality, table: Table
) -> EmbeddingState:
    product, image = PRODUCT, PRODUCT_IMAGE
    if modality == "text":
        source, made_of, joined = product.c.document_md5, table.c.source_md5, product
        on, of_product = table.c.product_id == product.c.id, product.c.id == product_id
    else:
        source, made_of, joined = image.c.sha256, table.c.source_sha256, image
        on, of_product = table.c.image_id == image.c.id, image.c.product_id == product_id
    is_current = func.coalesce(made_of == source, literal(False))
    query = (
        select(
            func.count().filter(is_current),
            func.count().filter(and_(made_of.is_not(None), ~is_current)),
            func.count().filter(made_of.is_(None)),
        )
        .select_from(joined.outerjoin(table, on))
        .where(of_product)
    )
    current, stale, pending = connection.execute(query).one()
    return EmbeddingState(model, modality, current, stale, pending)
