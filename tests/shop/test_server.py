"""The shop opens on its port, says so when it cannot, and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from shop.server import PortTaken, check_port
from tests.conftest import PROJECT


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_taken_port_is_said_plainly() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} is taken .* PORT={port + 1}"):
            check_port(port)
        for command in ("serve", "demo"):
            done = subprocess.run(
                [sys.executable, "manage.py", command, "--port", str(port)],
                cwd=PROJECT,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 2
            assert f"port {port} is taken" in done.stderr
            assert "Traceback" not in done.stderr


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_and_stops_when_told(database: str, stop: signal.Signals) -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--port", str(port)],
        cwd=PROJECT,
        env=os.environ.copy(),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr
        line = process.stderr.readline()
        assert f"http://127.0.0.1:{port}" in line
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as page:
            assert page.status == 200
            assert "default-src 'self'" in page.headers["Content-Security-Policy"]
        process.send_signal(stop)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
