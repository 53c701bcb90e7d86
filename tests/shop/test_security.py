"""Headers, logins and passwords."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client, override_settings

from catalog.db.watchdog import watchdog
from shop.config import ShopSettings
from tests.processes import run_python
from tests.shop.test_pictures import PLAIN_STORAGE

CLIENT = Client(headers={"host": "localhost"})
PASSWORD = "correct horse battery"


@pytest.fixture
def shop(database: str) -> Iterator[None]:
    with override_settings(STORAGES=PLAIN_STORAGE):
        yield


@pytest.fixture
def staff(shop: None) -> None:
    """An administrator."""
    User.objects.create_superuser("admin", "", PASSWORD)


def log_in(password: str, address: str = "203.0.113.9", user: str = "admin") -> int:
    client = Client(headers={"host": "localhost"}, REMOTE_ADDR=address)
    fields = {"username": user, "password": password}
    return client.post("/admin/login/?next=/admin/", fields).status_code


@pytest.mark.parametrize("path", ["/", "/nowhere", "/admin/login/", "/?page=x"])
def test_headers_of_pages(shop: None, path: str) -> None:
    headers = CLIENT.get(path).headers
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "report-uri" not in headers["Content-Security-Policy"]
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


@override_settings(CSP_REPORT_URI="/reports")
def test_policy_can_ask_for_reports(shop: None) -> None:
    headers = CLIENT.get("/").headers
    assert headers["Content-Security-Policy"].endswith("; report-uri /reports; report-to csp")
    assert headers["Reporting-Endpoints"] == 'csp="/reports"'


def test_templates_can_have_inline_scripts_with_a_nonce(
    shop: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = '<script nonce="{{ request.csp_nonce }}">1</script>'
    block = "{% block basket %}" + script + "{% endblock %}"
    (tmp_path / "base.html").write_text('{% extends "base.html" %}' + block)
    engine, *others = settings.TEMPLATES
    policies = set()
    with override_settings(TEMPLATES=[engine | {"DIRS": [tmp_path]}, *others]):
        for _ in range(2):
            answer = CLIENT.get("/")
            found = re.search(r'nonce="([\w-]{20,})"', answer.content.decode())
            assert found
            assert f"script-src 'self' 'nonce-{found[1]}'" in answer["Content-Security-Policy"]
            policies.add(answer["Content-Security-Policy"])
    assert len(policies) == 2
    assert "nonce" not in CLIENT.get("/").headers["Content-Security-Policy"]


def test_headers_of_pages_while_the_database_is_away(
    shop: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "is_away", True)
    answer = CLIENT.get("/")
    assert answer.status_code == 503
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_https_redirects_and_is_remembered(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS", "1")
    code = (
        "import django; django.setup(); from django.test import Client;"
        "client = Client(headers={'host': 'localhost'});"
        "print(client.get('/static/x').headers['Location']);"
        "print(client.get('/static/x', secure=True, headers={'x-forwarded-proto': 'https'})"
        ".headers['Strict-Transport-Security'])"
    )
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "shop.settings")
    done = run_python("-c", code)
    assert done.stdout.split() == ["https://localhost/static/x", "max-age=2592000"], done.stderr


def test_who_guesses_passwords_is_locked_out(staff: None) -> None:
    assert [log_in(f"guess {number}") for number in range(12)] == [200] * 9 + [429] * 3
    assert log_in(PASSWORD) == 429
    assert log_in("guess", user="other") == 429
    assert log_in(PASSWORD, "198.51.100.7") == 302
    assert CLIENT.get("/", REMOTE_ADDR="203.0.113.9").status_code == 200


@override_settings(AXES_FAILURE_LIMIT=2)
def test_login_with_any_name_and_address_is_answered_and_counted(staff: None) -> None:
    client = Client(headers={"host": "localhost", "user-agent": "x" * 3000})
    statuses = [
        client.post(f"/admin/login/?a={address}", {"username": user, "password": "x"}).status_code
        for user, address in [("\0", "%00"), ("a" * 300, "%00"), ("b" * 300, "c" * 5000)]
    ]
    assert statuses == [200, 200, 429]


def test_right_password_clears_the_failures(staff: None) -> None:
    for _ in range(3):
        assert [log_in("typo") for _ in range(4)] == [200] * 4
        assert log_in(PASSWORD) == 302


@pytest.mark.parametrize("password", ["1", "hunter2", "123456789012345", "administrator"])
def test_weak_passwords_are_rejected(password: str) -> None:
    with pytest.raises(ValidationError):
        validate_password(password)
    validate_password(PASSWORD)


def test_contact_for_vulnerabilities(shop: None) -> None:
    path = "/.well-known/security.txt"
    assert CLIENT.get(path).status_code == 404
    with override_settings(SECURITY_CONTACT="mailto:security@shop.example"):
        answer = CLIENT.get(path)
    lines = answer.content.decode().splitlines()
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert "Contact: mailto:security@shop.example" in lines
    assert any(line.startswith("Expires: 20") and line.endswith("Z") for line in lines)


@pytest.mark.parametrize("contact", ["nobody", "mailto:a@b\nContact: c", "https://a b", "http://a"])
def test_contact_must_be_an_address(contact: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECURITY_CONTACT", contact)
    with pytest.raises(Exception, match="SECURITY_CONTACT"):
        ShopSettings.read()
