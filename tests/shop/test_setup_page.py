"""A shop whose tables are not there yet says what to do."""

from http import HTTPStatus

import pytest
from django.test import Client

from tests.conftest import fresh_database


@pytest.mark.parametrize("query", ["", "?q=red+dress&model=imagenet", "?like=A"])
def test_without_tables_the_page_says_how_to_make_them(query: str) -> None:
    with fresh_database("template1"):
        response = Client(headers={"host": "localhost"}).get(f"/{query}")
    assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert "alembic upgrade head" in response.content.decode()
