"""Cursors: where the next page of a search starts.

A cursor is signed, so a client can neither make one nor use one with another search.
"""

from hashlib import blake2s
from http import HTTPStatus
from typing import Any

from django.core.signing import BadSignature, Signer

from shop.api.problems import Problem
from shop.search_params import SearchParams

_signer = Signer(sep=".", salt="shop.api.paging")


def cursor_of(state: SearchParams, page: int) -> str:
    """The cursor of a page of the search; it is the same at any time."""
    return _signer.sign_object([_digest(state), page])


def page_of(cursor: str, state: SearchParams) -> int:
    """The page that a cursor stands for; the first one for an empty cursor.

    Raises:
        Problem: the cursor is not one of this search.
    """
    if not cursor:
        return 1
    try:
        digest, page = _read(_signer.unsign_object(cursor))
    except (BadSignature, ValueError) as error:
        raise _invalid("This is no cursor of this API. Start with the first page.") from error
    if digest != _digest(state):
        raise _invalid("The cursor belongs to another search. Repeat all of its parameters.")
    return page


def _read(content: Any) -> tuple[str, int]:
    digest, page = content
    return digest, page


def _digest(state: SearchParams) -> str:
    query = state.changed(page=1).query()
    return blake2s(query.encode(), digest_size=9).hexdigest()


def _invalid(detail: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, "invalid_cursor", detail, [("cursor", detail)])
