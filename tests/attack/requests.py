"""Hostile requests, made by hypothesis, and what the application answers to them.

They are sent to the WSGI application, so that bytes reach it that a client library would refuse.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import quote_from_bytes

from hypothesis import strategies as st
from PIL import Image

from tests.bombs import scan_bomb

MARKER = "<zq onload=x>"
"""Markup that no response may contain as it is."""

CSRF = "a" * 32


@dataclass(frozen=True, slots=True)
class Request:
    """A request as a client could send it: the path and the query are percent-encoded."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def size(self) -> int:
        head = len(self.path) + len(self.query)
        return head + sum(map(len, [*self.headers, *self.headers.values()])) + len(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def send(application: Any, request: Request) -> Answer:
    """Call the application as a server does."""
    path = bytearray()
    parts = request.path.encode().split(b"%")
    path += parts[0]
    for part in parts[1:]:
        try:
            path += bytes([int(part[:2], 16)]) + part[2:]
        except ValueError:
            path += b"%" + part
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path.decode("latin-1"),
        "QUERY_STRING": request.query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "203.0.113.9",
        "CONTENT_LENGTH": str(len(request.body)),
        "HTTP_HOST": "localhost",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(request.body),
        "wsgi.errors": BytesIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    } | request.headers
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
        started.append((status, headers))

    body: Iterable[bytes] = application(environ, start)
    content = b"".join(body)
    if close := getattr(body, "close", None):
        close()
    status, headers = started[-1]
    return Answer(int(status[:3]), dict(headers), content)


NASTY = (
    MARKER,
    f"red {MARKER}",
    f"\"'><script>{MARKER}</script>",
    "'; DROP TABLE product; --",
    "{{ 7|add:7 }}{% now 'Y' %}",
    "${7*7} #{7*7}",
    "%00",
    "\x00",
    "\r\nSet-Cookie: a=b",
    "../../../../etc/passwd",
    "file:///etc/passwd",
    "http://169.254.169.254/latest/meta-data",
    "javascript:alert(1)",
    "A\u0300" * 300,
    "\u202e\ud7ff\ufffe",
    "🩱" * 100,
    "9" * 400,
    "-1",
    "1e999",
    "NaN",
    "0x10",
    "١٢",
    "a" * 3000,
    "(" * 200,
    '"' * 199,
    "-" * 300,
    "not " * 100,
    "under 5 " * 60,
    "red shirt",
    "",
    "1",
    "0" * 64,
    "f" * 64 + "-0-0-1000-1000",
    "f" * 64 + "-999-999-9999-9999",
)

text = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
)
encoded = st.one_of(
    text.map(lambda value: quote_from_bytes(value.encode())),
    st.binary(max_size=20).map(quote_from_bytes),
    st.sampled_from(["%", "%zz", "%ff%fe", "+", "%2e%2e%2f", "%252e%252e", "%ed%a0%80"]),
)

NAMES = (
    *("q", "picture", "like", "blend", "model", "min_match", "min_price", "max_price", "sort"),
    *("page", "limit", "colour", "brand", "f_size", "in_stock", "verbatim", "diversity"),
    *("group_variants", "default_min_match", "refused", "c", "cursor", "explain", "next", "state"),
)
PATHS = (
    *("/", "/suggest/", "/compare/", "/compare/verdict/", "/picture/", "/api/v1/search"),
    *("/api/v1/products", "/api/v1/suggest", "/api/v1/models", "/api/v1/coverage", "/api/docs"),
    *("/api/openapi.json", "/robots.txt", "/sitemap.xml", "/favicon.ico", "/admin/login/"),
    *("/admin/", "/admin/logout/", "/admin/shop/product/", "/.well-known/security.txt"),
)
PREFIXES = (
    *("/", "/product/", "/picture/", "/api/v1/products/", "/api/v1/similar/", "/api/", "/admin/"),
    *("/media/thumbnails/320/", "/media/", "/static/", "/sitemap-", "/compare/"),
)

