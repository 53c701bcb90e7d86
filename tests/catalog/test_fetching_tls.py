"""Fetching over https: only from servers with a valid certificate."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from catalog.media.fetching import http_client
from tests.catalog.misbehaving import Server, misbehaving_server
from tests.catalog.test_fetching import addresses, fetch, load

pytestmark = pytest.mark.usefixtures("database")

AUTHORITY = trustme.CA()
STRANGER = trustme.CA()
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
CERTIFICATES = {
    "good": AUTHORITY.issue_cert("localhost"),
    "another's": AUTHORITY.issue_cert("pictures.example"),
    "expired": AUTHORITY.issue_cert("localhost", not_before=LONG_AGO, not_after=LONG_AGO),
    "of a stranger": STRANGER.issue_cert("localhost"),
}


@pytest.fixture
def server(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Server]:
    """A server with the certificate of the given name; only `AUTHORITY` is trusted."""
    trusted = tmp_path / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(trusted)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    monkeypatch.setenv("FETCH_ALLOW", "localhost")
    http_client._ssl_context.cache_clear()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CERTIFICATES[request.param].configure_cert(context)
    with misbehaving_server() as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        yield server
    http_client._ssl_context.cache_clear()


def url(server: Server) -> str:
    return server.url("ok", "localhost").replace("http:", "https:")


@pytest.mark.parametrize("server", ["good"], indirect=True)
def test_valid_certificate_is_accepted(tmp_path: Path, server: Server) -> None:
    load(tmp_path, f"A,Shirt,{url(server)}")
    assert fetch().fetched == 1


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        ("another's", "Hostname mismatch"),
        ("expired", "certificate has expired"),
        ("of a stranger", "unable to get local issuer certificate"),
    ],
    indirect=["server"],
)
def test_invalid_certificate_is_a_dead_link(tmp_path: Path, server: Server, reason: str) -> None:
    load(tmp_path, f"A,Shirt,{url(server)}")
    assert fetch().dead == 1
    found = str(addresses()["ok"]["reason"])
    assert found.startswith("the certificate is not valid: ")
    assert reason in found
    assert not server.hits
