"""Addresses for load balancers and monitoring: /healthz, /readyz and /metrics.

They are answered before all other middleware: a probe knows neither the host name of the shop nor
TLS, and the process is healthy while the database is away.
"""

import hmac
import time
from collections.abc import Callable
from http import HTTPStatus
from ipaddress import ip_address
from threading import Lock

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from catalog.readiness import readiness_problem
from shop.database_metrics import database_metrics
from shop.metrics import process_metrics

TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"

READY_SECONDS = 1.0
"""How long an answer of /readyz is kept, since everybody can ask."""

NOT_ALLOWED = (
    "Send the METRICS_TOKEN as a bearer token, or ask from an address in METRICS_ALLOWED.\n"
)


def answer_probes(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: answer the probes."""
    ready = _Readiness()
    probes = {"/healthz": _healthz, "/readyz": ready.respond, "/metrics": _metrics}

    def middleware(request: HttpRequest) -> HttpResponse:
        probe = probes.get(request.path_info)
        if probe is None or request.method not in ("GET", "HEAD"):
            return get_response(request)
        response = probe(request)
        response.headers["Cache-Control"] = "no-store"
        return response

    return middleware


def _healthz(_request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "alive"})


class _Readiness:
    """The last answer of `readiness_problem`; one request at a time asks again."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._until = float("-inf")
        self._problem = ""

    def respond(self, _request: HttpRequest) -> HttpResponse:
        with self._lock:
            if time.monotonic() >= self._until:
                self._problem = readiness_problem()
                self._until = time.monotonic() + READY_SECONDS
            problem = self._problem
        if not problem:
            return JsonResponse({"status": "ready"})
        status = HTTPStatus.SERVICE_UNAVAILABLE
        return JsonResponse({"status": "not ready", "reason": problem}, status=status)


def _metrics(request: HttpRequest) -> HttpResponse:
    if not _may_read_metrics(request):
        return HttpResponse(NOT_ALLOWED, content_type="text/plain", status=HTTPStatus.FORBIDDEN)
    return HttpResponse(process_metrics() + database_metrics(), content_type=TEXT_FORMAT)


def _may_read_metrics(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and settings.METRICS_TOKEN:
        return hmac.compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode())
    # A proxy on this machine sends requests of strangers from an address that is allowed.
    if {"X-Forwarded-For", "Forwarded"} & set(request.headers):
        return False
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return any(mapped in network for network in settings.METRICS_ALLOWED)
