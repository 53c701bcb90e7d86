"""Fixtures of the shop's pages."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client, override_settings

from tests.shop.test_pictures import PLAIN_STORAGE


@pytest.fixture
def admin(database: str) -> Iterator[Client]:
    """A client who is logged in as a superuser."""
    ada = User.objects.create_superuser("ada", "ada@example.org")
    client = Client(headers={"host": "localhost"})
    client.force_login(ada)
    with override_settings(STORAGES=PLAIN_STORAGE):
        yield client
