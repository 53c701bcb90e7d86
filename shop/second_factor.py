"""The second factor of logins to the admin: a code of an authenticator app (TOTP), or one of the
recovery codes, each of which works once.

With ADMIN_SECOND_FACTOR=1 nobody is staff without it. `manage.py second_factor` sets it up.
"""

import secrets
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_otp import devices_for_user
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

RECOVERY_CODES = 8

APP, RECOVERY = "authenticator app", "recovery codes"


class CodeForm(AdminAuthenticationForm):
    """The login with a code beside the password. A wrong code is a failed login."""

    code = forms.CharField(
        label=_("Code"),
        max_length=16,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code"}),
        help_text=_("From your authenticator app, or a recovery code"),
    )

    def confirm_login_allowed(self, user: User) -> None:
        super().confirm_login_allowed(user)
        if not _has_verified(user, self.cleaned_data.get("code", "").strip().lower()):
            user_login_failed.send(
                sender=__name__,
                credentials={"username": user.get_username()},
                request=self.request,
            )
            raise ValidationError(
                _("The code is wrong or missing. Wait a moment, then enter a new one."),
                code="invalid_code",
            )


def is_staff(request: HttpRequest) -> bool:
    """Whether a request comes from staff, with the second factor if there is one."""
    user: Any = request.user
    return bool(user.is_active and user.is_staff and _is_verified(user))


def set_up(user: User) -> tuple[str, list[str]]:
    """Give a user a new second factor in place of the old one.

    Returns:
        The address with the secret for an authenticator app, and the recovery codes.
    """
    with transaction.atomic():
        remove(user)
        device = TOTPDevice.objects.create(user=user, name=APP)
        codes = [secrets.token_hex(6) for _ in range(RECOVERY_CODES)]
        kept = StaticDevice.objects.create(user=user, name=RECOVERY)
        StaticToken.objects.bulk_create(StaticToken(device=kept, token=code) for code in codes)
    return device.config_url, codes


def remove(user: User) -> None:
    """Remove a user's second factor."""
    TOTPDevice.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()


def _has_verified(user: Any, code: str) -> bool:
    """Check a code with the device that it belongs to, so that no other counts a failure."""
    kind = TOTPDevice if code.isascii() and code.isdecimal() and len(code) == 6 else StaticDevice
    with transaction.atomic():
        for device in devices_for_user(user, for_verify=True):
            if isinstance(device, kind) and device.verify_token(code):
                user.otp_device = device  # `django_otp` keeps it in the session
                return True
    return False


def _is_verified(user: "User | AnonymousUser") -> bool:
    return not settings.ADMIN_SECOND_FACTOR or user.is_verified()  # type: ignore[union-attr]
