"""How many texts and pictures of products are embedded, for the admin."""

from collections.abc import Iterator, Sequence

from psycopg.sql import SQL, Literal
from sqlalchemy import Connection

from catalog.active_models import models_in_use
from catalog.indexing.pending import Coverage, Selection, coverage, states
from embedding.registry import Modality, get_spec

STATES = ("failed", "missing", "stale", "embedded")
"""The states of a product's embeddings, the worst first: that of a product is the worst of its text
and pictures with all models."""

CONDITIONS = {
    "failed": "failed",
    "missing": "NOT failed AND stale AND embedded_at IS NULL",
    "stale": "NOT failed AND stale AND embedded_at IS NOT NULL",
}


def embedding_states(
    connection: Connection, product_id: int | None = None
) -> Iterator[tuple[str, Modality, Coverage]]:
    """Yield the counts of rows for each model in use and each of its modalities.

    They are those of one product, or without `product_id` those of all.
    """
    selection = Selection(product_ids=None if product_id is None else (product_id,))
    for model, owner, modality in _tasks(connection):
        yield model, modality, coverage(connection, owner, modality, selection=selection)


def states_of_products(connection: Connection, products: Sequence[int]) -> dict[int, str]:
    """The state of each product, by id; see `STATES`."""
    found = dict.fromkeys(products, "embedded")
    selection = Selection(product_ids=tuple(products))
    for owner, modality in _own_tasks(connection):
        rows = connection.exec_driver_sql(
            f"SELECT product_id, {', '.join(f'bool_or({it})' for it in CONDITIONS.values())}"
            f" FROM ({states(owner, modality)}{selection.condition()}) AS t GROUP BY product_id",
            {"model": owner} | selection.parameters(),
        )
        for product, *flags in rows:
            worst = next(
                (state for state, flag in zip(CONDITIONS, flags, strict=True) if flag), "embedded"
            )
            found[product] = min(found[product], worst, key=STATES.index)
    return found


def products_in_state(connection: Connection, state: str) -> str:
    """SQL of the ids of the products with a text or picture in one of `CONDITIONS`."""
    parts = [
        f"SELECT product_id FROM ({_filled(owner, modality)}) AS t WHERE {CONDITIONS[state]}"
        for owner, modality in _own_tasks(connection)
    ]
    return " UNION ALL ".join(parts) or "SELECT NULL::bigint"


def _filled(owner: str, modality: Modality) -> str:
    return SQL(states(owner, modality) % {"model": Literal(owner).as_string()}).as_string()


def _own_tasks(connection: Connection) -> list[tuple[str, Modality]]:
    return list(dict.fromkeys((owner, it) for _, owner, it in _tasks(connection)))


def _tasks(connection: Connection) -> Iterator[tuple[str, str, Modality]]:
    """Each modality of the models in use, with the model that owns its embeddings."""
    for model in models_in_use(connection):
        spec = get_spec(model)
        for modality in spec.modalities:
            yield model, spec.owner(modality), modality
