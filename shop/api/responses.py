"""Writes responses: one pass of serialization, and an ETag for clients that ask again."""

from collections.abc import Mapping
from hashlib import blake2b

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from pydantic import BaseModel

CACHE_CONTROL = "private, no-cache"
"""Clients may keep a response, but must ask each time whether it is still right."""

HEADERS = {"Cache-Control": CACHE_CONTROL, "Vary": "Authorization"}


def json_response(
    request: HttpRequest, content: BaseModel, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """The content as JSON; status 304 without content if the client has it already."""
    body = content.model_dump_json().encode()
    etag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
    response = HttpResponse(
        body,
        content_type="application/json",
        headers=HEADERS | {"ETag": etag} | dict(headers or {}),
    )
    if request.method != "GET":
        return response
    conditional = get_conditional_response(request, etag=etag, response=response)
    assert isinstance(conditional, HttpResponse)
    return conditional
