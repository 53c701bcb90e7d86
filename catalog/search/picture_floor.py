"""The default minimum match of a search with pictures only.

It depends on the picture: docs/decisions/0015-picture-floor.md.
"""

from collections.abc import Sequence

from pgvector import HalfVector
from sqlalchemy import Connection

from catalog.search.fusion import MIN_MATCH, Channel
from catalog.tables import embedding_table_name, nearby

FAMILIAR = 0.95
"""Match of the nearest product picture from which on a picture shows a product."""

NEARER_TO_PICTURES = 0.25
"""A picture also shows a product if the nearest product picture has a match higher by this than the
nearest product text. Anything else is about as near to texts as to pictures."""

NO_PRODUCT = 0.9
"""The minimum match for a picture that shows no product."""

UNDECIDED = 0.5
"""The minimum match where a model has embeddings of only one modality."""


BINARY_CANDIDATES = 20
"""Number of embeddings with the most similar signs, of which the nearest one counts."""


def picture_min_match(connection: Connection, channels: Sequence[Channel]) -> float:
    """The default minimum match for a picture, given the channels of its search."""
    if not channels:
        return UNDECIDED
    nearest = {
        channel.modality: _nearest_match(connection, channel)
        for channel in channels
        if channel.model == channels[0].model
    }
    picture, text = nearest.get("image"), nearest.get("text")
    if picture is None or text is None:
        return UNDECIDED
    shows_product = picture >= FAMILIAR or picture - text >= NEARER_TO_PICTURES
    return MIN_MATCH["picture"] if shows_product else NO_PRODUCT


def _nearest_match(connection: Connection, channel: Channel) -> float | None:
    """The match of the catalogue's nearest embedding, or None if there is none."""
    table = embedding_table_name(channel.model, channel.modality)
    near = nearby(len(channel.vector), channel.binary, "%(vector)s")
    match: float | None = connection.exec_driver_sql(
        "SELECT search_internal.match(1 - distance, %(quantiles)s::float8[])"
        f"  FROM (SELECT e.embedding <=> %(vector)s AS distance FROM {table} e"
        f"         ORDER BY {near} LIMIT {BINARY_CANDIDATES if channel.binary else 1}) AS found"
        " ORDER BY distance LIMIT 1",
        {"vector": HalfVector(channel.vector), "quantiles": list(channel.quantiles)},
    ).scalar()
    return match
