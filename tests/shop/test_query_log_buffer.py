"""The query log is written in the background, and what waits is bounded."""

from threading import Event

import psycopg
import pytest

from shop import query_log_buffer
from shop.metrics import QUERY_LOG_DROPPED
from shop.query_log_buffer import QueryLogBuffer


def dropped() -> float:
    return sum(sample.value for it in QUERY_LOG_DROPPED.collect() for sample in it.samples[:1])


def test_writes_at_once_unless_it_runs() -> None:
    written: list[int] = []
    QueryLogBuffer().add(lambda: written.append(1))
    assert written == [1]


def test_waiting_searches_are_written_at_the_end_and_bounded(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(query_log_buffer, "CAPACITY", 3)
    before = dropped()
    buffer, is_slow, begun = QueryLogBuffer(), Event(), Event()
    written: list[int] = []

    def fail() -> None:
        begun.set()
        is_slow.wait()
        raise psycopg.OperationalError("no database")

    buffer.start()
    buffer.add(fail)
    begun.wait()
    for number in range(5):
        buffer.add(lambda number=number: written.append(number))  # type: ignore[misc]
    assert (written, dropped() - before) == ([], 2)
    is_slow.set()
    buffer.stop()
    assert written == [0, 1, 2]
    assert "a search could not be logged: no database" in caplog.text
