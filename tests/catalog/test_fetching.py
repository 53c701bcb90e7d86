"""Fetching pictures from URLs, against a local server that misbehaves in many ways."""

import csv
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from threading import Event, Thread

import pytest
from django.core.management import CommandError, call_command
from sqlalchemy import select

from catalog import config
from catalog.db.connection import connect
from catalog.importing import import_catalog
from catalog.media.fetching import job
from catalog.media.fetching.http_client import Limits, parse_retry_after
from catalog.media.fetching.job import FetchOptions, Summary, fetch_images
from catalog.media.fetching.safe_urls import AddressError, parse_address, resolve
from catalog.tables import IMAGE_ADDRESS, PRODUCT, PRODUCT_IMAGE
from embedding.config import ConfigError
from tests.catalog.misbehaving import Server, jpeg, misbehaving_server
from tests.conftest import PROJECT, fresh_database

pytestmark = pytest.mark.slow

PATIENT = Limits(total_timeout=120, idle_timeout=60, max_bytes=200_000)
# For servers that never send a whole picture.
SHORT = {
    "drip": Limits(total_timeout=0.5, idle_timeout=60),
    "dripping": Limits(total_timeout=0.5, idle_timeout=60),
    "silent": Limits(total_timeout=120, idle_timeout=0.3),
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The server, at the only internal address that FETCH_ALLOW permits."""
    monkeypatch.setenv("FETCH_ALLOW", "127.0.0.1")
    monkeypatch.setattr(job, "BACK_OFF", 0.02)
    with misbehaving_server() as server:
        yield server


@pytest.fixture
def folder(database: str, tmp_path: Path) -> Path:
    return tmp_path


def load(folder: Path, *rows: str, header: str = "sku,title,image_url") -> None:
    file = folder / "c.csv"
    file.write_text("\n".join([header, *rows]) + "\n")
    report = import_catalog(file, folder)
    assert report.errors == []


def fetch(**options: object) -> Summary:
    settings: dict[str, object] = {"workers": 4, "interval": 0.0, "limits": PATIENT, **options}
    return fetch_images(FetchOptions(**settings))  # type: ignore[arg-type]


def addresses() -> dict[str, dict[str, object]]:
    """The rows of `image_address`, by the URL's path."""
    with connect() as connection:
        query = select(IMAGE_ADDRESS).order_by(IMAGE_ADDRESS.c.product_id, IMAGE_ADDRESS.c.position)
        rows = connection.execute(query).mappings()
        return {str(row["url"]).split("/", 3)[-1]: dict(row) for row in rows}


def pictures(sku: str = "A") -> list[tuple[int, int]]:
    """Positions and ids of a product's pictures, by position."""
    with connect() as connection:
        query = select(PRODUCT_IMAGE.c.position, PRODUCT_IMAGE.c.id).join(PRODUCT)
        rows = connection.execute(query.where(PRODUCT.c.sku == sku).order_by("position"))
        return [(position, image) for position, image in rows]


def stored(folder: Path) -> list[Path]:
    return [path for path in (folder / "media").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("path", "attempts"),
    [("ok", 1), ("lying", 1), ("hops/5", 1), ("broken", 2), ("later/0", 2)],
)
def test_pictures_are_fetched(folder: Path, server: Server, path: str, attempts: int) -> None:
    load(folder, f"A,Shirt,{server.url(path)}")
    assert fetch().fetched == 1
    row = addresses()[path]
    assert (row["status"], row["attempts"], row["reason"]) == ("fetched", attempts, "")
    assert pictures() == [(0, row["image_id"])]
    (file,) = stored(folder)
    assert file.read_bytes() == jpeg()


DEAD = {
    "status/404": "answered 404",
    "status/410": "answered 410",
    "status/403": "answered 403",
    "status/204": "answered 204",
    "html": "not a picture",
    "empty": "the file is empty",
    "truncated": "damaged or incomplete",
    "long": "damaged or incomplete",
    "bomb": "pixels",
    "gzip": "compressed",
    "endless": "larger than",
    "large": "larger than",
    "hops/6": "redirected more than 5 times",
    "loop": "redirected more than 5 times",
    "to/file:///etc/passwd": "neither http nor https",
    "to/http://169.254.169.254/latest/meta-data": "private address",
    "to/http://127.0.0.2/": "private address",
    "to/http://2130706434/": "private address",
    "to/http://[::1": "not a web address",
    "nowhere": "without a Location header",
}


@pytest.fixture(scope="module")
def dead_links(
    template: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, object]]:
    """The addresses of `DEAD`, each of its own product, after one run."""
    folder = tmp_path_factory.mktemp("dead")
    with (
        pytest.MonkeyPatch.context() as patch,
        fresh_database(template),
        misbehaving_server() as server,
    ):
        patch.setenv("FETCH_ALLOW", "127.0.0.1")
        patch.setenv("MEDIA_ROOT", str(folder / "media"))
        load(folder, *(f"S{n},Shirt,{server.url(path)}" for n, path in enumerate(DEAD)))
        summary = fetch()
        assert (summary.dead, summary.deferred) == (len(DEAD), [])
        for number in range(len(DEAD)):
            assert pictures(f"S{number}") == []
        assert stored(folder) == []
        return addresses()


