"""How an encoder server ends."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import numpy as np
import psutil
import pytest

from embedding.serving.client import Client, Unreachable
from embedding.serving.http_server import HttpServer
from embedding.serving.service import Service
from tests.fakes import WordsAndColours
from tests.processes import PROJECT


def test_what_has_begun_is_answered(path: Path, without_models: dict[str, WordsAndColours]) -> None:
    begun, allowed = Event(), Event()
    expected = without_models["fashion"].encode_texts(["red"])

    def encode(texts: list[str]) -> np.ndarray:
        begun.set()
        assert allowed.wait(20)
        return expected

    without_models["fashion"].encode_texts = encode  # type: ignore[method-assign]
    server = HttpServer(Service(), path)
    serving = Thread(target=server.run, daemon=True)
    serving.start()
    answers: list[bytes] = []
    client = Client(server.url)
    asking = Thread(
        target=lambda: answers.append(client.post("/models/fashion/texts", b'["red"]')[0])
    )
    asking.start()
    assert begun.wait(20)
    server.stop()
    while path.exists():  # no other request is accepted
        pass
    with pytest.raises(Unreachable):
        Client(server.url).get("/health")
    allowed.set()
    asking.join(20)
    serving.join(20)
    assert answers == [expected.astype("<f4").tobytes()]


@contextmanager
def started(command: list[str]) -> Iterator["subprocess.Popen[str]"]:
    """A process whose server listens."""
    process = subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    try:
        for line in process.stderr:
            if "The encoder server is at" in line:
                break
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.process
@pytest.mark.slow
def test_the_process_ends_with_its_parent_and_at_a_signal(path: Path) -> None:
    command = f"{sys.executable} -m embedding.serving --socket {path} --parent-pid"
    with started(["sh", "-c", f"{command} $$ & wait"]) as parent:
        (child,) = psutil.Process(parent.pid).children()
        refused = subprocess.run(
            [*command.split(), "1"], cwd=PROJECT, capture_output=True, text=True, check=False
        )
        assert refused.returncode == 2
        assert "another encoder server listens" in refused.stderr
        parent.kill()
        child.wait(30)
    assert not path.exists()
    with started([*command.split()[:-1], "--model", "imagenet"]) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert not path.exists()
