"""How many texts and pictures of products are embedded, for the admin."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psycopg.sql import SQL, Literal
from sqlalchemy import Connection

from catalog.active_models import models_in_use
from catalog.indexing.pending import STALE, Coverage, Selection, coverage, states
from embedding.registry import Modality, get_spec

STATES = ("failed", "missing", "stale", "embedded")
"""The states of a product's embeddings, the worst first: that of a product is the worst of its text
and pictures with all models."""

CONDITIONS = {
    "failed": "failed",
    "missing": "NOT failed AND stale AND embedded_at IS NULL",
    "stale": "NOT failed AND stale AND embedded_at IS NOT NULL",
}

WORSE = " ".join(f"WHEN {it} THEN {STATES.index(name)}" for name, it in CONDITIONS.items())
RANK = f"CASE {WORSE} ELSE {STATES.index('embedded')} END"
"""SQL of the place in `STATES` of a row of `catalog.indexing.pending.states`."""

IS_STALE = f" AND {STALE}"
IS_FAILED = " AND s.product_id IN (SELECT f.product_id FROM embedding_failure f)"
"""Conditions for `states`; what fulfils none of them is embedded."""

SAMPLED = 1000
"""How many products are looked at to see whether a state is common."""

COMMON = 0.02
"""The share of a sample from which on a state is common."""

SMALL = 20_000
"""Up to this number of products, all are looked at."""


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


@dataclass(frozen=True, slots=True)
class Selected:
    """How to find the products in a state: by `ids`, or by `product_state` if they are None."""

    ids: tuple[int, ...] | None
    count: int
    """Their number; without ids it is estimated."""


def select_products(connection: Connection, state: str) -> Selected:
    """Choose how to list the products in a state of `STATES`.

    Where a sample has many in this state, a list that looks at one product after the other soon
    has a page full. Otherwise all rows are compared once, and the few products are listed by id.
    """
    total = _estimate(connection)
    if total > SMALL:
        share = _sampled_share(connection, state, 100 * SAMPLED / total)
        if share >= COMMON:
            return Selected(None, round(total * share))
    if state == "embedded":
        return Selected(None, total - len(_unfinished(connection)))
    conditions = (IS_FAILED,) if state == "failed" else (IS_STALE, IS_FAILED)
    unfinished = _unfinished(connection, conditions)
    ids = tuple(product for product, worst in unfinished.items() if worst == state)
    return Selected(ids, len(ids))


def _estimate(connection: Connection) -> int:
    """The number of products; about, if there are many."""
    about = "SELECT reltuples::bigint FROM pg_class WHERE oid = 'public.product'::regclass"
    found = int(connection.exec_driver_sql(about).scalar_one())
    if found > SMALL:
        return found
    return int(connection.exec_driver_sql("SELECT count(*) FROM product").scalar_one())


def _sampled_share(connection: Connection, state: str, percent: float) -> float:
    """The share of products in a state, 0 to 1, in a sample of some pages of the table."""
    query = f"SELECT id FROM product TABLESAMPLE SYSTEM ({min(percent, 100):.6f})"
    sample = connection.exec_driver_sql(query).scalars().all()
    found = states_of_products(connection, sample) if sample else {}
    return list(found.values()).count(state) / max(len(found), 1)


def product_state(connection: Connection) -> str:
    """An SQL expression: the place in `STATES` of the state of "product"."id".

    PostgreSQL evaluates it for each row that it looks at, by indexes.
    """
    own = ' AND s.product_id = "product"."id"'
    parts = [
        f"(SELECT min({RANK}) FROM ({_filled(owner, modality, own)}) AS t)"
        for owner, modality in _own_tasks(connection)
    ]
    embedded = str(STATES.index("embedded"))
    return f"coalesce(least({', '.join([*parts, 'NULL::integer'])}), {embedded})"


def _unfinished(
    connection: Connection, conditions: Sequence[str] = (IS_STALE, IS_FAILED)
) -> dict[int, str]:
    """The states of the products whose rows fulfil one of `conditions`, by id."""
    parts = [
        f"SELECT product_id, {RANK} AS rank FROM ({_filled(owner, modality, condition)}) AS t"
        for owner, modality in _own_tasks(connection)
        for condition in conditions
    ]
    if not parts:
        return {}
    rows = connection.exec_driver_sql(
        f"SELECT product_id, min(rank) FROM ({' UNION ALL '.join(parts)}) AS u"
        " GROUP BY product_id ORDER BY product_id DESC"
    )
    return {product: STATES[rank] for product, rank in rows}


def _filled(owner: str, modality: Modality, condition: str) -> str:
    query = states(owner, modality) + condition
    return SQL(query % {"model": Literal(owner).as_string()}).as_string()


def _own_tasks(connection: Connection) -> list[tuple[str, Modality]]:
    return list(dict.fromkeys((owner, it) for _, owner, it in _tasks(connection)))


def _tasks(connection: Connection) -> Iterator[tuple[str, str, Modality]]:
    """Each modality of the models in use, with the model that owns its embeddings."""
    for model in models_in_use(connection):
        spec = get_spec(model)
        for modality in spec.modalities:
            yield model, spec.owner(modality), modality