@pytest.mark.parametrize("path", DEAD)
def test_dead_links(dead_links: dict[str, dict[str, object]], path: str) -> None:
    row = dead_links[path]
    assert (row["status"], row["attempts"]) == ("dead", 1)
    assert DEAD[path] in str(row["reason"])


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("drip", "took longer than 0.5 s"),
        ("dripping", "took longer than 0.5 s"),
        ("silent", "no answer within 0.3 s"),
        ("short", "incomplete or invalid HTTP response"),
        ("headers", "incomplete or invalid HTTP response"),
        ("junk", "incomplete or invalid HTTP response"),
        ("reset", "the connection failed"),
        ("status/503", "answered 503"),
    ],
)
def test_transient_errors_are_tried_three_times_and_stay_pending(
    folder: Path, server: Server, path: str, reason: str
) -> None:
    load(folder, f"A,Shirt,{server.url(path)}")
    summary = fetch(limits=SHORT.get(path, PATIENT))
    assert [link.sku for link in summary.deferred] == ["A"]
    assert reason in summary.deferred[0].reason
    row = addresses()[path]
    assert (row["status"], row["attempts"]) == ("", 3)
    assert server.hits["/" + path] == 3
    assert stored(folder) == []


def test_address_that_always_fails_is_dead_after_several_runs(folder: Path, server: Server) -> None:
    load(folder, f"A,Shirt,{server.url('status/500')}")
    assert [fetch().dead for _ in range(4)] == [0, 0, 1, 0]
    assert server.hits["/status/500"] == 9


def test_retry_after_is_respected(folder: Path, server: Server) -> None:
    load(folder, f"A,Shirt,{server.url('later/1')}")
    assert fetch().fetched == 1
    assert server.start_times[1] - server.start_times[0] >= 0.9


def test_an_address_with_a_long_retry_after_holds_up_no_others(
    folder: Path, server: Server
) -> None:
    paths = ["later/9999?1", "later/9999?2", "ok/red?3", "later/9999?4", "ok/blue?5"]
    load(folder, *(f"S{n},Shirt,{server.url(path)}" for n, path in enumerate(paths)))
    summary = fetch(workers=1)
    assert summary.fetched == 2
    assert [link.reason for link in summary.deferred] == 3 * ["answered 429"]


def test_host_that_asks_for_long_pauses_is_deferred_to_the_next_run(
    folder: Path, server: Server
) -> None:
    load(folder, *(f"S{n},Shirt,{server.url(f'later/9999?{n}')}" for n in range(6)))
    summary = fetch(workers=1)
    assert [link.reason for link in summary.deferred] == 6 * ["answered 429"]
    assert sum(server.hits.values()) == job.MAX_LONG_PAUSES


def test_addresses_that_failed_come_after_those_that_were_never_tried(
    folder: Path, server: Server
) -> None:
    paths = [f"later/9999?{n}" for n in range(4)] + ["ok/red"]
    load(folder, *(f"S{n},Shirt,{server.url(path)}" for n, path in enumerate(paths)))
    fetch(workers=1)
    assert server.hits["/ok/red"] == 0
    fetch_images(FetchOptions(workers=1, interval=0), limit=2)
    assert server.hits["/ok/red"] == 1


