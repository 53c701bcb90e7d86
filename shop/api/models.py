"""Tokens of programs that use the API. A table of Django's, with migrations in `migrations/`."""

import hashlib
import secrets
from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

TOKEN_BYTES = 32
TOKEN_PREFIX = "cs_"
SHOWN = len(TOKEN_PREFIX) + 6
"""The number of characters of a token that the admin shows, to tell tokens apart."""

MAX_RATE = 100_000


def digest_of(token: str) -> str:
    """The SHA-256 digest of a token, in hexadecimal digits. A token is random and long, so a fast
    hash protects it."""
    return hashlib.sha256(token.encode()).hexdigest()


class Scope(models.TextChoices):
    """What a token allows."""

    SEARCH = "search", "search: products, searches, suggestions, models"
    COVERAGE = "coverage", "coverage: how much of the catalogue is embedded"


class ApiToken(models.Model):
    """A token of a program. Only its digest is stored."""

    name = models.CharField(max_length=100, help_text="Who uses it, such as “iPhone app”.")
    start = models.CharField(max_length=SHOWN, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list)
    rate = models.PositiveIntegerField(
        "requests a minute",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_RATE)],
        help_text="Empty for the setting API_RATE.",
    )
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty for never.")
    disabled = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        db_table = "api_token"
        verbose_name = "token"
        ordering: ClassVar = ["name", "pk"]

    def __str__(self) -> str:
        return f"{self.name} ({self.start}…)"

    @property
    def is_valid(self) -> bool:
        return not self.disabled and (self.expires_at is None or timezone.now() < self.expires_at)

    def renew(self) -> str:
        """Give this a new random token, which is returned and stored nowhere; does not save."""
        token = TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
        self.start, self.digest = token[:SHOWN], digest_of(token)
        return token
