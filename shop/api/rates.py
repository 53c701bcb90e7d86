"""How many requests a client may send in a minute.

The counts are in the cache `rates` of the settings: the memory of this process, bounded. Processes
beside it count for themselves.
"""

from http import HTTPStatus
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from threading import Lock
from typing import cast

from django.core.cache import BaseCache, caches
from django.http import HttpRequest
from django.utils.connection import ConnectionProxy
from ninja.throttling import SimpleRateThrottle

from shop.api.problems import Problem

IPV6_PREFIX = 64
"""Bits of an IPv6 address that count as one client: a subscriber has all addresses behind them."""

_lock = Lock()


class _Rate(SimpleRateThrottle):
    """A throttle of one request: ninja's own keep the state of a request between threads."""

    cache = cast(BaseCache, ConnectionProxy(caches, "rates"))

    def __init__(self, client: str, per_minute: int) -> None:
        super().__init__(f"{per_minute}/min")
        self._client = client

    def get_cache_key(self, request: HttpRequest) -> str:
        return self._client


def count_request(request: HttpRequest, client: str, per_minute: int) -> None:
    """Count a request of `client`; 0 a minute means any number.

    Raises:
        Problem: the client has sent too many requests. Refused requests do not count.
    """
    if not per_minute:
        return
    rate = _Rate(client, per_minute)
    with _lock:
        allowed = rate.allow_request(request)
    if not allowed:
        raise Problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            "too_many_requests",
            f"More than {per_minute} requests in a minute.",
            headers={"Retry-After": str(max(1, ceil(rate.wait() or 1)))},
        )


def network_of(request: HttpRequest) -> str:
    """The network address that an anonymous client is known by.

    The server sets REMOTE_ADDR to the client behind a trusted proxy.
    """
    address = request.META.get("REMOTE_ADDR", "")
    try:
        known = ip_address(address)
    except ValueError:  # a Unix socket has none
        return "unknown"
    if isinstance(known, IPv6Address) and known.ipv4_mapped is None:
        return str(ip_network(f"{known}/{IPV6_PREFIX}", strict=False))
    return str(known)
