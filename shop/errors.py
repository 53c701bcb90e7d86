"""Messages and status codes of failed searches. Pages of other errors are in `shop.middleware`."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from sqlalchemy import Connection

from catalog.search.filters import count_facets
from catalog.search.pipeline import Results, SearchError, SearchSpec, UnknownProduct, search
from embedding.encoder import EncoderError, available_encoder
from embedding.image_decoding import ImageError
from shop.recent_searches import recent_search
from shop.search_messages import translated


@dataclass(frozen=True, slots=True)
class Outcome:
    """The results of a search, or no hits and a note that says why it failed."""

    results: Results
    note: str = ""
    status: HTTPStatus = HTTPStatus.OK
    is_recent: bool = False
    """Whether an equal search of the last seconds had these results."""
    until: float = 0.0
    """How long the results may be kept; see `Answer`."""


def try_search(
    connection: Connection,
    spec: SearchSpec,
    *,
    may_be_recent: bool = False,
    in_use: Sequence[str] | None = None,
) -> Outcome:
    """Run a search. A failed search has no hits; its facet counts cover the whole catalogue.

    Args:
        may_be_recent: whether the results of an equal search of the last seconds will do.
        in_use: see `search`.
    """
    try:
        if may_be_recent:
            answer = recent_search(connection, spec, in_use)
            return Outcome(answer.value, is_recent=answer.is_recent, until=answer.until)
        return Outcome(search(connection, spec, available_encoder, in_use))
    except (SearchError, ImageError, EncoderError) as error:
        facets = count_facets(connection, spec.filters)
        return Outcome(Results((), 0, spec, facets=facets), sentence(error), _status(error))


def _status(error: Exception) -> HTTPStatus:
    match error:
        case UnknownProduct():
            return HTTPStatus.NOT_FOUND
        case EncoderError():
            return HTTPStatus.SERVICE_UNAVAILABLE
        case _:
            return HTTPStatus.BAD_REQUEST


def sentence(error: Exception | str) -> str:
    """A message in the language of the page, as a sentence: with a capital letter and a full
    stop."""
    text = translated(str(error))
    return text[:1].upper() + text[1:].rstrip(".") + "."
