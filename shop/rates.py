"""How many requests a client may send in a minute: the only place that counts them.

Each kind of request has a setting with its rate (`shop.config.RateSettings`), and each client its
own moving window of a minute for each kind. The windows are in memory, which the processes of one
`serve` share, or in the store that RATE_STORE names, which all processes and hosts share.
"""

import logging
import time
from collections.abc import Callable
from functools import lru_cache, wraps
from http import HTTPStatus
from ipaddress import IPv6Address, IPv6Network, ip_address
from math import ceil
from typing import Any, Literal

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from limits import RateLimitItemPerMinute
from limits.errors import ConfigurationError, StorageError
from limits.storage import MovingWindowSupport, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from embedding.errors import UserFacingError
from shop.rate_memory import BoundedMemory
from shop.rate_shared import SharedMemory

Kind = Literal[
    "SEARCH_RATE",
    "PICTURE_SEARCH_RATE",
    "UPLOAD_RATE",
    "FETCH_RATE",
    "SUGGESTION_RATE",
    "API_RATE",
    "API_ANONYMOUS_RATE",
]
"""What is counted, by the name of the setting with the rate."""

IPV6_PREFIX = 64
"""Bits of an IPv6 address that count as one client: a subscriber has all addresses behind them."""

MAX_LOGIN_NAME = 150
"""The maximum length of a user name, in characters, as Django's users have."""

STORE_SECONDS = 0.5
"""How long a request waits for Redis."""

STORE_PAUSE = 10.0
"""How long the memory is used after the store did not answer, in seconds."""

View = Callable[..., HttpResponse]

logger = logging.getLogger(__name__)

_memory = MovingWindowRateLimiter(BoundedMemory())
_store_away_until = 0.0


class TooManyRequests(Exception):
    """A client has sent more than `per_minute` requests; try again after `retry_after` seconds."""

    def __init__(self, per_minute: int, retry_after: int) -> None:
        super().__init__(f"More than {per_minute} requests in a minute.")
        self.per_minute, self.retry_after = per_minute, retry_after


class RateStoreError(UserFacingError):
    """RATE_STORE cannot be used; the message says why."""


def limited(kind: Kind) -> Callable[[View], View]:
    """Decorate a view: it counts the client's requests of this kind."""

    def decorate(view: View) -> View:
        @wraps(view)
        def counted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            count_request(kind, network_of(request))
            return view(request, *args, **kwargs)

        return counted

    return decorate


def count_request(kind: Kind, client: str, per_minute: int | None = None) -> None:
    """Count a request of `client`.

    Args:
        per_minute: the rate in place of the setting's; 0 means any number.

    Raises:
        TooManyRequests: refused requests do not count.
    """
    rate = getattr(settings, kind) if per_minute is None else per_minute
    if not rate:
        return
    shared = _shared_store()
    if shared is not None:
        try:
            return _count(shared, kind, client, rate)
        except StorageError as error:
            _note_away(error)
    _count(_memory, kind, client, rate)


def network_of(request: HttpRequest) -> str:
    """The network that an anonymous client is known by: an IPv4 address, or 64 bits of IPv6.

    The server sets REMOTE_ADDR to the client behind a trusted proxy.
    """
    network = _network(request.META.get("REMOTE_ADDR", ""))
    return "unknown" if network is None else str(network)


def login_address(request: HttpRequest) -> str | None:
    """The address that failed logins are counted for (django-axes): the first of the client's
    network."""
    network = _network(request.META.get("REMOTE_ADDR", ""))
    return str(network.network_address) if isinstance(network, IPv6Network) else network


def login_name(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """The user name that a failed login is stored with (django-axes), of any length and content."""
    given = request.POST.get("username", "") if credentials is None else credentials["username"]
    return str(given).replace("\0", "")[:MAX_LOGIN_NAME]


def share_counts() -> None:
    """Count in memory that this process shares with those that it forks from now on."""
    global _memory
    _memory = MovingWindowRateLimiter(SharedMemory())


def forget_counts() -> None:
    """Start again, in tests."""
    _memory.storage.reset()


def check_store(uri: str) -> None:
    """Check a value of RATE_STORE.

    Raises:
        RateStoreError: see there. That the store does not answer is no error.
    """
    _limiter(uri)


def _count(limiter: MovingWindowRateLimiter, kind: Kind, client: str, rate: int) -> None:
    item = RateLimitItemPerMinute(rate)
    if limiter.hit(item, kind, client):
        return
    wait = limiter.get_window_stats(item, kind, client).reset_time - time.time()
    raise TooManyRequests(rate, min(60, max(1, ceil(wait))))


def _network(address: str) -> str | IPv6Network | None:
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:  # a Unix socket has none
        return None
    if not isinstance(known, IPv6Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return IPv6Network((known, IPV6_PREFIX), strict=False)


def _shared_store() -> MovingWindowRateLimiter | None:
    if not settings.RATE_STORE or time.monotonic() < _store_away_until:
        return None
    return _limiter(settings.RATE_STORE)


@lru_cache(maxsize=4)
def _limiter(uri: str) -> MovingWindowRateLimiter:
    times: dict[str, float | str | bool] = {}
    if uri.startswith(("redis", "valkey")):
        times = {"socket_timeout": STORE_SECONDS, "socket_connect_timeout": STORE_SECONDS}
    try:
        storage = storage_from_string(uri, wrap_exceptions=True, **times)
    except (ConfigurationError, ValueError, ImportError) as error:
        raise RateStoreError(f"RATE_STORE cannot be used: {error}") from error
    if not isinstance(storage, MovingWindowSupport):
        raise RateStoreError("RATE_STORE cannot be used: this kind of store has no moving windows")
    return MovingWindowRateLimiter(storage)


def _note_away(error: StorageError) -> None:
    global _store_away_until
    _store_away_until = time.monotonic() + STORE_PAUSE
    logger.warning(
        "the store of RATE_STORE does not answer, so each host counts for itself: %s",
        error,
        extra={"status_code": HTTPStatus.SERVICE_UNAVAILABLE},  # one line a minute
    )
