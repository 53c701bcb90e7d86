"""The log channel `security`: a line for each event that an administrator may have to explain.

Each line has the event, the client's network and details, such as
`login network=203.0.113.9 user='ada'`. The network of a command is `-`.
"""

import logging
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from axes.signals import user_locked_out
from django.contrib.admin.models import LogEntry
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from shop.api.models import ApiToken
from shop.rates import network_of

MAX_VALUE = 100
"""The maximum length of a detail, in characters; clients choose user names."""

logger = logging.getLogger("security")

_network: ContextVar[str] = ContextVar("network", default="-")


def remember_client(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: lines that a request causes have the network of its client."""

    def middleware(request: HttpRequest) -> HttpResponse:
        token = _network.set(network_of(request))
        try:
            return get_response(request)
        finally:
            _network.reset(token)

    return middleware


def record(event: str, **details: object) -> None:
    """Write a line."""
    words = (f"{name}={str(value)[:MAX_VALUE]!r}" for name, value in details.items())
    logger.info("%s network=%s %s", event, _network.get(), " ".join(words))


@receiver(user_logged_in)
def _logged_in(user: Any, **_: Any) -> None:
    record("login", user=user.get_username())


@receiver(user_logged_out)
def _logged_out(user: Any, **_: Any) -> None:
    if user is not None:
        record("logout", user=user.get_username())


@receiver(user_login_failed)
def _login_failed(credentials: dict[str, Any], **_: Any) -> None:
    record("failed login", user=credentials.get("username", ""))


@receiver(user_locked_out)
def _locked_out(username: Any = "", **_: Any) -> None:
    record("locked out", user=username or "")


@receiver(post_save, sender=LogEntry)
def _changed(instance: LogEntry, **_: Any) -> None:
    """What staff add, change and delete in the admin, such as search settings and users."""
    if instance.content_type and instance.content_type.model_class() is ApiToken:
        return  # see below
    action = {1: "added", 2: "changed", 3: "deleted"}.get(instance.action_flag, "changed")
    kind = instance.content_type.model if instance.content_type else ""
    record(
        f"{kind} {action}",
        user=instance.user.get_username(),
        what=instance.object_repr,
        how=instance.get_change_message() if action == "changed" else "",
    )


@receiver(post_save, sender=ApiToken)
def _token_saved(instance: ApiToken, created: bool, **_: Any) -> None:
    event = "token made" if created else "token disabled" if instance.disabled else "token changed"
    _record_token(event, instance)


@receiver(post_delete, sender=ApiToken)
def _token_deleted(instance: ApiToken, **_: Any) -> None:
    _record_token("token deleted", instance)


def _record_token(event: str, token: ApiToken) -> None:
    record(event, token=token.start, name=token.name, scopes=",".join(token.scopes))
