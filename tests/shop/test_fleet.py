"""Two shops, a primary and a replica under load, while the replica and a shop are killed."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.client import IncompleteRead
from itertools import cycle
from pathlib import Path

import pytest

from catalog.db.connection import connect
from tests.load import Shop, under_load, wait
from tests.standby import Standby, empty_folder, folder, standby

__all__ = ["empty_folder", "folder", "standby"]

pytestmark = [
    pytest.mark.process,
    pytest.mark.slow,
    pytest.mark.skipif("FLEET" not in os.environ, reason="a minute of load: make test-fleet"),
]

CLIENTS = 50
THREADS = 8
"""The threads of a shop."""


@pytest.fixture
def shops(standby: Standby, tmp_path: Path) -> Iterator[list[Shop]]:
    with ExitStack() as stack:
        options = ("--threads", str(THREADS))
        made = [Shop(tmp_path / name, *options) for name in ("first", "second")]
        for shop in made:
            stack.callback(shop.kill)
        for shop in made:
            wait(shop.is_ready)
        yield made


def shopping(shops: list[Shop]) -> Callable[[int], str]:
    """Searches of many clients.

    As the proxy of deploy/nginx.conf does, a client asks the other shop if one cannot be reached.
    """
    orders = [cycle(shops if client % 2 else shops[::-1]) for client in range(CLIENTS)]

    def search(client: int) -> str:
        order = orders[client]
        return _search([next(order), next(order)], f"/?q=shirt+{client}")

    return search


def _search(shops: list[Shop], path: str) -> str:
    for shop in shops:
        try:
            answer = shop.ask(path)
        except IncompleteRead:
            return "cut off"
        except OSError:
            continue
        is_found = answer.status == 200 and "shirt" in answer.body
        return "found" if is_found else f"status {answer.status}"
    return "no answer"


def test_nothing_fails_while_parts_are_killed(standby: Standby, shops: list[Shop]) -> None:
    with under_load(CLIENTS, shopping(shops)) as seen:

        def go_on(count: int = 100) -> None:
            before = seen.total()
            wait(lambda: seen.total() >= before + count)

        wait(lambda: all(shop.reads_replica() for shop in shops))
        go_on()
        standby.kill()
        go_on()
        wait(lambda: not any(shop.reads_replica() for shop in shops))
        shops[0].process.send_signal(signal.SIGKILL)
        shops[0].process.wait()
        go_on()
        standby.start()
        shops[0].start()
        wait(shops[0].is_ready)
        wait(lambda: all(shop.reads_replica() for shop in shops))
        go_on()
    # A response that was being sent when its process was killed is lost: one for each thread.
    assert set(seen) <= {"found", "cut off"}
    assert seen["cut off"] <= THREADS
    with connect() as connection:
        logged = connection.exec_driver_sql("SELECT sum(searches) FROM query_log").scalar_one()
    assert logged > 100
    print(f"{CLIENTS} clients: {dict(seen)}, {logged} logged")
