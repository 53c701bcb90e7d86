"""Sends requests to encoder servers, over connections that are kept. Without torch."""

from __future__ import annotations

import logging
import os
import time
from functools import lru_cache
from itertools import count
from threading import Lock

import httpcore2

from embedding.encoder import EncoderError
from embedding.serving.protocol import ERROR, Kind

CONNECT_SECONDS = 1.0
"""How long a client waits for a connection."""

READ_SECONDS = 20.0
"""How long a client waits for an answer. A server waits for a model that it loads as long as pages
do (`embedding.encoder.PATIENCE`)."""

PAUSES_SECONDS = (0.0, 0.2, 0.5)
"""The pauses after which a request is sent again if its connection broke or the server failed. It
changes nothing, so this is safe. The first is for a connection that had been closed, the others are
for a server that is being replaced."""

DOWN_SECONDS = 5.0
"""How long a failed server is left alone. Then one request tries it again."""

IDLE_SECONDS = 60.0
MAX_CONNECTIONS = 64

MAX_MESSAGE = 500
"""The maximum length of a server's message within one of ours."""

logger = logging.getLogger(__name__)


class Unreachable(EncoderError):
    """No server answers at the address; the message says why."""


class Refusal(Exception):
    """The server's answer that it cannot do what was asked."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class _Broken(Exception):
    """A connection broke, or the answer is that of a failed server: another try may succeed."""


class Client:
    """Asks the servers at one or several addresses. All methods are thread-safe.

    Requests go to the servers in turn. What one cannot answer is sent to the next, and a server
    that failed is left alone for `DOWN_SECONDS`.

    Args:
        urls: the addresses, as in `ENCODER_URL`.
    """

    def __init__(self, urls: str) -> None:
        self._servers = [_Server(url) for url in urls.split(",")]
        self._turns = count()

    def get(self, path: str) -> bytes:
        """See `post`."""
        return self._send("GET", path, b"")[0]

    def post(self, path: str, body: bytes) -> tuple[bytes, dict[str, str]]:
        """The body of an answer, and its headers by their names in lower case.

        Raises:
            Unreachable: no server answers, or none did a moment ago.
            Refusal: one answers that it cannot.
        """
        return self._send("POST", path, body)

    def _send(self, method: str, path: str, body: bytes) -> tuple[bytes, dict[str, str]]:
        turn = next(self._turns) % len(self._servers)
        servers = [*self._servers[turn:], *self._servers[:turn]]
        # One that is tried again comes first: if it still fails, those that answered are left.
        asked = sorted((it for it in servers if not it.is_left_alone()), key=lambda it: it.is_up)
        refusal: Refusal | None = None
        for server in asked:
            try:
                return server.send(method, path, body, has_others=server is not asked[-1])
            except Unreachable:
                pass
            except Refusal as error:
                if error.kind not in (Kind.BUSY, Kind.UNAVAILABLE):
                    raise
                refusal = error
        raise refusal or Unreachable("; ".join(it.problem() for it in self._servers))


class _Server:
    """The connections to one server, and whether it answered last."""

    def __init__(self, url: str) -> None:
        self._url = url
        is_socket = url.startswith("unix:")
        self._origin = "http://encoder" if is_socket else url
        self._pool = httpcore2.ConnectionPool(
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=MAX_CONNECTIONS,
            keepalive_expiry=IDLE_SECONDS,
            uds=url.removeprefix("unix:") if is_socket else None,
        )
        self._lock = Lock()
        self._down_until: float | None = None
        self._reason = ""

    @property
    def is_up(self) -> bool:
        return self._down_until is None

    def is_left_alone(self) -> bool:
        """Whether the server failed a moment ago. Later, one request is let through."""
        with self._lock:
            if self._down_until is None:
                return False
            now = time.monotonic()
            if now < self._down_until:
                return True
            self._down_until = now + DOWN_SECONDS
            return False

    def problem(self) -> str:
        """Why the server cannot be used."""
        return f"the encoder server at {self._url} cannot be used: {self._reason}"

    def send(
        self, method: str, path: str, body: bytes, *, has_others: bool
    ) -> tuple[bytes, dict[str, str]]:
        """See `Client.post`; `has_others` means that another server can be asked."""
        pauses = iter(PAUSES_SECONDS[:1] if has_others else PAUSES_SECONDS)
        while True:
            try:
                answer = self._send_once(method, path, body)
            except Refusal:
                self._up()
                raise
            except httpcore2.ConnectError as error:  # nobody listens: nothing to wait for
                reason = getattr(error.__context__, "strerror", None) or error
                raise self._down(str(reason)) from error
            except _Broken as error:
                if (pause := next(pauses, None)) is None:
                    raise self._down(str(error)) from error.__cause__
                time.sleep(pause)
            except httpcore2.TimeoutException as error:
                raise self._down(f"no answer in time ({type(error).__name__})") from error
            else:
                self._up()
                return answer

    def _send_once(self, method: str, path: str, body: bytes) -> tuple[bytes, dict[str, str]]:
        try:
            response = self._pool.request(
                method,
                self._origin + path,
                headers={"Host": "encoder", "Content-Length": str(len(body))},
                content=body,
                extensions={
                    "timeout": {
                        "connect": CONNECT_SECONDS,
                        "pool": READ_SECONDS,
                        "write": READ_SECONDS,
                        "read": READ_SECONDS,
                    }
                },
            )
        except httpcore2.ConnectError:
            raise
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise _Broken(f"{type(error).__name__}: {error}") from error
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in response.headers
        }
        kind = next((it for it in Kind if it == headers.get(ERROR.lower())), None)
        if kind is not None:
            raise Refusal(kind, response.content.decode(errors="replace")[:MAX_MESSAGE])
        if response.status == 503:  # of a proxy that has as many requests as it can
            raise Refusal(Kind.BUSY, "too many requests wait")
        if response.status != 200:
            raise _Broken(f"answered {response.status}")
        return response.content, headers

    def _down(self, reason: str) -> Unreachable:
        with self._lock:
            is_new = self._down_until is None
            self._reason = reason
            self._down_until = time.monotonic() + DOWN_SECONDS
        if is_new:
            logger.error("%s; it is tried again every %.0f s", self.problem(), DOWN_SECONDS)
        return Unreachable(self.problem())

    def _up(self) -> None:
        if self._down_until is not None:
            with self._lock:
                self._down_until = None
            logger.warning("the encoder server at %s answers again", self._url)


def client_for(urls: str) -> Client:
    """This process's client of one or several addresses."""
    return _client(urls, os.getpid())


@lru_cache(maxsize=8)
def _client(urls: str, _process: int) -> Client:
    # A forked process must not write to its parent's connections.
    return Client(urls)
