"""Whatever a stranger sends: no error, no large response, no markup or secret of others in it.

    ATTACK_REQUESTS=20000 python -m pytest tests/attack

sends more requests, and others each time.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection as django_connection
from django.test import override_settings
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from sqlalchemy import event
from sqlalchemy.engine import Engine

from catalog.importing import import_catalog
from catalog.indexing import fill
from embedding import encoder
from embedding.image_decoding import ImageError
from embedding.loaders import fashion
from tests.attack.requests import MARKER, Answer, Request, bodies, pages, searches, send
from tests.catalog.test_search import picture
from tests.conftest import fresh_database
from tests.fakes import COLOURS, WordsAndColours
from tests.shop.test_pictures import PLAIN_STORAGE

pytestmark = pytest.mark.slow

ASKED = os.environ.get("ATTACK_REQUESTS")
REQUESTS = int(ASKED or 2000)

MAX_BODY = 2**20
"""The maximum size of a response, in bytes."""

MAX_STATEMENTS = 80
"""The maximum number of SQL statements of a request. The admin's start page needs the most."""

SECRETS = ("Traceback", "psycopg", "sqlalchemy", "SELECT ", "site-packages", "/etc/", "root:x:")


def attack(share: float) -> Callable[[Any], Any]:
    """The settings of a test that sends this share of the requests."""
    return hypothesis_settings(
        max_examples=max(10, int(share * REQUESTS)),
        derandomize=not ASKED,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


class Shop:
    """The application, and the number of SQL statements since it was last asked."""

    def __init__(self) -> None:
        from shop.wsgi import application

        self.application = application
        self.statements = 0
        self.statuses: Counter[int] = Counter()

    def count(self, *_: Any) -> None:
        self.statements += 1

    def wrap(self, execute: Any, *arguments: Any) -> Any:
        self.statements += 1
        return execute(*arguments)

    def answer(self, request: Request) -> Answer:
        self.statements = 0
        answer = send(self.application, request)
        self.statuses[answer.status] += 1
        return answer


@pytest.fixture(scope="module")
def shop(template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Products, one of them hostile; nothing is fetched from the network."""
    folder = tmp_path_factory.mktemp("attack")
    rows = ["sku,title,product_type,colour,price,description,images"]
    for colour in COLOURS:
        (folder / f"{colour}.png").write_bytes(picture(colour))
        rows.append(f"{colour},{colour} shirt,shirt,{colour},20,,{colour}.png")
    rows.append(f'"{MARKER}","red {MARKER}",shirt,"{MARKER}",5,"{MARKER}",red.png')
    (folder / "c.csv").write_text("\n".join(rows))

    def refuse(*_: object) -> bytes:
        raise ImageError("nothing is fetched in this test")

    with pytest.MonkeyPatch.context() as patch, fresh_database(template), ExitStack() as stack:
        patch.setenv("MEDIA_ROOT", str(folder / "media"))
        patch.setenv("MODELS", "fashion")
        patch.setenv("FIND_GARMENTS", "0")
        patch.setattr(encoder, "_loads", {})
        patch.setattr(fashion, "load", lambda spec, device: WordsAndColours(spec.name))
        patch.setattr("shop.views.fetch_picture", refuse)
        patch.setattr("shop.api.pictures.fetch_picture", refuse)
        import_catalog(folder / "c.csv", folder)
        for modality in ("text", "image"):
            fill(WordsAndColours("fashion"), modality)
        User.objects.create_superuser("ada", "ada@example.org", "correct horse battery")
        stack.enter_context(
            override_settings(
                STORAGES=PLAIN_STORAGE,
                QUERY_PICTURE_DIR=folder / "query",
                JUDGED_PICTURE_DIR=folder / "judged",
                COMPARE_OPEN=True,
            )
        )
        shop = Shop()
        event.listen(Engine, "before_cursor_execute", shop.count)
        stack.callback(event.remove, Engine, "before_cursor_execute", shop.count)
        stack.enter_context(django_connection.execute_wrapper(shop.wrap))
        yield shop


def check(shop: Shop, request: Request) -> None:
    answer = shop.answer(request)
    is_announced = answer.status == 503 and "Retry-After" in answer.headers
    assert answer.status < 500 or is_announced, repr(request)
    assert len(answer.body) <= MAX_BODY
    assert len(answer.body) <= 200_000 + 50 * request.size
    assert shop.statements <= MAX_STATEMENTS
    if request.method == "HEAD":
        assert not answer.body
    headers = answer.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert not any("\r" in value or "\n" in value for value in headers.values())
    assert "<zq" not in headers.get("Set-Cookie", "")
    location = headers.get("Location", "/")
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))
    if "Content-Encoding" in headers:
        return
    content = answer.body.decode(errors="replace")
    if headers.get("Content-Type", "").startswith("text/html"):
        assert "<zq" not in content
        assert "<script>" not in content
    assert not [secret for secret in SECRETS if secret in _without_echo(content, request)]
    assert settings.SECRET_KEY not in content
    assert str(Path(settings.QUERY_PICTURE_DIR)) not in content


def _without_echo(content: str, request: Request) -> str:
    """The content, or nothing if the request itself says such a word."""
    sent = f"{request.path}{request.query}{request.headers}{request.body!r}"
    return "" if any(secret in sent for secret in ("/etc", "%2Fetc", "SELECT")) else content


@attack(0.45)
@given(request=pages)
def test_pages(shop: Shop, request: Request) -> None:
    check(shop, request)


@attack(0.35)
@given(request=searches)
def test_searches(shop: Shop, request: Request) -> None:
    check(shop, request)


@attack(0.2)
@given(request=bodies())
def test_bodies(shop: Shop, request: Request) -> None:
    check(shop, request)


def test_requests_reached_the_pages(shop: Shop) -> None:
    """The others would prove little if all of them were refused at the door."""
    assert shop.statuses[200] > REQUESTS / 5
    print(dict(sorted(shop.statuses.items())))
