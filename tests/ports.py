"""Ports for servers that are told theirs."""

import os
import socket
from itertools import count

_next = count(os.getpid() * 37)


def free_port() -> int:
    """A port of this machine that nothing uses, and that no other test process is given.

    It is below those that the system gives to whoever asks for any.
    """
    while True:
        port = 10_000 + next(_next) % 20_000
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
