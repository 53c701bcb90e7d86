"""Fetching all pending pictures: threads that take turns at hosts, and commit each result at once.

A run may be stopped at any moment; the next one carries on.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from queue import Empty, SimpleQueue
from threading import Event, Thread

from catalog.media.fetching.address_table import (
    Pending,
    Unfetched,
    pending,
    record_failure,
    record_picture,
    revive_dead,
)
from catalog.media.fetching.http_client import DeadLink, Limits, Stopped, TransientError, fetch
from catalog.media.fetching.rate_limit import Turns
from catalog.media.fetching.safe_urls import Address, AddressError, parse_address
from catalog.media.store import take_content
from embedding.image_decoding import ImageError

TRIES = 3
"""Attempts at an address in one run."""

MAX_REDIRECTS = 5
BACK_OFF = 1.0
"""Seconds before the second attempt, more or less; each further one waits twice as long."""

LONGEST_WAIT = 120.0
"""Seconds; a host that wants to be left alone for longer is left to the next run."""

WINDOW = 20_000
"""Addresses in hand at a time, so that many hosts are visited at once in any order of rows."""

PATIENCE = 3.0
"""Seconds that threads have to end in when somebody asks to stop."""


@dataclass(frozen=True, slots=True)
class Manners:
    """How hard to fetch: threads, threads at one host, seconds between requests to one host."""

    workers: int = 16
    per_host: int = 4
    interval: float = 0.1
    limits: Limits = field(default_factory=Limits)


@dataclass(slots=True)
class Summary:
    """What a run did, in addresses. Those `put_off` were not reached, and stay pending."""

    fetched: int = 0
    dead: int = 0
    put_off: list[Unfetched] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Job:
    """An address on its way: where it leads by now, after how many redirects and attempts."""

    row: Pending
    start: Address
    address: Address
    redirects: int = 0
    attempts: int = 1

    @property
    def host(self) -> str:
        return self.address.host.lower()


Result = Callable[[Summary], None] | BaseException


def fetch_images(
    manners: Manners | None = None,
    *,
    limit: int | None = None,
    retry_dead: bool = False,
    summary: Summary | None = None,
    progress: Callable[[], None] = lambda: None,
    stop: Event | None = None,
) -> Summary:
    """Fetch the pictures of pending addresses, at most `limit`, with the dead if `retry_dead`.

    `progress` is called once an address. `summary` is kept up to date, for callers that are
    interrupted. On an interruption, and once `stop` is set, it ends within seconds.

    Raises:
        ConfigError: FETCH_ALLOW cannot be used.
        OSError: the media folder cannot be written.
    """
    if retry_dead:
        revive_dead()
    return _Run(manners or Manners(), summary or Summary(), stop or Event()).run(
        pending(limit), progress
    )


class _Run:
    def __init__(self, manners: Manners, summary: Summary, stop: Event) -> None:
        self.manners, self.summary, self.stop = manners, summary, stop
        self.turns: Turns[Job] = Turns(manners.per_host, manners.interval)
        self.results: SimpleQueue[Result] = SimpleQueue()

    def run(self, rows: Iterator[Pending], progress: Callable[[], None]) -> Summary:
        # Daemons: a thread that hangs in the resolver must not keep the process alive.
        threads = [Thread(target=self._work, daemon=True) for _ in range(self.manners.workers)]
        for thread in threads:
            thread.start()
        in_hand = 0
        try:
            while not self.stop.is_set():
                for row in islice(rows, WINDOW - in_hand):
                    self._begin(row)
                    in_hand += 1
                if not in_hand:
                    break
                if self._collect():
                    in_hand -= 1
                    progress()
        finally:
            self.stop.set()
            self.turns.close()
            for thread in threads:
                thread.join(PATIENCE / len(threads))
            while self._collect(wait=False):
                progress()
        return self.summary

    def _begin(self, row: Pending) -> None:
        try:
            address = parse_address(row.url)
        except AddressError as error:
            self._fail(row, str(error), attempts=0, dead=True)
        else:
            self.turns.add(Job(row, address, address))

    def _collect(self, wait: bool = True) -> bool:
        """Count one result; False if there is none yet."""
        try:
            result = self.results.get(wait, timeout=0.2)
        except Empty:
            return False
        if isinstance(result, BaseException):
            raise result
        result(self.summary)
        return True

    def _work(self) -> None:
        while taken := self.turns.take():
            host, job = taken
            wait = 0.0
            try:
                wait = self._visit(job)
            except Stopped:
                return
            except BaseException as error:
                self.results.put(error)
            finally:
                self.turns.done(host, wait)

    def _visit(self, job: Job) -> float:
        """Make one request; returns for how long the host wants to be left alone, in seconds."""
        try:
            found = fetch(job.address, self.manners.limits, self.stop)
            if isinstance(found, Address):
                self._redirect(job, found)
                return 0.0
            picture = take_content(found, {}, store=True)
        except (AddressError, DeadLink, ImageError) as error:
            self._fail(job.row, str(error), job.attempts, dead=True)
        except TransientError as error:
            return self._try_again(job, error)
        else:
            record_picture(job.row, picture, job.attempts)
            self.results.put(_count_fetched)
        return 0.0

    def _redirect(self, job: Job, to: Address) -> None:
        # Not followed here: it has to wait for its turn at the other host.
        if job.redirects == MAX_REDIRECTS:
            raise DeadLink(f"redirected more than {MAX_REDIRECTS} times")
        job.address = to
        job.redirects += 1
        self.turns.add(job)

    def _try_again(self, job: Job, error: TransientError) -> float:
        asked = error.wait or 0.0
        if asked > LONGEST_WAIT:
            for other in self.turns.cancel(job.host):
                self._put_off(other.row, str(error))
        if job.attempts >= TRIES or asked > LONGEST_WAIT:
            self._fail(job.row, str(error), job.attempts, dead=False)
            return 0.0 if asked > LONGEST_WAIT else asked
        back_off = BACK_OFF * 2 ** (job.attempts - 1) * random.uniform(0.5, 1.5)
        job.address, job.redirects = job.start, 0
        job.attempts += 1
        self.turns.add(job, max(asked, back_off))
        return asked

    def _fail(self, row: Pending, reason: str, attempts: int, *, dead: bool) -> None:
        if record_failure(row, reason, attempts, dead=dead):
            self.results.put(_count_dead)
        else:
            self._put_off(row, reason)

    def _put_off(self, row: Pending, reason: str) -> None:
        unfetched = Unfetched(row.sku, row.url, reason)
        self.results.put(lambda summary: summary.put_off.append(unfetched))


def _count_fetched(summary: Summary) -> None:
    summary.fetched += 1


def _count_dead(summary: Summary) -> None:
    summary.dead += 1
