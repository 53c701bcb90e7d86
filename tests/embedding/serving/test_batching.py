"""Requests that wait for the same function are one batch."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Semaphore

import pytest

from embedding.serving import batching
from embedding.serving.batching import SMALL, Batcher, Busy, Stopped

LIMIT = 10


class Model:
    """Doubles numbers, when the test lets it; records its batches."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun, self.allowed = Semaphore(0), Event()

    def __call__(self, items: list[int]) -> list[int]:
        self.begun.release()
        assert self.allowed.wait(20)
        self.batches.append(items)
        if 13 in items:
            raise ValueError("13 cannot be encoded")
        return [2 * item for item in items]


class Client:
    """Sends requests from threads, in the order of the calls."""

    def __init__(self, batcher: Batcher) -> None:
        self._batcher = batcher
        self._pool = ThreadPoolExecutor(16)

    def send(self, *items: int, kind: str = "double") -> "Future[list[int]]":
        waiting = len(self._batcher)
        result: Future[list[int]] = self._pool.submit(self._batcher.submit, kind, items)
        while len(self._batcher) == waiting and not result.done():
            pass
        return result


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def batcher(model: Model) -> Iterator[Batcher]:
    batcher = Batcher("test", {"double": LIMIT, "other": LIMIT}, waiting=2)
    batcher.add("double", model)
    batcher.add("other", model)
    yield batcher
    model.allowed.set()
    batcher.stop()


@pytest.fixture
def client(batcher: Batcher, model: Model) -> Client:
    """A client whose first request, of the number 0, keeps the model busy."""
    first = ThreadPoolExecutor(1).submit(batcher.submit, "double", [0])
    assert model.begun.acquire(timeout=20)
    assert not first.done()
    return Client(batcher)


def test_what_waits_is_one_batch_and_each_gets_its_own(client: Client, model: Model) -> None:
    results = [client.send(1), client.send(2, 3), client.send(4)]
    model.allowed.set()
    assert [list(result.result(20)) for result in results] == [[2], [4, 6], [8]]
    assert model.batches == [[0], [1, 2, 3, 4]]


def test_what_arrives_right_after_the_first_joins_it(
    batcher: Batcher, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "GAP_SECONDS", 60)
    client = Client(batcher)
    model.allowed.set()
    results = [client.send(1), client.send(*range(2, LIMIT + 1))]  # as many as fit into a batch
    assert [len(result.result(20)) for result in results] == [1, LIMIT - 1]
    assert model.batches == [[*range(1, LIMIT + 1)]]


def test_a_batch_has_a_limit_and_a_large_request_is_one_of_its_own(
    client: Client, model: Model
) -> None:
    sizes = (4, 4, 4)
    results = [client.send(*[number] * size) for number, size in enumerate(sizes, start=1)]
    model.allowed.set()
    for result in results:
        result.result(20)
    assert [len(batch) for batch in model.batches] == [1, 8, 4]
    assert list(client.send(*range(20, 35)).result(20)) == list(range(40, 70, 2))


def test_kinds_are_not_mixed(client: Client, model: Model) -> None:
    results = [client.send(1), client.send(2, kind="other"), client.send(3)]
    model.allowed.set()
    for result in results:
        result.result(20)
    assert model.batches == [[0], [1, 3], [2]]


def test_small_requests_go_before_large_ones(client: Client, model: Model) -> None:
    large = [client.send(*range(100, 105 + SMALL)), client.send(*range(200, 205 + SMALL))]
    small = client.send(1)
    model.allowed.set()
    for result in (*large, small):
        result.result(20)
    assert model.batches[1][0] == 1


def test_only_the_request_fails_that_has_caused_it(client: Client, model: Model) -> None:
    good, bad, other = client.send(1), client.send(12, 13), client.send(2)
    model.allowed.set()
    assert (list(good.result(20)), list(other.result(20))) == ([2], [4])
    with pytest.raises(ValueError, match="13 cannot be encoded"):
        bad.result(20)


def test_a_long_queue_turns_requests_away(client: Client, batcher: Batcher, model: Model) -> None:
    results = [client.send(*range(8)) for _ in range(2)]
    with pytest.raises(Busy):
        batcher.submit("double", range(8))
    results.append(client.send(1))  # there is still room for this one
    model.allowed.set()
    for result in results:
        result.result(20)


def test_a_stopped_batcher_answers_what_waits(
    client: Client, batcher: Batcher, model: Model
) -> None:
    waiting = client.send(1)
    stopping = ThreadPoolExecutor(1).submit(batcher.stop)
    model.allowed.set()
    stopping.result(20)
    assert list(waiting.result(20)) == [2]
    with pytest.raises(Stopped):
        batcher.submit("double", [1])
