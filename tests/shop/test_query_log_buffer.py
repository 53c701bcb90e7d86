"""The query log is written in the background, and what waits is bounded."""

from collections.abc import Sequence
from threading import Event

import psycopg
import pytest

from catalog.query_log import LoggedSearch
from shop import query_log_buffer
from shop.metrics import QUERY_LOG_DROPPED
from shop.query_log_buffer import QueryLogBuffer


def dropped() -> float:
    return sum(sample.value for it in QUERY_LOG_DROPPED.collect() for sample in it.samples[:1])


def search(words: str) -> LoggedSearch:
    return LoggedSearch(words, (), 1, is_filtered=False)


def test_writes_at_once_unless_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[LoggedSearch] = []
    monkeypatch.setattr(query_log_buffer, "remember_all", written.extend)
    QueryLogBuffer().add(search("dress"))
    assert written == [search("dress")]


def test_waiting_searches_are_written_together_and_bounded(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    is_slow, begun = Event(), Event()
    written: list[list[str]] = []

    def remember_all(searches: Sequence[LoggedSearch]) -> None:
        words = [it.words for it in searches]
        if words == ["fails"]:
            begun.set()
            is_slow.wait()
            raise psycopg.OperationalError("no database")
        written.append(words)

    monkeypatch.setattr(query_log_buffer, "remember_all", remember_all)
    monkeypatch.setattr(query_log_buffer, "CAPACITY", 3)
    monkeypatch.setattr(query_log_buffer, "INTERVAL", 0.001)
    before = dropped()
    buffer = QueryLogBuffer()
    buffer.start()
    buffer.add(search("fails"))
    begun.wait()
    for number in range(5):
        buffer.add(search(str(number)))
    assert (list(filter(None, written)), dropped() - before) == ([], 2)
    is_slow.set()
    buffer.stop()
    assert list(filter(None, written)) == [["0", "1", "2"]]
    assert "searches could not be logged: no database" in caplog.text
    buffer.add(search("late"))
    assert written[-1] == ["late"]
