"""Fetches one picture at once, for a request that waits for it. `fetch_images` uses `job.py`."""

import time
from dataclasses import replace
from threading import Event

from catalog.media.fetching.http_client import DeadLink, Limits, TransientError, fetch
from catalog.media.fetching.safe_urls import Address

MAX_REDIRECTS = 3


def fetch_picture(address: Address, limits: Limits) -> bytes:
    """The unchecked content at an address, after at most `MAX_REDIRECTS` redirects.

    `limits` hold for all requests together.

    Raises:
        AddressError: the address, or one that it redirects to, must not be fetched.
        DeadLink, TransientError: no response, or not a usable one.
    """
    ends_at = time.monotonic() + limits.total_timeout
    for _ in range(MAX_REDIRECTS + 1):
        left = ends_at - time.monotonic()
        if left <= 0:
            raise TransientError(f"took longer than {limits.total_timeout:g} s")
        found = fetch(address, replace(limits, total_timeout=left), Event())
        if not isinstance(found, Address):
            return found
        address = found
    raise DeadLink(f"redirected more than {MAX_REDIRECTS} times")
