"""/healthz, /readyz and /metrics."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.test import Client, override_settings
from prometheus_client.parser import text_string_to_metric_families

from catalog.db.connection import connect
from catalog.search.results import Results
from catalog.search.search_spec import SearchSpec
from shop import probes
from shop.database_metrics import forget_database_metrics
from shop.metrics import count_search
from tests.conftest import PROJECT, using_database
from tests.processes import run_python
from tests.serving import serving
from tests.shop.test_pictures import PLAIN_STORAGE

CLIENT = Client(headers={"host": "192.0.2.1"})
"""Probes ask by IP address, which is no host name of the shop."""


@pytest.fixture(autouse=True)
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(probes, "READY_SECONDS", 0.0)
    forget_database_metrics()
    with override_settings(STORAGES=PLAIN_STORAGE):
        yield
    forget_database_metrics()


@pytest.fixture
def nobody() -> Iterator[None]:
    """A database that nobody answers for."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with using_database(f"postgresql://shop:hunter2@127.0.0.1:{port}/shop"):
        yield


def figures(client: Client = CLIENT) -> dict[tuple[str, ...], float]:
    """The samples of /metrics by name and labels, which are sorted by their names."""
    page = client.get("/metrics")
    assert page.status_code == 200
    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(page.content.decode())
        for sample in family.samples
    }


def ready() -> tuple[int, str]:
    page = CLIENT.get("/readyz")
    return page.status_code, page.json().get("reason", "")


def test_health_needs_no_database(nobody: None) -> None:
    assert CLIENT.get("/healthz").json() == {"status": "alive"}
    assert CLIENT.head("/healthz").status_code == 200
    assert CLIENT.post("/healthz").status_code == 400  # the host is not allowed
    status, reason = ready()
    assert (status, reason) == (503, "the database does not answer")
    assert figures()["shop_database_up",] == 0


def test_ready(database: str) -> None:
    assert ready() == (200, "")
    with psycopg.connect(database, autocommit=True) as server:
        server.execute("UPDATE alembic_version SET version_num = '0036'")
        assert ready() == (503, "the database is not migrated")
        # A later version has migrated it during an update: this one still answers.
        server.execute("UPDATE alembic_version SET version_num = '9999'")
        assert ready() == (200, "")
        server.execute("DROP TABLE alembic_version")
        assert ready() == (503, "the database is not migrated")


