"""Asks the worker to embed products again, and what has failed once more."""

from collections.abc import Sequence

from sqlalchemy import Connection

from catalog.active_models import models_in_use
from catalog.indexing.pending import Selection
from catalog.indexing.versions import make_stale
from embedding.registry import get_spec

WAKE = "SELECT pg_notify('search_products', '') WHERE pg_notification_queue_usage() < 0.5"
"""Wakes the workers; they also look for work on their own."""


def request_products(connection: Connection, skus: Sequence[str]) -> None:
    """Have all models embed the products at the workers' next pass, also what has failed.

    Their embeddings are used until they are replaced.
    """
    names = models_in_use(connection)
    tasks = {(get_spec(name).owner(it), it) for name in names for it in get_spec(name).modalities}
    for owner, modality in sorted(tasks):
        make_stale(connection, get_spec(owner), modality, Selection(skus=tuple(skus)))
    connection.exec_driver_sql(WAKE)


def retry_failures(connection: Connection, ids: Sequence[int]) -> int:
    """Have the worker try failed texts and pictures again; returns their number.

    Args:
        ids: keys of rows of `embedding_failure`.
    """
    found = connection.exec_driver_sql(
        "DELETE FROM embedding_failure WHERE id = ANY(%(ids)s)", {"ids": list(ids)}
    )
    connection.exec_driver_sql(WAKE)
    return found.rowcount
