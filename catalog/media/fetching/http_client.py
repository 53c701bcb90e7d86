"""Sends one GET request for a picture, without trusting the server.

No cookies, no proxies from the environment, no automatic redirects, no decompression.
"""

import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from threading import Event
from typing import Any

import httpcore2

from catalog.config import PrivateHosts
from catalog.media.fetching.safe_urls import Address, UnresolvedError, follow, resolve
from catalog.media.store import MAX_BYTES

USER_AGENT = "catalog-search (fetch_images; fetches product pictures named by the shop's feed)"
REDIRECTS = (301, 302, 303, 307, 308)
TRANSIENT = (408, 425, 429)
"""Statuses below 500 after which a retry may succeed."""

POLL_INTERVAL = 0.3
"""Seconds between checks, during a read, whether the run was stopped."""


class DeadLink(Exception):
    """The URL has no usable picture, and a retry will not help."""


class TransientError(Exception):
    """A retry may succeed, after `wait` seconds if the server asked for a pause."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class Stopped(Exception):
    """The run was stopped."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one request: seconds in total, seconds without data, bytes of the response."""

    total_timeout: float = 30
    idle_timeout: float = 10
    max_bytes: int = MAX_BYTES


def fetch(
    address: Address,
    limits: Limits,
    stop: Event,
    private: PrivateHosts | None = None,
    user_agent: str = USER_AGENT,
) -> bytes | Address:
    """The unchecked content at a URL, or the URL that it redirects to.

    Args:
        private: see `resolve`.

    Raises:
        AddressError: the URL, or the redirect's target, must not be fetched.
        DeadLink, TransientError: no response, or not a usable one.
        Stopped: `stop` was set.
    """
    deadline = Deadline(limits, stop)
    headers: list[tuple[bytes | str, bytes | str]] = [
        *(("Host", address.origin), ("User-Agent", user_agent), ("Accept", "image/*")),
        *(("Accept-Encoding", "identity"), ("Connection", "close")),
    ]
    url = httpcore2.URL(
        scheme=address.scheme, host=address.host, port=address.port, target=address.target
    )
    try:
        backend = PinnedBackend(resolve(address, private), deadline)
        with (
            httpcore2.ConnectionPool(_ssl_context(), network_backend=backend) as pool,
            pool.stream("GET", url, headers=headers) as response,
        ):
            return _read(address, response, limits)
    except UnresolvedError as error:
        raise TransientError(str(error)) from error
    except httpcore2.TimeoutException as error:
        raise TransientError(f"no answer within {limits.idle_timeout:g} s") from error
    except httpcore2.NetworkError as error:
        cause = error.args[0] if error.args else None
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise DeadLink(f"the certificate is not valid: {cause.verify_message}") from error
        raise TransientError(f"the connection failed: {error}"[:200]) from error
    except httpcore2.ProtocolError as error:
        raise TransientError(f"incomplete or invalid HTTP response: {error}"[:200]) from error


def _read(address: Address, response: httpcore2.Response, limits: Limits) -> bytes | Address:
    headers = {name.lower(): value.decode("latin-1") for name, value in response.headers}
    status = response.status
    if status in REDIRECTS:
        if b"location" not in headers:
            raise DeadLink(f"answered {status} without a Location header")
        return follow(address, headers[b"location"])
    if status in TRANSIENT or status >= 500:
        raise TransientError(
            f"answered {status}", parse_retry_after(headers.get(b"retry-after", ""))
        )
    if status != 200:
        raise DeadLink(f"answered {status}")
    if headers.get(b"content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise DeadLink("the response is compressed, which was not requested")
    too_large = f"larger than {limits.max_bytes / 2**20:g} MB"
    length = headers.get(b"content-length", "")
    if length.isdecimal() and int(length) > limits.max_bytes:
        raise DeadLink(too_large)
    content = bytearray()
    for chunk in response.iter_stream():
        content += chunk
        if len(content) > limits.max_bytes:
            raise DeadLink(too_large)
    return bytes(content)


def parse_retry_after(value: str) -> float | None:
    """Seconds to wait, at least 0, from a Retry-After header, which contains seconds or a date.

    None if the header is missing or malformed.
    """
    if value.strip().isdecimal():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
        return max(0.0, (date - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


class Deadline:
    """The deadline of one request."""

    def __init__(self, limits: Limits, stop: Event) -> None:
        self.limits, self.stop = limits, stop
        self.ends_at = time.monotonic() + limits.total_timeout

    def timeout(self, at_most: float) -> float:
        """The timeout of the next step in seconds: the time left, but not more than `at_most`.

        Raises:
            TransientError: the deadline has passed.
            Stopped: the run was stopped.
        """
        if self.stop.is_set():
            raise Stopped
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise TransientError(f"took longer than {self.limits.total_timeout:g} s")
        return min(left, at_most)


class PinnedBackend(httpcore2.NetworkBackend):
    """Connects only to IP addresses that were checked, so a changed DNS answer has no effect.

    The Host header and the certificate check still use the host name.
    """

    def __init__(self, addresses: list[str], deadline: Deadline) -> None:
        self.addresses, self.deadline = addresses, deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        *others, last = self.addresses
        connect = httpcore2.SyncBackend().connect_tcp
        for address in others:
            try:
                seconds = self.deadline.timeout(self.deadline.limits.idle_timeout / 2)
                return TimedStream(connect(address, port, seconds), self.deadline)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        seconds = self.deadline.timeout(self.deadline.limits.idle_timeout)
        return TimedStream(connect(last, port, seconds), self.deadline)


class TimedStream(httpcore2.NetworkStream):
    """A connection on which every operation respects the request's deadline."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self.stream, self.deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        idle_at = time.monotonic() + self.deadline.limits.idle_timeout
        while True:
            try:
                return self.stream.read(max_bytes, self.deadline.timeout(POLL_INTERVAL))
            except httpcore2.ReadTimeout:
                if time.monotonic() >= idle_at:
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.stream.write(buffer, self.deadline.timeout(self.deadline.limits.idle_timeout))

    def close(self) -> None:
        self.stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        seconds = self.deadline.timeout(self.deadline.limits.idle_timeout)
        stream = self.stream.start_tls(ssl_context, server_hostname, seconds)
        return TimedStream(stream, self.deadline)

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)


@lru_cache(maxsize=1)
def _ssl_context() -> ssl.SSLContext:
    return httpcore2.default_ssl_context()