def test_not_ready_without_a_model(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as server:
        server.execute("DELETE FROM model")
    assert ready() == (503, "no model of MODELS has tables")


def test_answers_of_readyz_are_kept(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "READY_SECONDS", 60.0)
    middleware = probes.answer_probes(lambda request: pytest.fail("not a probe"))
    asked: list[int] = []

    def no_problem() -> str:
        asked.append(1)
        return ""

    monkeypatch.setattr(probes, "readiness_problem", no_problem)
    request = CLIENT.get("/readyz").wsgi_request
    for _ in range(3):
        middleware(request)
    assert len(asked) == 2  # one of the client, one of `middleware`


def test_requests_are_counted_by_route(database: str) -> None:
    before = figures()
    shopper = Client(headers={"host": "localhost"})
    for path in ("/product/A", "/product/B", "/nowhere/secret-words"):
        assert shopper.get(path).status_code == 404
    after = figures()

    def counted(page: str) -> float:
        key = ("shop_requests_total", page, "404")
        return after.get(key, 0) - before.get(key, 0)

    assert (counted("product"), counted("none")) == (2, 1)
    assert after["shop_request_seconds_count", "product"] >= 2
    assert not any("secret" in part for key in after for part in key)


def test_searches_are_counted() -> None:
    results = Results((), 0, SearchSpec(text="red"), words="red", truncated=True)
    before = figures_of_process()
    count_search(results)
    count_search(Results((), 0, SearchSpec()))  # the catalogue, without a query
    after = figures_of_process()
    assert after["shop_searches_total"] - before["shop_searches_total"] == 1
    assert after["shop_searches_cut_off_total"] - before["shop_searches_cut_off_total"] == 1


def figures_of_process() -> dict[str, float]:
    from shop.metrics import process_metrics

    families = text_string_to_metric_families(process_metrics().decode())
    return {sample.name: sample.value for family in families for sample in family.samples}


def test_database_figures(database: str) -> None:
    with connect() as connection:
        connection.exec_driver_sql("INSERT INTO product (sku, title) VALUES ('A', 'Shirt')")
        connection.exec_driver_sql("INSERT INTO query_embedding (text, model) VALUES ('x', 'clip')")
        connection.exec_driver_sql(
            "INSERT INTO worker_sign (name, seen_at) VALUES ('w', now() - interval '30 s')"
        )
        connection.exec_driver_sql(
            "INSERT INTO index_recall (model, modality, recall, nearest, queries)"
            " VALUES ('fashion', 'image', 0.98, 10, 5)"
        )
    found = figures()
    assert found["shop_database_up",] == 1
    assert found["shop_embedding_requests",] == 1
    assert found["shop_workers",] == 1
    assert 30 <= found["shop_worker_sign_age_seconds",] < 300
    assert found["shop_embeddings", "text", "fashion", "missing"] == 1
    assert found["shop_index_recall", "image", "fashion"] == 0.98
    with connect() as connection:
        connection.exec_driver_sql("DELETE FROM worker_sign")
    assert figures()["shop_workers",] == 1  # kept for a while


STRANGERS = [
    {"REMOTE_ADDR": "203.0.113.5"},
    {"REMOTE_ADDR": ""},
    {"REMOTE_ADDR": "127.0.0.1", "headers": {"x-forwarded-for": "203.0.113.5"}},
    {"REMOTE_ADDR": "127.0.0.1", "headers": {"authorization": "Bearer wrong"}},
]


@pytest.mark.parametrize("stranger", STRANGERS)
@override_settings(METRICS_TOKEN="right")
def test_strangers_read_no_metrics(nobody: None, stranger: dict[str, str]) -> None:
    page = CLIENT.get("/metrics", **stranger)  # type: ignore[arg-type]
    assert page.status_code == 403
    assert b"shop_" not in page.content


@override_settings(METRICS_TOKEN="right")
def test_token_reads_metrics_from_anywhere(nobody: None) -> None:
    headers = {"authorization": "Bearer right", "x-forwarded-for": "203.0.113.5"}
    page = CLIENT.get("/metrics", headers=headers, REMOTE_ADDR="203.0.113.5")
    assert page.status_code == 200


@pytest.mark.process
def test_proxy_of_strangers_is_seen(database: str) -> None:
    with serving() as port, socket.create_connection(("127.0.0.1", port)) as proxy:
        proxy.sendall(
            b"GET /metrics HTTP/1.0\r\nHost: localhost\r\nX-Forwarded-For: 203.0.113.5\r\n\r\n"
        )
        assert proxy.recv(100).startswith(b"HTTP/1.0 403")


COUNT = """
import os, sys
import django; django.setup()
from shop.metrics import REQUESTS, process_metrics
REQUESTS.labels("search", 200).inc()
if os.fork() == 0:
    os.execv(sys.executable, [sys.executable, "-c", CHILD])
os.wait()
print([line for line in process_metrics().decode().splitlines() if 'page="search"' in line][0])
"""
CHILD = """
import django; django.setup()
from shop.metrics import REQUESTS
REQUESTS.labels("search", 200).inc(2)
"""


@pytest.mark.process
def test_processes_of_a_host_answer_for_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    done = run_python("-c", f"CHILD = {CHILD!r}\n{COUNT}")
    assert done.stdout.strip() == 'shop_requests_total{page="search",status="200"} 3.0', done.stderr


SHARE = """
import os, sys, django; django.setup()
from pathlib import Path
from shop.metrics import REQUESTS, SEARCHES, process_metrics, share_figures
REQUESTS.labels("search", 200).inc()
share_figures(Path(sys.argv[1]))
for times in (1, 2):
    if not (pid := os.fork()):
        REQUESTS.labels("search", 200).inc(times)
        SEARCHES.inc(times)
        os._exit(0)
    os.waitpid(pid, 0)
Path(sys.argv[1], "counter_1.db").write_bytes(b"x" * 99)
lines = process_metrics().decode().splitlines()
print(*sorted(line for line in lines if "search" in line and "_total" in line and line[0] != "#"))
"""


@pytest.mark.process
def test_processes_forked_later_answer_for_each_other(tmp_path: Path) -> None:
    """Also if there are damaged files in the folder."""
    done = run_python("-c", SHARE, str(tmp_path))
    assert done.stdout.split() == [
        *('shop_requests_total{page="search",status="200"}', "3.0"),
        *("shop_searches_cut_off_total", "0.0", "shop_searches_total", "3.0"),
    ], done.stderr
    assert "counter_1.db is damaged, so /metrics lacks its figures" in done.stderr


FORGET = """
import os, django; django.setup()
from shop.metrics import QUERY_LOG_WAITING, forget_process, process_metrics
if not (pid := os.fork()):
    QUERY_LOG_WAITING.set(3)
    os._exit(0)
os.waitpid(pid, 0)
lines = process_metrics().decode().splitlines()
forget_process(pid)
lines += process_metrics().decode().splitlines()
print(*[line for line in lines if line.startswith("shop_query_log_waiting")], sep=", ")
"""


@pytest.mark.process
def test_what_a_dead_process_had_waiting_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    done = run_python("-c", FORGET)
    assert done.stdout.strip() == "shop_query_log_waiting 3.0, shop_query_log_waiting 0.0", (
        done.stderr
    )


def test_dashboard_shows_what_exists(database: str) -> None:
    text = (PROJECT / "deploy/grafana/shop.json").read_text()
    panels = json.loads(text)["panels"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    used = {name for it in expressions for name in re.findall(r"\bshop_\w+", it)}
    with connect() as connection:
        connection.exec_driver_sql("INSERT INTO worker_sign (name) VALUES ('w')")
        connection.exec_driver_sql(
            "INSERT INTO index_recall (model, modality, recall, nearest, queries)"
            " VALUES ('fashion', 'image', 0.98, 10, 5)"
        )
    page = CLIENT.get("/metrics").content.decode()
    described = re.findall(r"^# TYPE (\w+) (\w+)", page, re.MULTILINE)
    exported = {
        name + ending
        for name, kind in described
        for ending in (("_bucket", "_count", "_sum") if kind == "histogram" else ("",))
    }
    own = {name for name in exported if name.startswith("shop_") and not name.endswith("_created")}
    assert len(used) > 10
    assert used <= own
    # Every figure but the details of histograms is on the dashboard.
    assert {it for it in own if not it.endswith(("_count", "_sum"))} == used
