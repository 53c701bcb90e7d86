"""The tools for assistants, called by the client of the official SDK."""

import json
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from threading import Thread
from typing import Any, TypeVar
from urllib.parse import urlsplit

import anyio
import httpcore2
import pytest
from django.test import override_settings

from shop.api.models import ApiToken
from shop.rates import forget_counts
from tests.conftest import PROJECT
from tests.shop.api.conftest import ApiClient, bearer

mcp = pytest.importorskip("mcp", reason="needs the extra `mcp`")

import uvicorn  # noqa: E402

from shop.api.assistants import make_server  # noqa: E402
from shop.api.assistants_http import make_app  # noqa: E402

pytestmark = pytest.mark.slow
Result = TypeVar("Result")


def call(server: Any, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
    """The results of calls to tools, one after the other."""

    async def run() -> list[Any]:
        async with mcp.Client(server) as client:
            return [await client.call_tool(name, arguments) for name, arguments in calls]

    return anywhere(run)


def anywhere(run: Callable[[], Awaitable[Result]]) -> Result:
    """Run a coroutine in another thread: the main one may have the event loop of a browser."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(anyio.run, run).result()


def test_tools_find_what_the_api_finds(api: ApiClient) -> None:
    sku = api.skus("products?limit=1")[0]
    server = make_server("http://localhost")
    search, filtered, similar, product = call(
        server,
        ("search_catalog", {"query": "red sneakers for women", "limit": 5}),
        ("search_catalog", {"query": "", "filters": {"colour": ["Red"]}, "max_price": 60}),
        ("similar", {"sku": sku, "limit": 4}),
        ("product", {"sku": sku}),
    )
    found = search.structured_content
    assert [it["sku"] for it in found["products"]] == api.skus(
        "search?q=red sneakers for women&limit=5"
    )
    assert found["missing"].startswith("No red sneakers for women.")
    skus = [it["sku"] for it in filtered.structured_content["products"]]
    assert skus == api.skus("products?colour=Red&max_price=60&limit=12")
    assert [it["sku"] for it in similar.structured_content["products"]] == api.skus(
        f"similar/{sku}?limit=4"
    )
    assert product.structured_content == api.read(f"products/{sku}")


def test_wrong_calls_are_explained(api: ApiClient) -> None:
    server = make_server("http://localhost")
    results = call(
        server,
        ("search_catalog", {"query": "x", "filters": {"colur": ["Red"]}}),
        ("search_catalog", {"query": "x", "min_price": 9, "max_price": 2}),
        ("product", {"sku": "nothing"}),
        ("search_catalog", {"query": "x", "cursor": "forged"}),
    )
    says = ["colur", "above the highest", "no product with this SKU", "no cursor"]
    for result, expected in zip(results, says, strict=True):
        assert result.is_error
        assert expected in result.content[0].text


@pytest.mark.process
def test_the_command_speaks_to_the_client(api: ApiClient) -> None:
    command = mcp.StdioServerParameters(
        command=sys.executable,
        args=["manage.py", "mcp", "--site", "https://shop.example"],
        env=dict(os.environ),
        cwd=PROJECT,
    )

    async def run() -> tuple[list[str], Any]:
        async with mcp.Client(command) as client:
            tools = await client.list_tools()
            found = await client.call_tool("search_catalog", {"query": "dress", "limit": 3})
            return [tool.name for tool in tools.tools], found.structured_content

    names, found = anywhere(run)
    assert names == ["search_catalog", "similar", "product"]
    assert [it["sku"] for it in found["products"]] == api.skus("search?q=dress&limit=3")
    assert found["products"][0]["url"].startswith("https://shop.example/product/")


@pytest.fixture
def endpoint(api: ApiClient) -> Iterator[str]:
    """The address of the tools over HTTP."""
    config = uvicorn.Config(make_app("https://shop.example"), port=0, log_level="error")
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        thread = Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
        server.should_exit = True
        thread.join()


CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "search_catalog", "arguments": {"query": "dress", "limit": 3}},
}
ACCEPT = {
    "Accept": "application/json, text/event-stream",
    "Content-Type": "application/json",
}


def test_the_tools_answer_over_http(api: ApiClient, endpoint: str) -> None:
    async def run() -> Any:
        async with mcp.Client(endpoint) as client:
            found = await client.call_tool("search_catalog", {"query": "dress", "limit": 3})
            return found.structured_content

    found = anywhere(run)
    assert [it["sku"] for it in found["products"]] == api.skus("search?q=dress&limit=3")
    assert found["products"][0]["url"].startswith("https://shop.example/product/")


def test_http_needs_what_the_api_needs(endpoint: str, token: ApiToken) -> None:
    def post(headers: Mapping[str, str] = {}) -> httpcore2.Response:
        content = json.dumps(CALL).encode()
        sent = list((ACCEPT | dict(headers)).items())
        return httpcore2.request("POST", endpoint, headers=sent, content=content)

    assert post().status == 200
    assert post({"Origin": "https://evil.example"}).status == 403
    assert post({"Host": "evil.example"}).status == 400
    assert post({"Authorization": "Bearer wrong"}).status == 401
    with override_settings(API_ANONYMOUS=False):
        refused = post()
        assert refused.status == 401
        assert dict(refused.headers)[b"www-authenticate"] == b"Bearer"
        assert json.loads(refused.content)["code"] == "token_needed"
        assert post(bearer(token)).status == 200
    with override_settings(API_ANONYMOUS_RATE=1):
        forget_counts()
        assert [post().status, post().status] == [200, 429]
    # The body is not sent: a server that refuses it closes the connection meanwhile.
    address = urlsplit(endpoint)
    with closing(HTTPConnection(address.netloc, timeout=60)) as connection:
        connection.putrequest("POST", address.path)
        for name, value in (ACCEPT | {"Content-Length": "70000"}).items():
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.getresponse().status == 413
