"""Fetches the picture at an address that a shopper gives, with the guards of `fetch_images`.

Anybody can ask for an address, so only public hosts on the usual ports are reached, also after a
redirect, and what a message says does not depend on hosts of this network.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock

from catalog.config import PrivateHosts
from catalog.media.fetching.http_client import DeadLink, Limits, TransientError, fetch
from catalog.media.fetching.safe_urls import PORTS, Address, AddressError, parse_address
from embedding.image_decoding import ImageError
from shop.config import settings

LIMITS = Limits(total_timeout=8, idle_timeout=4, max_bytes=8 * 2**20)
"""The limits of each request. A page waits for it."""

MAX_REDIRECTS = 3

MAX_FETCHES = 2
"""Pictures that are fetched at the same time, for all shoppers; each occupies a thread."""

PRIVATE = PrivateHosts()
"""The private hosts that shoppers may name: none, whatever FETCH_ALLOW says."""

ALLOWED_PORTS = frozenset(PORTS.values())

USER_AGENT = "catalog-search (a shopper asked for this picture)"

logger = logging.getLogger(__name__)

_fetching: set[str] = set()
_changing = Lock()


class FetchBusy(ImageError):
    """Too many pictures are being fetched, or one for this client already."""


def fetch_picture(url: str, client: str) -> bytes:
    """The content at an address; it is not checked to be a picture.

    Args:
        client: the network address of the shopper, who can fetch one picture at a time.

    Raises:
        ImageError: there is nothing to fetch; the message is for the shopper.
    """
    if not settings().fetch_addresses:
        raise ImageError("this shop fetches no pictures: save it, then choose the file")
    try:
        address = parse_address(url)
    except AddressError as error:
        raise ImageError(f"this is not the address of a picture: {error}") from error
    with _turn(client):
        try:
            return _follow(address)
        except AddressError as error:
            logger.info("the address %s is not fetched: %s", address, error)
            raise ImageError(
                "this address cannot be reached from here: save the picture, then choose the file"
            ) from error
        except (DeadLink, TransientError) as error:
            raise ImageError(f"the picture cannot be fetched: {error}") from error


def _follow(address: Address) -> bytes:
    for _ in range(1 + MAX_REDIRECTS):
        if address.port not in ALLOWED_PORTS:
            raise AddressError("not one of the usual ports")
        found = fetch(address, LIMITS, Event(), PRIVATE, USER_AGENT)
        if isinstance(found, bytes):
            return found
        address = found
    raise DeadLink(f"redirected more than {MAX_REDIRECTS} times")


@contextmanager
def _turn(client: str) -> Iterator[None]:
    with _changing:
        if client in _fetching or len(_fetching) >= MAX_FETCHES:
            raise FetchBusy("another picture is being fetched: try again in some seconds")
        _fetching.add(client)
    try:
        yield
    finally:
        with _changing:
            _fetching.discard(client)
