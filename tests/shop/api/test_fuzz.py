"""Schemathesis sends valid and invalid requests made from the OpenAPI document, and checks the
responses against it: no error of the server, no undocumented status, header or content; valid
requests are accepted, and invalid ones are refused.

    THOROUGH=1 python -m pytest tests/shop/api/test_fuzz.py

sends other requests in each run, and also those that cover each rule of the document: about 3,000
together.
"""

import pytest
from django.core.wsgi import get_wsgi_application
from django.test import override_settings

from catalog.media.fetching.safe_urls import Address
from shop.api import pictures
from shop.api.models import ApiToken, Scope
from shop.head_responses import strip_bodies
from tests.conftest import THOROUGH, repetitions

pytestmark = pytest.mark.slow

EXAMPLES = repetitions(25, 200)
"""Random requests to each operation with parameters."""

OPERATIONS = 4
"""The operations with parameters, without the one with files."""

OWN_ERROR = "Unsupported type: 'Binary'"
"""Schemathesis 4.32 fails to compare some of the files that it makes; then it leaves the operation
with files."""


def no_fetch(_address: Address, _limits: object) -> bytes:
    return b"no picture"


def test_responses_are_as_documented(shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Not in each process that collects tests: this takes a second of CPU time.
    import schemathesis
    from schemathesis import engine
    from schemathesis.config import SchemathesisConfig
    from schemathesis.engine import events

    monkeypatch.setattr(pictures, "fetch_picture", no_fetch)
    token = ApiToken(name="fuzz", scopes=list(Scope))
    text = token.renew()
    token.save()
    config = {
        "headers": {"Authorization": f"Bearer {text}", "Accept-Encoding": "identity"},
        "generation": {"max-examples": EXAMPLES, "database": "none"},
        **({} if THOROUGH else {"seed": 20}),
        "operations": [
            {  # all values of a multipart body are texts, so a number in place of one is valid
                "include-operation-id": "searchWithPictures",
                "checks": {"negative_data_rejection": {"enabled": False}},
            }
        ],
        "phases": {
            "stateful": {"enabled": False},
            "coverage": {"enabled": THOROUGH},
        },
        "checks": {
            "ignored_auth": {"enabled": False},  # it cannot send to WSGI; see test_tokens.py
            # 400: a search that contradicts itself, and a file that is no picture, are valid by
            # the schema.
            "positive_data_acceptance": {
                "expected-statuses": ["2xx", "3xx", "400", "401", "403", "404"]
            },
        },
    }
    requests = 0
    failures: list[str] = []
    with override_settings(ALLOWED_HOSTS=["*"]):
        schema = schemathesis.openapi.from_wsgi(
            "/api/openapi.json",
            strip_bodies(get_wsgi_application()),
            config=SchemathesisConfig.from_dict(config),
        )
        for event in engine.from_schema(schema).execute():
            match event:
                case events.ScenarioFinished(recorder=recorder):
                    requests += len(recorder.interactions)
                    failures += [
                        f"{check.failure_info.failure}\n{check.failure_info.code_sample}"
                        for checks in recorder.checks.values()
                        for check in checks
                        if check.failure_info is not None
                    ]
                case events.FatalError(exception=error) | events.NonFatalError(value=error):
                    if str(error) != OWN_ERROR:
                        raise error
    token.delete()
    print(requests, "requests")
    assert not failures, "\n\n".join(failures)
    assert requests > EXAMPLES * OPERATIONS
