"""Tokens, scopes, rates, and pages of other sites."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import ProgrammingError, connection
from django.test import Client, override_settings
from django.utils import timezone

from shop.api.models import ApiToken, Scope, digest_of
from shop.rates import forget_counts
from tests.shop.admin_forms import fields_of
from tests.shop.api.conftest import ApiClient, bearer

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _no_counts() -> Iterator[None]:
    forget_counts()
    yield
    forget_counts()


def test_token_is_stored_as_its_digest(token: ApiToken) -> None:
    text = token.text  # type: ignore[attr-defined]
    assert len(text) > 40
    assert token.digest == digest_of(text)
    assert text not in map(str, ApiToken.objects.values().get(pk=token.pk).values())


def test_scopes(api: ApiClient, token: ApiToken) -> None:
    assert api.read("coverage", status=401)["code"] == "token_needed"
    assert api.read("coverage", status=403, headers=bearer(token))["code"] == "missing_scope"
    token.scopes = [Scope.COVERAGE]
    token.save()
    found = api.read("coverage", headers=bearer(token))["coverage"]
    assert {(it["model"], it["modality"]) for it in found} == {
        ("fashion", "text"),
        ("fashion", "image"),
        ("imagenet", "image"),
    }
    assert api.read("products", status=403, headers=bearer(token))["code"] == "missing_scope"


@pytest.mark.parametrize("given", ["Bearer nothing", "Bearer", "Basic abc", "Bearer a b"])
def test_wrong_tokens(api: ApiClient, given: str) -> None:
    response = api.get("/api/v1/products", headers={"Authorization": given})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert response.json()["code"] == "invalid_token"


def test_expired_and_disabled_tokens(api: ApiClient, token: ApiToken) -> None:
    api.read("products", headers=bearer(token))
    token.expires_at = timezone.now() + timedelta(hours=1)
    token.save()
    api.read("products", headers=bearer(token))
    token.expires_at = timezone.now() - timedelta(seconds=1)
    token.save()
    api.read("products", status=401, headers=bearer(token))
    token.expires_at, token.disabled = None, True
    token.save()
    api.read("products", status=401, headers=bearer(token))


def test_last_use_is_noted_once_a_minute(api: ApiClient, token: ApiToken) -> None:
    def used() -> object:
        return ApiToken.objects.get(pk=token.pk).last_used_at

    assert used() is None
    api.read("models", headers=bearer(token))
    first = used()
    assert first is not None
    api.read("models", headers=bearer(token))
    assert used() == first
    long_ago = timezone.now() - timedelta(minutes=2)
    ApiToken.objects.filter(pk=token.pk).update(last_used_at=long_ago)
    api.read("models", headers=bearer(token))
    assert used() != long_ago


def test_anonymous_reading_is_a_setting(api: ApiClient, token: ApiToken) -> None:
    with override_settings(API_ANONYMOUS=False):
        response = api.get("/api/v1/products")
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"
        api.read("products", headers=bearer(token))
        document = api.get("/api/openapi.json").json()
        assert document["paths"]["/api/v1/products"]["get"]["security"] == [{"token": []}]


def test_rates_of_tokens_and_anonymous_clients(api: ApiClient, token: ApiToken) -> None:
    with override_settings(API_RATE=3, API_ANONYMOUS_RATE=2):
        for _ in range(3):
            api.read("models", headers=bearer(token))
        response = api.get("/api/v1/models", headers=bearer(token))
        assert response.status_code == 429
        assert response.json()["code"] == "too_many_requests"
        assert 1 <= int(response.headers["Retry-After"]) <= 60
        token.rate = 4
        token.save()
        for _ in range(4):
            api.read("models", headers=bearer(token))
        api.read("models", status=429, headers=bearer(token))
        for _ in range(2):
            api.read("models")
        api.read("models", status=429)
        api.read("models", REMOTE_ADDR="203.0.113.9")
        api.read("models", status=429, headers={"Authorization": "Bearer guess"})


def test_pages_of_other_sites(api: ApiClient) -> None:
    origin = "https://app.example"
    asked = {"origin": origin}
    preflight = asked | {"access-control-request-method": "GET"}
    header = "Access-Control-Allow-Origin"
    assert header not in api.get("/api/v1/models", headers=asked).headers
    with override_settings(CORS_ALLOWED_ORIGINS=[origin]):
        response = api.get("/api/v1/models", headers=asked)
        assert response.headers[header] == origin
        assert "ETag" in response.headers["Access-Control-Expose-Headers"]
        options = api.options("/api/v1/models", headers=preflight)
        assert (options.status_code, options.headers[header]) == (200, origin)
        assert header in api.get("/api/v1/nothing", headers=asked).headers
        assert header not in api.get("/", headers=asked).headers
        other = {"origin": "https://evil.example"}
        assert header not in api.get("/api/v1/models", headers=other).headers


def test_an_admin_makes_a_token_that_is_shown_once(api: ApiClient) -> None:
    ada = User.objects.create_superuser("ada", "ada@example.org")
    admin = Client(headers={"host": "localhost"})
    admin.force_login(ada)
    page = "/admin/api/apitoken/add/"
    fields = fields_of(admin, page)
    typed = {"name": "app", "scopes": ["search", "coverage"], "rate": "9"}
    made = admin.post(page, fields | typed)
    found = re.search(r'class="api-token">([^<]+)<', made.content.decode())
    assert found
    assert "no-store" in made.headers["Cache-Control"]
    headers = {"Authorization": f"Bearer {found[1]}"}
    assert api.read("coverage", headers=headers)["coverage"]
    token = ApiToken.objects.get(name="app")
    for shown in ("/admin/api/apitoken/", f"/admin/api/apitoken/{token.pk}/change/"):
        html = admin.get(shown).content.decode()
        assert token.start in html
        assert found[1] not in html
        assert token.digest not in html
    change = f"/admin/api/apitoken/{token.pk}/change/"
    saved = admin.post(change, fields_of(admin, change) | {"scopes": ["search"], "disabled": "on"})
    assert saved.status_code == 302, saved.content
    assert api.read("models", status=401, headers=headers)
    ada.delete()
    token.delete()


def test_analysts_cannot_read_tokens(token: ApiToken) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE analyst")
        try:
            with pytest.raises(ProgrammingError, match="permission denied"):
                cursor.execute("SELECT digest FROM api_token")
        finally:
            cursor.execute("RESET ROLE")
