"""The second factor of the admin's logins, and the log of what administrators must explain."""

import logging
import re
from collections.abc import Iterator
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client, override_settings
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from shop.api.models import ApiToken
from tests.shop.test_pictures import PLAIN_STORAGE
from tests.shop.test_security import PASSWORD

LOGIN = "/admin/login/?next=/admin/"


@pytest.fixture
def ada(database: str) -> Iterator[User]:
    with override_settings(STORAGES=PLAIN_STORAGE, ADMIN_SECOND_FACTOR=True):
        yield User.objects.create_superuser("ada", "", PASSWORD)


def client() -> Client:
    return Client(headers={"host": "localhost"}, REMOTE_ADDR="203.0.113.9")


def set_up() -> list[str]:
    """The lines that the command prints: the address, then recovery codes."""
    out = StringIO()
    call_command("second_factor", "ada", stdout=out, stderr=StringIO())
    return out.getvalue().split()


def code() -> str:
    """What the authenticator app shows."""
    device = TOTPDevice.objects.get()
    return f"{totp(device.bin_key, device.step, device.t0, device.digits, device.drift):06}"


def log_in(typed: str) -> bool:
    fields = {"username": "ada", "password": PASSWORD, "code": typed}
    return client().post(LOGIN, fields).status_code == 302


def allow_another_try() -> None:
    """Do not wait for the seconds that a device rejects everything after a wrong code."""
    TOTPDevice.objects.update(throttling_failure_timestamp=None, throttling_failure_count=0)


def test_password_alone_is_not_enough(ada: User) -> None:
    assert 'name="code"' in client().get(LOGIN).content.decode()
    assert not log_in("")
    assert not log_in("123456")
    address, *_ = set_up()
    assert re.fullmatch(r"otpauth://totp/Atelier%3Aada\?secret=[A-Z2-7]+&.*", address)
    assert not log_in("")
    assert not log_in("000000")
    allow_another_try()
    typed = code()
    assert log_in(typed)
    assert not log_in(typed), "a code works once"


def test_recovery_code_works_once(ada: User) -> None:
    _, *codes = set_up()
    assert len(set(codes)) == 8
    assert log_in(codes[0])
    assert not log_in(codes[0])


def test_wrong_codes_lock_the_network(ada: User) -> None:
    set_up()
    fields = {"username": "ada", "password": PASSWORD, "code": "000000"}
    statuses = [client().post(LOGIN, fields).status_code for _ in range(11)]
    assert statuses == [200] * 9 + [429] * 2


@pytest.mark.parametrize("path", ["/admin/", "/admin/shop/product/", "/compare/"])
def test_session_without_the_factor_is_not_staff(ada: User, path: str) -> None:
    old = client()
    old.force_login(ada)
    assert old.get(path).status_code == 302
    with override_settings(ADMIN_SECOND_FACTOR=False):
        assert old.get(path).status_code == 200


def test_factor_can_be_renewed_and_removed(ada: User) -> None:
    first = set_up()
    second = set_up()
    assert not set(first) & set(second)
    assert not log_in(first[1])
    call_command("second_factor", "ada", "--remove")
    assert not log_in(second[1])
    with pytest.raises(CommandError, match="no user eve"):
        call_command("second_factor", "eve")


@pytest.mark.parametrize("asks", [True, False])
def test_command_says_if_the_admin_asks_for_no_codes(ada: User, asks: bool) -> None:
    errors = StringIO()
    with override_settings(ADMIN_SECOND_FACTOR=asks):
        call_command("second_factor", "ada", stdout=StringIO(), stderr=errors)
    assert ("only with ADMIN_SECOND_FACTOR=1" in errors.getvalue()) is not asks


def test_keys_are_not_shown_in_the_admin(ada: User) -> None:
    set_up()
    device = TOTPDevice.objects.get()
    staff = client()
    staff.force_login(ada)
    with override_settings(ADMIN_SECOND_FACTOR=False):
        page = staff.get(f"/admin/otp_totp/totpdevice/{device.pk}/change/").content.decode()
    assert device.key not in page
    assert "otpauth" not in page


@override_settings(ADMIN_SECOND_FACTOR=False)
def test_security_events_are_lines_with_the_network(
    ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "security")
    staff = client()
    fields = {"username": "eve\n\x1b[31m" + "x" * 200, "password": "guess"}
    staff.post(LOGIN, fields)
    staff.post(LOGIN, {"username": "ada", "password": PASSWORD})
    token = {
        "name": "app",
        "scopes": ["search"],
        "rate": "",
        "expires_at_0": "",
        "expires_at_1": "",
    }
    assert staff.post("/admin/api/apitoken/add/", token).status_code == 200
    made = ApiToken.objects.get()
    staff.post(f"/admin/api/apitoken/{made.pk}/delete/", {"post": "yes"})
    staff.post("/admin/logout/")
    for _ in range(10):
        staff.post(LOGIN, fields)
    lines = [record.getMessage() for record in caplog.records if record.name == "security"]
    events = [line.split(" network=203.0.113.9 ")[0] for line in lines]
    assert events[:5] == ["failed login", "login", "token made", "token deleted", "logout"]
    assert events.count("failed login") == 1 + 10
    assert events.count("locked out") == 1
    assert lines[0].startswith("failed login network=203.0.113.9 user='eve\\n\\x1b[31mxxx")
    assert len(lines[0]) < 200
    assert f"token='{made.start}' name='app' scopes='search'" in lines[2]
    assert all("\n" not in line for line in lines)


def test_commands_have_no_network(ada: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "security")
    set_up()
    assert caplog.messages == ["second factor set up network=- user='ada'"]
