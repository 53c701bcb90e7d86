"""The end of a waitress server: it accepts no more requests, and answers those that it has."""

import time
from contextlib import suppress
from threading import Event
from typing import Any


def run_until(server: Any, is_stopped: Event) -> None:
    """Answer until the event is set; `wake` makes a server that waits notice it.

    Args:
        server: of `waitress.server.create_server`, with one socket.
    """
    while not is_stopped.is_set():
        _loop(server, 1.0)


def wake(server: Any) -> None:
    """Have the server look at its event; can be called by any thread and by a signal handler."""
    with suppress(OSError):
        server.pull_trigger()


def drain(server: Any, seconds: float) -> None:
    """Close the socket, so that clients connect to another server, and answer the rest, which may
    take so long."""
    server.accepting = False
    server.del_channel()
    server.socket.close()
    until = time.monotonic() + seconds
    while any(map(_is_busy, [*server.active_channels.values()])) and time.monotonic() < until:
        _loop(server, 0.1)


def close(server: Any) -> None:
    """End the threads and the connections of a drained server."""
    server.task_dispatcher.shutdown()
    for channel in [*server.active_channels.values()]:
        channel.handle_close()
    server.trigger.close()


def _loop(server: Any, seconds: float) -> None:
    use_poll = server.adj.asyncore_use_poll
    server.asyncore.loop(timeout=seconds, use_poll=use_poll, map=server._map, count=1)


def _is_busy(channel: Any) -> bool:
    return bool(channel.requests or channel.total_outbufs_len)
