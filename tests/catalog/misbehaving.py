"""A web server that misbehaves in many ways and counts its requests."""

import socket
import struct
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

from PIL import Image


def jpeg(colour: str = "red", size: tuple[int, int] = (30, 40)) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, colour).save(buffer, "JPEG")
    return buffer.getvalue()


def bomb() -> bytes:
    """A PNG of a few bytes whose header declares 2,500 million pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT"


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.hits: Counter[str] = Counter()
        self.headers_seen: list[dict[str, str]] = []
        self.start_times: list[float] = []
        self.active = 0
        self.max_active = 0
        self.four_requests = threading.Barrier(4)
        self.released = threading.Event()
        self.closing = threading.Event()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}/{path}"

    def handle_error(self, *_: Any) -> None:
        """Print nothing: these tests provoke disconnects."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        server = self.server
        path, _, argument = self.path.split("?")[0].strip("/").partition("/")
        with server.lock:
            server.hits[self.path] += 1
            server.headers_seen.append({key.lower(): value for key, value in self.headers.items()})
            server.start_times.append(time.monotonic())
            server.active += 1
            server.max_active = max(server.max_active, server.active)
        try:
            with suppress(OSError):
                getattr(self, f"get_{path}")(argument)
        finally:
            with server.lock:
                server.active -= 1

    def send(self, content: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content_Type": "image/jpeg", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def repeat(self, content: bytes, pause: float = 0.0) -> None:
        while not self.server.closing.wait(pause):
            self.wfile.write(content)

    def get_ok(self, colour: str) -> None:
        self.send(jpeg(colour or "red"))

    def get_slow(self, colour: str) -> None:
        time.sleep(0.1)
        self.send(jpeg(colour))

    def get_together(self, _: str) -> None:
        """Respond only when four requests are waiting at the same time."""
        self.server.four_requests.wait(60)
        self.send(jpeg())

    def get_held(self, _: str) -> None:
        self.server.released.wait(60)
        self.send(jpeg())

    def get_lying(self, _: str) -> None:
        self.send(jpeg(), Content_Type="text/html")

    def get_html(self, _: str) -> None:
        self.send(b"<html>Sorry</html>")

    def get_drip(self, _: str) -> None:
        self.send(b"", Content_Length="1000")
        self.repeat(b"x", 0.1)

    def get_dripping(self, _: str) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        self.repeat(b"X-A: b\r\n", 0.1)

    def get_silent(self, _: str) -> None:
        self.server.closing.wait(30)

    def get_endless(self, _: str) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        self.repeat(b"x" * 65536)

    def get_large(self, _: str) -> None:
        self.send(b"", Content_Length=str(10**12))

    def get_short(self, _: str) -> None:
        self.send(jpeg(), Content_Length="100000")

    def get_long(self, _: str) -> None:
        self.send(jpeg(size=(300, 300)), Content_Length="900")

    def get_truncated(self, _: str) -> None:
        self.send(jpeg(size=(300, 300))[:900])

    def get_empty(self, _: str) -> None:
        self.send(b"")

    def get_bomb(self, _: str) -> None:
        self.send(bomb())

    def get_gzip(self, _: str) -> None:
        packer = zlib.compressobj(9, wbits=31)
        content = packer.compress(bytes(100 * 2**20)) + packer.flush()
        self.send(content, Content_Encoding="gzip")

    def get_headers(self, _: str) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        self.repeat(b"X-A: " + b"b" * 1000 + b"\r\n")

    def get_junk(self, _: str) -> None:
        self.wfile.write(b"\x00\xff" * 100 + b"\r\n\r\n")

    def get_reset(self, _: str) -> None:
        # Closing with a linger time of zero sends a TCP reset.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def get_status(self, status: str) -> None:
        self.send(b"", int(status))

    def get_later(self, seconds: str) -> None:
        self.once(lambda: self.send(b"", 429, Retry_After=seconds))

    def get_broken(self, _: str) -> None:
        self.once(lambda: self.send(b"", 500))

    def get_to(self, address: str) -> None:
        self.send(b"", 302, Location=address)

    def get_hops(self, left: str) -> None:
        number = int(left)
        if number:
            self.send(b"", 301, Location=f"/hops/{number - 1}")
        else:
            self.send(jpeg())

    def get_loop(self, _: str) -> None:
        self.send(b"", 302, Location="/loop")

    def get_nowhere(self, _: str) -> None:
        self.send(b"", 302)

    def once(self, misbehave: Callable[[], None]) -> None:
        if self.server.hits[self.path] == 1:
            misbehave()
        else:
            self.send(jpeg())


@contextmanager
def misbehaving_server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join()