query = st.lists(st.tuples(st.sampled_from(NAMES) | encoded, encoded), max_size=8).map(
    lambda pairs: "&".join(f"{name}={value}" for name, value in pairs)
)
path = st.one_of(
    st.sampled_from(PATHS), st.builds("{}{}".format, st.sampled_from(PREFIXES), encoded)
)
header_value = text.map(lambda value: value.encode().decode("latin-1").replace("\n", " "))
headers = st.dictionaries(
    st.sampled_from(
        [
            *("HTTP_HX_REQUEST", "HTTP_HX_CURRENT_URL", "HTTP_REFERER", "HTTP_COOKIE"),
            *("HTTP_ACCEPT", "HTTP_ACCEPT_LANGUAGE", "HTTP_ACCEPT_ENCODING", "HTTP_RANGE"),
            *("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_AUTHORIZATION", "HTTP_HOST"),
            *("HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_ORIGIN", "HTTP_USER_AGENT"),
            *("HTTP_X_CSRFTOKEN", "HTTP_X_HTTP_METHOD_OVERRIDE", "REMOTE_ADDR"),
        ]
    ),
    header_value
    | st.sampled_from(["true", "gzip", "en, de;q=0.5", "application/json", "Bearer x", "de"]),
    max_size=4,
)
pages = st.builds(
    Request,
    st.sampled_from(["GET"] * 8 + ["HEAD", "OPTIONS", "PUT", "DELETE", "TRACE", "X"]),
    path,
    query,
    headers,
)
searches = st.builds(
    Request,
    st.just("GET"),
    st.sampled_from(["/", "/", "/suggest/", "/compare/", "/api/v1/search", "/api/v1/products"]),
    query,
)


def _picture() -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (40, 40), "red").save(buffer, "PNG")
    return buffer.getvalue()


PICTURE = _picture()
CONTENTS = (
    PICTURE,
    PICTURE[:60],
    PICTURE[:-20] + bytes(20),
    scan_bomb((64, 64), 300),
    b"GIF89a" + b"\xff" * 30,
    b"<svg xmlns='http://www.w3.org/2000/svg' onload='x'/>",
    b"%!PS\n",
    b"",
)
field_name = st.sampled_from(
    ["file", "file", "state", "address", "picture_url", "token", "verdict"]
)


@st.composite
def parts(draw: st.DrawFn) -> bytes:
    """One part of a multipart body, right or wrong."""
    name = draw(field_name) if draw(st.integers(0, 5)) else draw(text)
    head = f'Content-Disposition: form-data; name="{name}"'
    if name == "file" or draw(st.booleans()):
        head += f'; filename="{draw(text)}"'
    head += draw(
        st.sampled_from(
            [
                *("", "", "", "\r\nContent-Type: image/png", "\r\nContent-Type: text/x; charset=x"),
                *("\r\nContent-Transfer-Encoding: base64", "\r\nContent-Length: -1"),
                "\r\nX: " + "a" * 2000,
            ]
        )
    )
    content = draw(st.sampled_from(CONTENTS) | text.map(str.encode) | st.binary(max_size=100))
    return head.encode() + b"\r\n\r\n" + content


@st.composite
def bodies(draw: st.DrawFn) -> Request:
    """A request with a body: multipart, a form, JSON, or none of them."""
    kind = draw(st.sampled_from(["multipart"] * 3 + ["form", "json", "other"]))
    chosen = {"HTTP_COOKIE": f"csrftoken={CSRF}", "HTTP_X_CSRFTOKEN": CSRF}
    if kind == "multipart":
        made = draw(st.lists(parts(), max_size=4))
        body = b"".join(b"--x\r\n" + part + b"\r\n" for part in made) + b"--x--\r\n"
        body = body[: len(body) - draw(st.sampled_from([0, 0, 0, 4, 30]))]
        content_type = "multipart/form-data; boundary=x"
    elif kind == "form":
        body, content_type = draw(query).encode(), "application/x-www-form-urlencoded"
    elif kind == "json":
        body = draw(st.sampled_from([b"{}", b"[" * 3000, b'{"q":"' + MARKER.encode() + b'"}']))
        content_type = "application/json"
    else:
        body, content_type = draw(st.binary(max_size=60)), draw(header_value)
    suffix = draw(st.sampled_from([""] * 8 + ["; charset=utf-16", "; charset*=x''%00"]))
    chosen["CONTENT_TYPE"] = content_type + suffix
    targets = ["/picture/", "/api/v1/search", "/compare/picture/", "/compare/verdict/"]
    target = draw(st.sampled_from(targets * 2 + ["/admin/login/", "/", "/nowhere", "/api/nowhere"]))
    return Request("POST", target, draw(query), chosen | draw(headers), body)
