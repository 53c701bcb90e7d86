"""Who sends a request: a program with a token, or an anonymous client."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from shop.api.models import ApiToken, Scope, digest_of
from shop.api.problems import Problem
from shop.rates import count_request, network_of

LAST_USED_EVERY = timedelta(minutes=1)
"""`last_used_at` of a token is at most this much too old, so that few requests write."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request. `token` is None for an anonymous client."""

    token: ApiToken | None = None
    network: str = ""

    @property
    def client(self) -> str:
        """The name by which the caller's pictures are counted."""
        return f"token-{self.token.pk}" if self.token else self.network

    def may(self, scope: Scope) -> bool:
        """Whether the caller has `scope`. Anonymous clients may search, if the setting allows."""
        return scope in self.token.scopes if self.token else scope == Scope.SEARCH


def requires(scope: Scope) -> Callable[[HttpRequest], Caller]:
    """The authentication of operations that need `scope`, for django-ninja."""

    def authenticate(request: HttpRequest) -> Caller:
        caller = _identify(request)
        if not caller.may(scope):
            if caller.token is None:
                raise _unauthorized("This needs a token; see /api/docs.")
            detail = f"The token does not have the scope “{scope.value}”."
            raise Problem(HTTPStatus.FORBIDDEN, "missing_scope", detail)
        return caller

    return authenticate


def caller_of(request: HttpRequest) -> Caller:
    """The caller that `requires` has found."""
    caller: Caller = request.auth  # type: ignore[attr-defined]  # set by django-ninja
    return caller


def _identify(request: HttpRequest) -> Caller:
    """The caller of a request, which counts for its rate.

    Raises:
        Problem: the token is not valid, or none is given where one is needed.
        TooManyRequests: see `count_request`.
    """
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    token = None
    if kind.lower() == "bearer":
        token = ApiToken.objects.filter(digest=digest_of(given.strip())).first()
    if token is not None and token.is_valid:
        count_request("API_RATE", f"token-{token.pk}", token.rate)
        _note_use(token)
        return Caller(token)
    # Wrong tokens count too, so that nobody can try many.
    network = network_of(request)
    count_request("API_ANONYMOUS_RATE", network)
    if kind:
        raise _unauthorized("The token is unknown, expired or disabled.", "invalid_token")
    if not settings.API_ANONYMOUS:
        raise _unauthorized("This API needs a token; see /api/docs.")
    return Caller(network=network)


def _note_use(token: ApiToken) -> None:
    now = timezone.now()
    if token.last_used_at is None or token.last_used_at < now - LAST_USED_EVERY:
        unused = Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USED_EVERY)
        ApiToken.objects.filter(unused, pk=token.pk).update(last_used_at=now)


def _unauthorized(detail: str, error: str = "") -> Problem:
    challenge = f'Bearer error="{error}"' if error else "Bearer"
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        error or "token_needed",
        detail,
        headers={"WWW-Authenticate": challenge},
    )
