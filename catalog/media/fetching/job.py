"""The fetch job: worker threads fetch pending pictures and commit each result at once.

A run can be stopped at any time; the next run continues.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from queue import Empty, SimpleQueue
from threading import Event, Thread

from catalog.media.fetching.address_table import (
    FailedFetch,
    PendingAddress,
    read_pending,
    record_failure,
    record_picture,
    retry_dead_links,
)
from catalog.media.fetching.http_client import DeadLink, Limits, Stopped, TransientError, fetch
from catalog.media.fetching.rate_limit import RateLimiter
from catalog.media.fetching.safe_urls import Address, AddressError, parse_address
from catalog.media.store import check_and_store
from embedding.image_decoding import ImageError

MAX_TRIES = 3
"""Attempts for one address in one run."""

MAX_REDIRECTS = 5
BACK_OFF = 1.0
"""Seconds before the second attempt, with jitter; the delay doubles with each further attempt."""

MAX_RETRY_AFTER = 120.0
"""Seconds. An address that asks for a longer pause is deferred to the next run."""

MAX_LONG_PAUSES = 3
"""Addresses of a host in a row that ask for such a pause, until all of the host are deferred."""

MAX_IN_FLIGHT = 20_000
"""Addresses in the queue at a time. Large, so that many hosts are used at once even if the rows
are sorted by host."""

STOP_TIMEOUT = 3.0
"""Seconds that the threads have to finish when the run is stopped."""


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """Concurrent requests in total and per host, seconds between requests to one host, limits."""

    workers: int = 16
    per_host: int = 4
    interval: float = 0.1
    limits: Limits = field(default_factory=Limits)


@dataclass(slots=True)
class Summary:
    """Results of a run, in addresses. The `deferred` ones failed for now and stay pending."""

    fetched: int = 0
    dead: int = 0
    deferred: list[FailedFetch] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Download:
    """An address in progress: its current URL, and its redirects and attempts so far."""

    row: PendingAddress
    start: Address
    address: Address
    redirects: int = 0
    attempts: int = 1

    @property
    def host(self) -> str:
        return self.address.host.lower()


Result = Callable[[Summary], None] | BaseException


def fetch_images(
    options: FetchOptions | None = None,
    *,
    limit: int | None = None,
    retry_dead: bool = False,
    summary: Summary | None = None,
    progress: Callable[[], None] = lambda: None,
    stop: Event | None = None,
) -> Summary:
    """Fetch the pictures of at most `limit` pending addresses; `retry_dead` includes dead links.

    `progress` is called once per address. `summary` is updated after every address, so it is
    right even if the run is interrupted. After an interruption, or once `stop` is set, the run
    ends within seconds.

    Raises:
        ConfigError: FETCH_ALLOW is malformed.
        OSError: the media folder cannot be written.
    """
    if retry_dead:
        retry_dead_links()
    return _FetchJob(options or FetchOptions(), summary or Summary(), stop or Event()).run(
        read_pending(limit), progress
    )


class _FetchJob:
    def __init__(self, options: FetchOptions, summary: Summary, stop: Event) -> None:
        self.options, self.summary, self.stop = options, summary, stop
        self.limiter: RateLimiter[Download] = RateLimiter(options.per_host, options.interval)
        self.results: SimpleQueue[Result] = SimpleQueue()
        self.long_pauses: Counter[str] = Counter()

    def run(self, rows: Iterator[PendingAddress], progress: Callable[[], None]) -> Summary:
        # Daemon threads: one that hangs in the resolver must not keep the process alive.
        threads = [Thread(target=self._work, daemon=True) for _ in range(self.options.workers)]
        for thread in threads:
            thread.start()
        in_flight = 0
        try:
            while not self.stop.is_set():
                for row in islice(rows, MAX_IN_FLIGHT - in_flight):
                    self._enqueue(row)
                    in_flight += 1
                if not in_flight:
                    break
                if self._collect():
                    in_flight -= 1
                    progress()
        finally:
            self.stop.set()
            self.limiter.close()
            for thread in threads:
                thread.join(STOP_TIMEOUT / len(threads))
            while self._collect(wait=False):
                progress()
        return self.summary

    def _enqueue(self, row: PendingAddress) -> None:
        try:
            address = parse_address(row.url)
        except AddressError as error:
            self._fail(row, str(error), attempts=0, dead=True)
        else:
            self.limiter.add(Download(row, address, address))

    def _collect(self, wait: bool = True) -> bool:
        """Add one result to the summary; returns False if there is none yet."""
        try:
            result = self.results.get(wait, timeout=0.2)
        except Empty:
            return False
        if isinstance(result, BaseException):
            raise result
        result(self.summary)
        return True

    def _work(self) -> None:
        while acquired := self.limiter.acquire():
            host, download = acquired
            wait = 0.0
            try:
                wait = self._request(download)
            except Stopped:
                return
            except BaseException as error:
                self.results.put(error)
            finally:
                self.limiter.release(host, wait)

    def _request(self, download: Download) -> float:
        """Send one request; returns the pause that the host asked for, in seconds."""
        try:
            found = fetch(download.address, self.options.limits, self.stop)
            if isinstance(found, Address):
                self._redirect(download, found)
                return 0.0
            self.long_pauses.pop(download.host, None)
            picture = check_and_store(found, {}, store=True)
        except (AddressError, DeadLink, ImageError) as error:
            self._fail(download.row, str(error), download.attempts, dead=True)
        except TransientError as error:
            return self._retry(download, error)
        else:
            record_picture(download.row, picture, download.attempts)
            self.results.put(_count_fetched)
        return 0.0

    def _redirect(self, download: Download, to: Address) -> None:
        # Queued rather than followed here: the other host has its own rate limit.
        if download.redirects == MAX_REDIRECTS:
            raise DeadLink(f"redirected more than {MAX_REDIRECTS} times")
        download.address = to
        download.redirects += 1
        self.limiter.add(download)

    def _retry(self, download: Download, error: TransientError) -> float:
        """Queue the download again or give it up for this run; returns the pause as `_request`."""
        pause = error.wait or 0.0
        is_long = pause > MAX_RETRY_AFTER
        if is_long:
            pause = 0.0
            self._skip_host_if_paused(download.host, str(error))
        if is_long or download.attempts >= MAX_TRIES:
            self._fail(download.row, str(error), download.attempts, dead=False)
            return pause
        back_off = BACK_OFF * 2 ** (download.attempts - 1) * random.uniform(0.5, 1.5)
        download.address, download.redirects = download.start, 0
        download.attempts += 1
        self.limiter.add(download, max(pause, back_off))
        return pause

    def _skip_host_if_paused(self, host: str, reason: str) -> None:
        self.long_pauses[host] += 1
        if self.long_pauses[host] >= MAX_LONG_PAUSES:
            for other in self.limiter.cancel(host):
                self._defer(other.row, reason)

    def _fail(self, row: PendingAddress, reason: str, attempts: int, *, dead: bool) -> None:
        if record_failure(row, reason, attempts, dead=dead):
            self.results.put(_count_dead)
        else:
            self._defer(row, reason)

    def _defer(self, row: PendingAddress, reason: str) -> None:
        failed = FailedFetch(row.sku, row.url, reason)
        self.results.put(lambda summary: summary.deferred.append(failed))


def _count_fetched(summary: Summary) -> None:
    summary.fetched += 1


def _count_dead(summary: Summary) -> None:
    summary.dead += 1
