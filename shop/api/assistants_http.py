"""The tools for assistants over HTTP (MCP's "streamable HTTP"), at `/mcp`, for those that start no
process. Tokens, limits and hosts are those of the API. Needs the extra `mcp`."""

from http import HTTPStatus
from io import BytesIO

import uvicorn
from anyio import to_thread
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse
from mcp.server.transport_security import TransportSecuritySettings
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from shop.api.assistants import make_server
from shop.api.models import Scope as TokenScope
from shop.api.problems import Problem, too_many_requests
from shop.api.tokens import requires
from shop.rates import TooManyRequests

MAX_BODY = 64 * 1024
"""The maximum size of a call, in bytes."""

PATH = "/mcp"

identify = requires(TokenScope.SEARCH)


def make_app(site: str) -> ASGIApp:
    """The application; `site` is the address of the shop. Each request stands alone, so that
    several processes can answer."""
    tools = make_server(site).streamable_http_app(
        streamable_http_path=PATH,
        stateless_http=True,
        json_response=True,
        max_request_body_size=MAX_BODY,
        # Hosts and origins are checked below, by the shop's settings.
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        refusal = None
        if scope["type"] == "http":
            refusal = await to_thread.run_sync(_refusal, ASGIRequest(scope, BytesIO()))
        if refusal is None:
            await tools(scope, receive, send)
        else:
            headers = dict(refusal.items())
            await Response(refusal.content, refusal.status_code, headers)(scope, receive, send)

    return app


def serve(site: str, host: str, port: int) -> None:
    """Answer assistants until Ctrl-C or SIGTERM."""
    uvicorn.run(make_app(site), host=host, port=port, log_level="warning", server_header=False)


def _refusal(request: HttpRequest) -> HttpResponse | None:
    """Why a request is not answered. Web pages of other sites are refused, which reach servers of
    the visitor's own network."""
    close_old_connections()
    try:
        request.get_host()
        origin = request.headers.get("Origin")
        allowed = settings.CORS_ALLOW_ALL_ORIGINS or origin in settings.CORS_ALLOWED_ORIGINS
        if origin is not None and not allowed:
            detail = "Pages of this site may not use the search; see API_CORS_ORIGINS."
            raise Problem(HTTPStatus.FORBIDDEN, "origin", detail)
        identify(request)
    except DisallowedHost:
        return Problem(HTTPStatus.BAD_REQUEST, "host", "Unknown host.").response()
    except TooManyRequests as error:
        return too_many_requests(error).response()
    except Problem as problem:
        return problem.response()
    finally:
        close_old_connections()
    return None
