"""Answers equal searches and suggestions within `SEARCH_CACHE_SECONDS` from memory.

The page, the API and the page of a product share the answers. What the search page renders of an
answer is kept with it: as long, for one language, and without anything of the request. What staff
do in the admin makes their process forget all of this (`shop.admin_site`). Other processes, and
changes by imports or SQL, are seen when an answer is too old.
"""

import sys
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language
from sqlalchemy import Connection

from catalog import config
from catalog.active_models import models_in_use
from catalog.db.ttl_cache import database_of
from catalog.search.pipeline import Results, SearchSpec, search
from catalog.search.suggestions import DEFAULT_LIMIT, MAX_TYPED, Suggestions, suggest
from embedding.encoder import available_encoder
from shop.answer_cache import Answer, AnswerCache
from shop.kept_values import KeptValues
from shop.metrics import ANSWERS
from shop.search_params import SearchParams

if TYPE_CHECKING:
    from shop.search_page import SearchPage

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
) -> Answer[Results]:
    """The results of `search`, which nobody may change.

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
        return Answer(search(connection, spec, available_encoder))
    answer = _searches.get(key, compute)
    return replace(answer, value=replace(answer.value, spec=spec))


def recent_suggestions(
    connection: Connection, text: str, limit: int = DEFAULT_LIMIT
) -> Suggestions:
    """What `suggest` returns."""
    key = database_of(connection), text[:MAX_TYPED], limit
    return _suggestions.get(key, lambda: suggest(connection, text, limit)).value


def page_key(
    connection: Connection,
    in_use: Sequence[str],
    state: SearchParams,
    notes: Sequence[str],
    *,
    is_partial: bool,
) -> Hashable | None:
    """What the rendered search page depends on besides the catalogue; None if it is not kept.

    Args:
        in_use: the models in use, the default one first.
        notes: those about the address.
        is_partial: whether only the parts that htmx swaps are rendered.
    """
    # Pictures belong to one shopper. While developing, templates change.
    if state.pictures or settings.DEBUG or not settings.SEARCH_CACHE_SECONDS:
        return None
    database = database_of(connection), config.settings(), tuple(in_use)
    return _times_forgotten, *database, state, tuple(notes), get_language(), is_partial


def recent_page(key: Hashable | None) -> "SearchPage | None":
    """The page of an equal request of the last seconds; None if there is none."""
    kept = None if key is None else _pages.get(key)
    if key is not None:
        ANSWERS.labels("pages", "recent" if kept else "computed").inc()
    return kept.value if kept else None


def keep_page(key: Hashable | None, page: "SearchPage", until: float) -> None:
    """Keep a page as long as the answer that it shows; see `Answer.until`."""
    if key is not None and until:
        _pages.keep(key, page, until)


def forget_answers() -> None:
    """Forget all answers and pages of this process, and do not use those that are being made."""
    global _times_forgotten
    _times_forgotten += 1
    _searches.forget()
    _suggestions.forget()
    _pages.forget()


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


def _size_of_page(page: "SearchPage") -> int:
    return _size_of_results(page.results) + sys.getsizeof(page.title) + sys.getsizeof(page.content)


_searches = AnswerCache("searches", _size_of_results, keeps=lambda found: found.is_complete)
_suggestions = AnswerCache("suggestions", _size_of_suggestions)
_pages: "KeptValues[SearchPage]" = KeptValues(_size_of_page)
_times_forgotten = 0
"""A part of the keys of pages, so that one that was begun before is not found afterwards."""