def test_retry_after_parses_numbers_and_dates() -> None:
    assert parse_retry_after("7") == 7
    assert parse_retry_after("-7") is None
    assert parse_retry_after("soon") is None
    assert parse_retry_after("") is None
    assert parse_retry_after(formatdate(0, usegmt=True)) == 0
    in_a_minute = parse_retry_after(formatdate(time.time() + 60, usegmt=True))
    assert in_a_minute is not None
    assert 50 < in_a_minute <= 60


def test_rate_limit_per_host(folder: Path, server: Server) -> None:
    load(folder, *(f"S{n},Shirt,{server.url(f'slow/red?{n}')}" for n in range(8)))
    assert fetch(workers=8, per_host=2, interval=0.05).fetched == 8
    assert server.max_active == 2
    start_times = sorted(server.start_times)
    assert start_times[-1] - start_times[0] >= 7 * 0.05


def test_all_workers_are_used_if_the_rate_limit_allows(folder: Path, server: Server) -> None:
    load(folder, *(f"S{n},Shirt,{server.url(f'together/{n}')}" for n in range(4)))
    assert fetch(workers=4, per_host=4, limits=Limits()).fetched == 4


def test_request_has_a_user_agent_and_no_private_headers(
    folder: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    load(folder, f"A,Shirt,{server.url('ok/red')}")
    assert fetch().fetched == 1
    (headers,) = server.headers_seen
    assert headers["host"] == f"127.0.0.1:{server.port}"
    assert headers["user-agent"].startswith("catalog-search")
    assert not headers.keys() & {"cookie", "authorization", "referer"}


def test_next_run_after_a_stop_fetches_only_the_rest(folder: Path, server: Server) -> None:
    load(folder, *(f"S{n},Shirt,{server.url(f'slow/red?{n}')}" for n in range(12)))
    stop = Event()
    got = []

    def progress() -> None:
        got.append(1)
        if len(got) == 5:
            stop.set()

    first = fetch_images(FetchOptions(workers=1, interval=0), progress=progress, stop=stop)
    done = {path for path, row in addresses().items() if row["status"] == "fetched"}
    assert 5 <= first.fetched == len(done) < 12
    assert fetch().fetched == 12 - len(done)
    assert all(server.hits["/" + path] == 1 for path in done)
    assert fetch() == Summary()


def test_limit(folder: Path, server: Server) -> None:
    load(folder, *(f"S{n},Shirt,{server.url(f'ok/red?{n}')}" for n in range(3)))
    assert fetch_images(FetchOptions(interval=0), limit=2).fetched == 2


# -- which addresses


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "0.0.0.0", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *("[::1]", "[::]", "[fe80::1]", "[fc00::1]", "[fec0::1]", "[ff02::1]"),
        *("[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]"),
        *("[2002:7f00:1::]", "[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::1]"),
        *("2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "localhost"),
        *("localhost.", "LOCALHOST"),
    ],
)
def test_internal_addresses_are_rejected(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FETCH_ALLOW", raising=False)
    with pytest.raises(AddressError, match="is a private address: see FETCH_ALLOW"):
        resolve(parse_address(f"http://{host}/x.jpg"))


@pytest.mark.parametrize(
    ("host", "allow"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("10.1.2.3", "shop.internal, 10.0.0.0/8"),
        ("localhost", "localhost"),
        ("LocalHost", "LOCALHOST"),
        ("[::ffff:10.0.0.1]", "10.0.0.0/8"),
        ("[fc00::1]", "fc00::/7"),
    ],
)
def test_allowed_internal_addresses_are_accepted(
    host: str, allow: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FETCH_ALLOW", allow)
    assert resolve(parse_address(f"http://{host}/x.jpg"))


@pytest.mark.parametrize("host", ["8.8.8.8", "[2001:4860:4860::8888]", "[64:ff9b::8.8.8.8]"])
def test_public_addresses_are_accepted(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FETCH_ALLOW", raising=False)
    assert resolve(parse_address(f"https://{host}/"))


@pytest.mark.parametrize("host", ["168.63.129.16", "192.0.0.192", "[::ffff:168.63.129.16]"])
def test_metadata_of_clouds_is_not_fetched(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FETCH_ALLOW", raising=False)
    with pytest.raises(AddressError, match="is a private address: see FETCH_ALLOW"):
        resolve(parse_address(f"http://{host}/metadata/instance"))


@pytest.mark.parametrize("port", [22, 6379, 8080])
def test_other_ports_only_of_hosts_that_are_named(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FETCH_ALLOW", raising=False)
    address = parse_address(f"http://8.8.8.8:{port}/x.jpg")
    with pytest.raises(AddressError, match=f"port {port} of 8.8.8.8 is not allowed: see FETCH_AL"):
        resolve(address)
    monkeypatch.setenv("FETCH_ALLOW", "8.8.8.8")
    assert resolve(address) == ["8.8.8.8"]


def test_host_name_is_resolved_only_once(
    folder: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding, a second answer with another address, has no effect."""
    real, lookups = socket.getaddrinfo, []

    def rebinding(host: str, *args: object, **more: object) -> object:
        if host == "pictures.example":
            lookups.append(host)
            host = "127.0.0.1" if len(lookups) == 1 else "127.0.0.66"
        return real(host, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    load(folder, f"A,Shirt,{server.url('ok', 'pictures.example')}")
    assert fetch().fetched == 1
    assert len(lookups) == 1
    assert server.headers_seen[0]["host"] == f"pictures.example:{server.port}"


def test_malformed_fetch_allow(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FETCH_ALLOW", "10.0.0.0/99")
    with pytest.raises(ConfigError, match="FETCH_ALLOW"):
        config.settings()
    with pytest.raises(CommandError) as misuse:
        call_command("fetch_images", verbosity=0)
    assert misuse.value.returncode == 2


def test_parse_address() -> None:
    address = parse_address("HTTPS://Bücher.example:8443/a b/ü.jpg?w=1;h=%20#part")
    assert str(address) == "https://xn--bcher-kva.example:8443/a%20b/%C3%BC.jpg?w=1;h=%20"
    assert parse_address("http://a.example").target == "/"


# -- import


def test_several_urls_in_one_cell(folder: Path) -> None:
    cell = (
        "http://a.example/x.jpg;v=1;w=2 ; https://b.example/y.jpg;http://a.example/x.jpg;v=1;w=2;"
    )
    load(folder, f"A,Shirt,{cell}", header="sku,title,Image Link")
    urls = [row["url"] for row in addresses().values()]
    assert urls == ["http://a.example/x.jpg;v=1;w=2", "https://b.example/y.jpg"]


BAD_URLS = (
    *("ftp://a.example/x.jpg", "file:///etc/passwd", "x.jpg", "http://"),
    *("http://a.example/x.jpg;ftp://b.example/y.jpg", "http://me:secret@a.example/"),
    *("http://a.example:99999/", "http://a.example\\@b.example/", "http://[::1/"),
    *("javascript:alert(1)", "http://a b/", "http://a.example/" + "x" * 2000),
)


@pytest.fixture(scope="module")
def bad_urls(template: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The warnings of an import, by SKU."""
    file = tmp_path_factory.mktemp("urls") / "c.csv"
    rows = [f"S{number},Shirt,{url}\n" for number, url in enumerate(BAD_URLS)]
    file.write_text("".join(["sku,title,image_url\n", *rows, "GOOD,Skirt,\n"]))
    with fresh_database(template):
        report = import_catalog(file)
        assert (report.added, report.errors) == (len(BAD_URLS) + 1, [])
        assert all(str(row["url"]).startswith("http://a.example/x") for row in addresses().values())
    assert [warning.line for warning in report.warnings] == list(range(2, len(BAD_URLS) + 2))
    return {warning.sku: warning.reason for warning in report.warnings}


@pytest.mark.parametrize("number", range(len(BAD_URLS)), ids=[url[:50] for url in BAD_URLS])
def test_product_with_a_bad_url_is_imported_without_it(
    bad_urls: dict[str, str], number: int
) -> None:
    assert bad_urls[f"S{number}"].startswith("image_url ")


def test_unchanged_addresses_keep_their_pictures_and_removed_ones_lose_them(
    folder: Path, server: Server
) -> None:
    red, blue, green = (server.url(f"ok/{colour}") for colour in ("red", "blue", "green"))
    load(folder, f"A,Shirt,{red};{blue}")
    assert fetch().fetched == 2
    before = {path: row["image_id"] for path, row in addresses().items()}
    load(folder, f"A,Shirt,{red};{blue}")
    assert fetch() == Summary()
    load(folder, "A,Skirt", header="sku,title")
    assert len(pictures()) == 2
    load(folder, f"A,Skirt,{green};{blue}")
    assert {path: row["status"] for path, row in addresses().items()} == {
        "ok/green": "",
        "ok/blue": "fetched",
    }
    assert pictures() == [(0, before["ok/blue"])]
    assert fetch().fetched == 1
    after = {path: row["image_id"] for path, row in addresses().items()}
    assert pictures() == [(0, after["ok/green"]), (1, before["ok/blue"])]
    load(folder, "A,Skirt,")
    assert (pictures(), addresses()) == ([], {})


def test_fetched_pictures_come_after_those_from_files(folder: Path, server: Server) -> None:
    for colour in ("white", "black"):
        (folder / f"{colour}.jpg").write_bytes(jpeg(colour))
    header = "sku,title,images,image_url"
    urls = ";".join(server.url(path) for path in ("status/404", "ok/red", "ok/blue"))
    load(folder, f"A,Shirt,,{urls}", header=header)
    assert fetch().fetched == 2
    rows = addresses()
    by_address = [rows["ok/red"]["image_id"], rows["ok/blue"]["image_id"]]
    assert pictures() == list(enumerate(by_address)), "a dead link leaves no gap"
    load(folder, f"A,Shirt,white.jpg;black.jpg,{urls}", header=header)
    assert [image for _, image in pictures()][2:] == by_address
    load(folder, "A,Shirt,black.jpg", header="sku,title,images")
    assert [position for position, _ in pictures()] == [0, 1, 2]
    assert [image for _, image in pictures()][1:] == by_address


def test_duplicate_picture_is_stored_once_until_the_first_is_removed(
    folder: Path, server: Server
) -> None:
    one, two = server.url("ok/red?1"), server.url("ok/red?2")
    load(folder, f"A,Shirt,{one};{two}")
    assert fetch(workers=1).fetched == 2
    assert len(pictures()) == 1
    load(folder, f"A,Shirt,{two}")
    fetch()
    assert [position for position, _ in pictures()] == [0]


def test_import_during_a_fetch_wins(folder: Path, server: Server) -> None:
    load(folder, f"A,Shirt,{server.url('held')}")
    fetching = Thread(target=fetch)
    fetching.start()
    while not server.hits["/held"]:
        assert fetching.is_alive()
        time.sleep(0.01)
    load(folder, f"A,Shirt,{server.url('ok')}")
    server.released.set()
    fetching.join()
    assert pictures() == []
    assert list(addresses()) == ["ok"]
    assert addresses()["ok"]["status"] == ""


# -- the command


def test_command_output_and_exit_status(
    folder: Path, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    load(folder, f"A,Shirt,{server.url('ok')}", f"B,Skirt,{server.url('status/404')}")
    call_command("fetch_images", dry_run=True, verbosity=0)
    assert capsys.readouterr().out == "2 to fetch\n"
    assert not server.hits
    with pytest.raises(SystemExit) as status:
        call_command("fetch_images", dead=folder / "dead.csv", verbosity=0)
    assert status.value.code == 1
    output = capsys.readouterr()
    assert "1 fetched, 1 dead (1 in all), 0 not reached" in output.out
    assert f"dead: B: {server.url('status/404')}: answered 404" in output.err
    (row,) = csv.DictReader((folder / "dead.csv").open())
    assert row == {"sku": "B", "url": server.url("status/404"), "reason": "answered 404"}
    with pytest.raises(SystemExit):
        call_command("fetch_images", retry_dead=True, verbosity=0)
    assert server.hits["/status/404"] == 2
    load(folder, "B,Skirt,")
    call_command("fetch_images", verbosity=0)
    assert "0 fetched, 0 dead" in capsys.readouterr().out
    for arguments in (["--workers", "0"], ["--interval", "-1"], ["--timeout", "0"], ["--nope"]):
        with pytest.raises(CommandError):
            call_command("fetch_images", *arguments, verbosity=0)


@pytest.mark.process
def test_ctrl_c_stops_within_seconds_and_says_how_to_continue(folder: Path, server: Server) -> None:
    load(folder, f"A,Shirt,{server.url('ok')}", f"B,Skirt,{server.url('drip')}")
    process = subprocess.Popen(
        [sys.executable, "manage.py", "fetch_images", "--timeout", "600", "-v", "0"],
        cwd=PROJECT,
        env=os.environ,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 300
    while len(server.hits) < 2 or not pictures():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopped: 1 fetched, 0 dead. ./manage.py fetch_images continues" in said
    assert addresses()["drip"]["status"] == ""
