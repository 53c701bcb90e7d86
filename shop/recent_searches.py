"""Answers equal searches and suggestions within `SEARCH_CACHE_SECONDS` from memory.

The page, the API and the page of a product share the answers. What staff do in the admin makes
their process forget all of them (`shop.admin_site`). Other processes, and changes by imports or
SQL, are seen when an answer is too old.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from types import MappingProxyType
from typing import Any

import numpy as np
from django.conf import settings
from django.http import HttpRequest
from sqlalchemy import Connection

from catalog import config
from catalog.active_models import models_in_use
from catalog.db.ttl_cache import database_of
from catalog.search.pipeline import Results, SearchSpec, search
from catalog.search.suggestions import DEFAULT_LIMIT, MAX_TYPED, Suggestions, suggest
from embedding.encoder import available_encoder
from shop.answer_cache import AnswerCache

HIT_BYTES, VALUE_BYTES = 2000, 200
"""About how many bytes a hit, and a value of a facet or a suggestion, need."""


def may_be_recent(request: HttpRequest) -> bool:
    """Whether an answer of the last seconds will do: not for staff, who look at what they have
    changed, nor for a client that asks for a new one."""
    if "no-cache" in request.headers.get("Cache-Control", ""):
        return False
    has_session = settings.SESSION_COOKIE_NAME in request.COOKIES
    return not (has_session and getattr(request.user, "is_staff", False))


def recent_search(
    connection: Connection, spec: SearchSpec, in_use: Sequence[str] | None = None
) -> tuple[Results, bool]:
    """The results of `search`, which nobody may change, and whether they were known.

    Args:
        in_use: see `search`.

    Raises:
        see `search`.
    """
    pictures = *map(_digest, spec.images), None, *map(_digest, spec.without_images)
    asked = replace(spec, images=(), without_images=(), weights=None)
    models = tuple(models_in_use(connection) if in_use is None else in_use)
    key = database_of(connection), config.settings(), models, asked, pictures

    def compute() -> Results:
        results = search(connection, spec, available_encoder, models)
        return _shareable(replace(results, spec=asked))

    if spec.weights is not None:
        return search(connection, spec, available_encoder), False
    results, is_recent = _searches.get(key, compute)
    return replace(results, spec=spec), is_recent


def recent_suggestions(
    connection: Connection, text: str, limit: int = DEFAULT_LIMIT
) -> Suggestions:
    """What `suggest` returns."""
    key = database_of(connection), text[:MAX_TYPED], limit
    return _suggestions.get(key, lambda: suggest(connection, text, limit))[0]


def forget_answers() -> None:
    """Forget all answers of this process."""
    _searches.forget()
    _suggestions.forget()


def _digest(picture: bytes) -> bytes:
    return blake2b(picture, digest_size=16).digest()


def _shareable(results: Results) -> Results:
    """The results with containers that cannot be changed."""
    for vector in results.encoded.values():
        vector.setflags(write=False)
    facets = {facet: tuple(values) for facet, values in results.facets.items()}
    return replace(
        results,
        facets=MappingProxyType(facets),
        encoded=MappingProxyType(dict(results.encoded)),
        wanted=MappingProxyType(dict(results.wanted)),
    )


def _size_of_results(results: Results) -> int:
    vectors: Mapping[Any, np.ndarray] = results.encoded
    return (
        HIT_BYTES * (len(results.hits) + len(results.close) + 1)
        + VALUE_BYTES * sum(map(len, results.facets.values()))
        + sum(vector.nbytes for vector in vectors.values())
    )


def _size_of_suggestions(found: Suggestions) -> int:
    groups: tuple[Sequence[object], ...] = (
        found.queries,
        found.values,
        found.brands,
        found.products,
    )
    return VALUE_BYTES * (sum(map(len, groups)) + 1)


_searches = AnswerCache("searches", _size_of_results, keeps=lambda found: not found.notes)
_suggestions = AnswerCache("suggestions", _size_of_suggestions)
