"""What a process counts and times, for Prometheus, and the middleware that counts requests.

The processes of `serve` write their figures into files of one folder, and each can answer for all.
With other servers, the variable PROMETHEUS_MULTIPROC_DIR, set before this module is imported, does
the same. Pages are known by the names of their routes: addresses contain what shoppers type.
"""

import logging
import os
import time
from collections.abc import Callable, Iterable
from glob import glob
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    values,
)
from prometheus_client.core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from catalog.search.results import Results

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The bounds of histograms of times."""

REQUESTS = Counter("shop_requests", "Requests, by route and status.", ["page", "status"])
REQUEST_SECONDS = Histogram(
    "shop_request_seconds", "Time to answer a request, by route.", ["page"], buckets=SECONDS
)
SEARCHES = Counter("shop_searches", "Searches that ranked products.")
ANSWERS = Counter(
    "shop_answers",
    "Searches, pages, suggestions: computed, shared with one at the same time, or recent.",
    ["kind", "source"],
)
SEARCH_SECONDS = Histogram(
    "shop_search_seconds",
    "Time of the parts of a search: understand, encode, sql.",
    ["part"],
    buckets=SECONDS,
)
CUT_OFF = Counter("shop_searches_cut_off", "Searches with more matches than the window contains.")
QUERY_EMBEDDINGS = Counter(
    "shop_query_embeddings", "Embeddings of words: stored or encoded.", ["source"]
)
THUMBNAILS_SERVED = Counter(
    "shop_thumbnails", "Pictures of products: stored or created.", ["source"]
)
UPLOADED_BYTES = Counter("shop_uploaded_bytes", "Size of the pictures that shoppers sent.")
DECODER_BUSY = Counter("shop_decoder_busy", "Uploads that were refused: all decoders were busy.")
QUERY_LOG_WAITING = Gauge(
    "shop_query_log_waiting",
    "Searches that wait to be written into the query log.",
    multiprocess_mode="livesum",
)
QUERY_LOG_DROPPED = Counter(
    "shop_query_log_dropped", "Searches that were not logged: too many were waiting."
)

METRICS = (
    *(REQUESTS, REQUEST_SECONDS, SEARCHES, SEARCH_SECONDS, CUT_OFF, QUERY_EMBEDDINGS),
    *(THUMBNAILS_SERVED, UPLOADED_BYTES, DECODER_BUSY, QUERY_LOG_WAITING, QUERY_LOG_DROPPED),
)

logger = logging.getLogger(__name__)


def count_requests(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: count and time the requests."""

    def middleware(request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        response = get_response(request)
        page = page_name(request)
        REQUESTS.labels(page, response.status_code).inc()
        REQUEST_SECONDS.labels(page).observe(time.perf_counter() - started)
        return response

    return middleware


def page_name(request: HttpRequest) -> str:
    """The name of the route that answered, such as "search" or "admin:index"."""
    if (match := request.resolver_match) is not None:
        return match.view_name or "unnamed"
    if request.path_info.startswith(settings.STATIC_URL):
        return "static"
    return "none"


def count_search(results: Results, *, is_recent: bool = False) -> None:
    """Count a search, with its times unless it `is_recent`: then it has taken none."""
    if not (results.words or results.spec.images or results.spec.like):
        return
    SEARCHES.inc()
    if results.truncated:
        CUT_OFF.inc()
    if is_recent:
        return
    for part in ("understand", "encode", "sql"):
        SEARCH_SECONDS.labels(part).observe(getattr(results.timings, part))
    QUERY_EMBEDDINGS.labels("stored").inc(results.stored_embeddings)
    QUERY_EMBEDDINGS.labels("encoded").inc(len(results.encoded) - results.stored_embeddings)


def forget_process(pid: int) -> None:
    """Leave out what a process that has ended had waiting; what it counted stays."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        mark_process_dead(pid)  # type: ignore[no-untyped-call]


def share_figures(folder: Path) -> None:
    """Write the figures of this process, and of those that it forks from now on, into a folder.

    What was counted before is forgotten. The folder must be empty.
    """
    labelled = [metric for metric in METRICS if metric._labelnames]
    for metric in labelled:
        metric.clear()
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]
    for metric in METRICS:
        if metric not in labelled:
            metric._metric_init()


def process_metrics() -> bytes:
    """The figures of this process, or of all processes of the host, in Prometheus' text format."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    registry.register(_AllProcesses())
    return generate_latest(registry)


class _AllProcesses(Collector):
    """The figures in the files of all processes. Damaged files are left out."""

    def collect(self) -> Iterable[Metric]:
        files = glob(f"{os.environ['PROMETHEUS_MULTIPROC_DIR']}/*.db")
        try:
            return _merged(files)
        except Exception:
            return _merged([file for file in files if _is_readable(file)])


def _merged(files: list[str]) -> Iterable[Metric]:
    found: Iterable[Metric] = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
    return found


def _is_readable(file: str) -> bool:
    try:
        _merged([file])
    except Exception as error:  # the library checks nothing
        logger.warning("%s is damaged, so /metrics lacks its figures: %r", file, error)
        return False
    return True
