"""Keeps the database's password off Django's debug pages.

They show the variables of each function and, with `runserver`, the environment.
"""

import re
from collections.abc import Iterator
from types import FrameType
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from catalog import config

HIDDEN = "API|AUTH|TOKEN|KEY|SECRET|PASS|SIGNATURE|HTTP_COOKIE|DATABASE_URL"
"""Django's own names of settings and variables whose values are hidden, and the address."""


class WithoutPassword(SafeExceptionReporterFilter):
    """Hides the address of the database and every variable that contains its password."""

    hidden_settings = re.compile(HIDDEN, re.IGNORECASE)

    def get_traceback_frame_variables(  # type: ignore[override]  # django-stubs are too strict
        self, request: HttpRequest | None, tb_frame: FrameType
    ) -> list[tuple[str, Any]]:
        secrets = list(_secrets())
        return [
            (name, self.cleansed_substitute if any(it in repr(value) for it in secrets) else value)
            for name, value in super().get_traceback_frame_variables(request, tb_frame)
        ]


def _secrets() -> Iterator[str]:
    url = config.settings().database_url
    if not url:
        return
    yield url.partition("://")[2] or url
    try:
        password = conninfo_to_dict(url).get("password")
    except ProgrammingError:
        return
    if password:
        yield str(password)
