"""One request for a picture, by a client that trusts nothing the server says.

No cookies, no proxies from the environment, no redirects followed, no compression undone.
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

from catalog.media.fetching.safe_urls import Address, UnresolvedError, follow, resolve
from catalog.media.store import MAX_BYTES

USER_AGENT = "catalog-search (fetch_images; fetches product pictures named by the shop's feed)"
REDIRECTS = (301, 302, 303, 307, 308)
TRANSIENT = (408, 425, 429)
"""Statuses below 500 that may be others next time."""

SLICE = 0.3
"""Seconds after which a wait for the server looks whether it should stop."""


class DeadLink(Exception):
    """The address has no picture, and trying again will not help."""


class TransientError(Exception):
    """It may work later: not before `wait` seconds, if the server says so."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class Stopped(Exception):
    """Somebody asked to stop."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may take: seconds in all, seconds of silence, bytes of the answer."""

    seconds: float = 30
    silence: float = 10
    size: int = MAX_BYTES


def fetch(address: Address, limits: Limits, stop: Event) -> bytes | Address:
    """What is at an address: a file's bytes, not looked at, or the address that it redirects to.

    Raises:
        AddressError: the address, or where it redirects to, is not fetched from.
        DeadLink, TransientError: it answers something else, or nothing.
        Stopped: `stop` was set.
    """
    clock = Clock(limits, stop)
    headers: list[tuple[bytes | str, bytes | str]] = [
        *(("Host", address.origin), ("User-Agent", USER_AGENT), ("Accept", "image/*")),
        *(("Accept-Encoding", "identity"), ("Connection", "close")),
    ]
    url = httpcore2.URL(
        scheme=address.scheme, host=address.host, port=address.port, target=address.target
    )
    try:
        backend = PinnedBackend(resolve(address), clock)
        with (
            httpcore2.ConnectionPool(_ssl_context(), network_backend=backend) as pool,
            pool.stream("GET", url, headers=headers) as response,
        ):
            return _read(address, response, limits)
    except UnresolvedError as error:
        raise TransientError(str(error)) from error
    except httpcore2.TimeoutException as error:
        raise TransientError(f"no answer within {limits.silence:g} s") from error
    except httpcore2.NetworkError as error:
        cause = error.args[0] if error.args else None
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise DeadLink(f"the certificate is not valid: {cause.verify_message}") from error
        raise TransientError(f"the connection failed: {error}"[:200]) from error
    except httpcore2.ProtocolError as error:
        raise TransientError(f"not a whole HTTP answer: {error}"[:200]) from error


def _read(address: Address, response: httpcore2.Response, limits: Limits) -> bytes | Address:
    headers = {name.lower(): value.decode("latin-1") for name, value in response.headers}
    status = response.status
    if status in REDIRECTS:
        if b"location" not in headers:
            raise DeadLink(f"answered {status} without saying where to")
        return follow(address, headers[b"location"])
    if status in TRANSIENT or status >= 500:
        raise TransientError(f"answered {status}", retry_after(headers.get(b"retry-after", "")))
    if status != 200:
        raise DeadLink(f"answered {status}")
    if headers.get(b"content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise DeadLink("compressed, although that was not asked for")
    too_large = f"larger than {limits.size / 2**20:g} MB"
    length = headers.get(b"content-length", "")
    if length.isdecimal() and int(length) > limits.size:
        raise DeadLink(too_large)
    content = bytearray()
    for chunk in response.iter_stream():
        content += chunk
        if len(content) > limits.size:
            raise DeadLink(too_large)
    return bytes(content)


def retry_after(value: str) -> float | None:
    """Seconds to wait by a Retry-After header, which has seconds or a date; None: it does not say.

    The result is never negative.
    """
    if value.strip().isdecimal():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
        return max(0.0, (date - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


class Clock:
    """How long the next step of a request may take."""

    def __init__(self, limits: Limits, stop: Event) -> None:
        self.limits, self.stop = limits, stop
        self.deadline = time.monotonic() + limits.seconds

    def step(self, most: float) -> float:
        """Seconds, at most `most`.

        Raises:
            TransientError: the request took too long.
            Stopped: somebody asked to stop.
        """
        if self.stop.is_set():
            raise Stopped
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TransientError(f"took longer than {self.limits.seconds:g} s")
        return min(left, most)


class PinnedBackend(httpcore2.NetworkBackend):
    """Connects to IP addresses that were checked, whatever the name resolves to by now.

    The name still is what the Host header says and the certificate is checked for.
    """

    def __init__(self, addresses: list[str], clock: Clock) -> None:
        self.addresses, self.clock = addresses, clock

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
                seconds = self.clock.step(self.clock.limits.silence / 2)
                return TimedStream(connect(address, port, seconds), self.clock)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        seconds = self.clock.step(self.clock.limits.silence)
        return TimedStream(connect(last, port, seconds), self.clock)


class TimedStream(httpcore2.NetworkStream):
    """A connection whose every step counts towards the request's time, headers included."""

    def __init__(self, stream: httpcore2.NetworkStream, clock: Clock) -> None:
        self.stream, self.clock = stream, clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        silent_at = time.monotonic() + self.clock.limits.silence
        while True:
            try:
                return self.stream.read(max_bytes, self.clock.step(SLICE))
            except httpcore2.ReadTimeout:
                if time.monotonic() >= silent_at:
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.stream.write(buffer, self.clock.step(self.clock.limits.silence))

    def close(self) -> None:
        self.stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        seconds = self.clock.step(self.clock.limits.silence)
        stream = self.stream.start_tls(ssl_context, server_hostname, seconds)
        return TimedStream(stream, self.clock)

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)


@lru_cache(maxsize=1)
def _ssl_context() -> ssl.SSLContext:
    return httpcore2.default_ssl_context()
