"""Slots that the processes of one `serve` share."""

import os
import signal
from contextlib import ExitStack
from threading import Thread

from shop.shared_slots import SharedSlots
from tests.processes import run_python

IMPORTED = "import shop.wsgi, sys; print('shop.upload_decoder' in sys.modules)"


def free(slots: SharedSlots) -> int:
    """How many slots this process can take."""
    with ExitStack() as stack:
        taken = [stack.enter_context(slots.one(0)) for _ in range(5)]
    return sum(taken)


def free_in_a_fork(slots: SharedSlots) -> int:
    pid = os.fork()
    if not pid:
        os._exit(free(slots))
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_threads_and_processes_share_slots() -> None:
    slots = SharedSlots(2)
    assert free(slots) == free_in_a_fork(slots) == 2
    with slots.one(0) as is_free:
        assert is_free
        assert free(slots) == free_in_a_fork(slots) == 1
        found: list[int] = []
        thread = Thread(target=lambda: found.append(free(slots)))
        thread.start()
        thread.join()
        assert found == [1]
    assert free(slots) == free_in_a_fork(slots) == 2


def test_slot_of_a_killed_process_is_free_again() -> None:
    slots = SharedSlots(1)
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        with slots.one(0) as is_free:
            os.write(writer, bytes([is_free]))
            signal.pause()
    assert os.read(reader, 1) == b"\1"
    assert free(slots) == 0
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert free(slots) == 1


def test_processes_of_serve_inherit_the_slots_of_decoders() -> None:
    """They are forked after `shop.wsgi` was imported."""
    assert run_python("-c", IMPORTED).stdout == "True\n"
