"""The API on the drawn catalogue, with the real `fashion` model."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client, override_settings

from shop.api.models import ApiToken, Scope
from tests.conftest import demo_database
from tests.shop.test_pictures import PLAIN_STORAGE


@pytest.fixture(scope="package")
def shop(
    template_with_synonyms: str, demo_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of the database. Tests leave the catalogue as it is."""
    pictures = tmp_path_factory.mktemp("pictures")
    with (
        demo_database(template_with_synonyms, demo_folder, tmp_path_factory.mktemp("media")) as url,
        override_settings(STORAGES=PLAIN_STORAGE, QUERY_PICTURE_DIR=pictures),
    ):
        yield url


class ApiClient(Client):
    """A client of the API; paths are those after `/api/v1/`."""

    def read(self, path: str, status: int = 200, **more: Any) -> Any:
        """The JSON of a response with this status."""
        response = self.get(f"/api/v1/{path}", **more)
        assert response.status_code == status, response.content
        kind = "application/json" if status < 400 else "application/problem+json"
        assert response.headers["Content-Type"] == kind
        return response.json()

    def skus(self, path: str) -> list[str]:
        return [hit["sku"] for hit in self.read(path)["hits"]]


@pytest.fixture
def api(shop: str) -> ApiClient:
    return ApiClient(headers={"host": "localhost"})


@pytest.fixture
def token(shop: str) -> Iterator[ApiToken]:
    """A token with the scope `search`; its text is its attribute `text`."""
    made = ApiToken(name="test", scopes=[Scope.SEARCH])
    made.text = made.renew()  # type: ignore[attr-defined]
    made.save()
    yield made
    made.delete()


def bearer(token: ApiToken) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.text}"}  # type: ignore[attr-defined]
