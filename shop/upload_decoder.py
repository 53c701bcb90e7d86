"""Decodes each uploaded picture in a process of its own, which can be stopped.

Decoders are C code that no thread can interrupt, and some files keep them busy for minutes. The
processes are forked from a small server that has imported only this module, so nothing here may
import Django.
"""

import logging
import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from embedding.image_decoding import ImageError, open_image
from shop.shared_slots import SharedSlots

MAX_SIDE = 1280
"""The maximum width and height of a stored picture, in pixels; larger ones are scaled down."""

MAX_PIXELS = 25_000_000
"""The maximum number of pixels of a decoded picture."""

CPU_SECONDS = 5
"""The maximum CPU time of one upload. The largest accepted pictures take one to two seconds."""

MAX_SECONDS = 20.0
"""The maximum elapsed time of one upload, for busy machines."""

MAX_MEMORY = 3 * 2**29
"""The address space that decoding may use, in bytes. 25 million pixels need a few hundred MB."""

DECODERS = 2
"""The number of uploads that all processes of `serve` together decode at the same time."""

MAX_WAIT_SECONDS = 1.0
"""How long an upload waits for a free decoder."""

TOO_LONG = "the picture takes too long to decode"

logger = logging.getLogger(__name__)

_slots = SharedSlots(DECODERS)
_processes = get_context("forkserver")
_processes.set_forkserver_preload(["__main__", __name__])


class DecoderBusy(RuntimeError):
    """All decoders are busy; a later attempt can succeed."""


def reencode(content: bytes) -> bytes:
    """Convert an upload to a JPEG of at most `MAX_SIDE` pixels per side, without metadata.

    Raises:
        ImageError: `content` is not a picture, has more than `MAX_PIXELS`, or takes too much time
            or memory to decode.
        DecoderBusy: no decoder was free within `MAX_WAIT_SECONDS`.
    """
    with _decoder():
        receiver, sender = _processes.Pipe(duplex=False)
        arguments = content, sender, CPU_SECONDS, MAX_MEMORY
        process = _processes.Process(target=_run, args=arguments, daemon=True)
        with receiver:
            with sender, suppress(BrokenPipeError):  # it has ended already; see its exit code
                process.start()
            try:
                if not receiver.poll(MAX_SECONDS):
                    raise ImageError(TOO_LONG)
                answer: bytes | str = receiver.recv()
            except EOFError:
                process.join()
                raise ImageError(_reason(process.exitcode)) from None
            finally:
                process.kill()
                process.join()
    if isinstance(answer, str):
        raise ImageError(answer)
    return answer


@contextmanager
def _decoder() -> Iterator[None]:
    with _slots.one(MAX_WAIT_SECONDS) as is_free:
        if not is_free:
            raise DecoderBusy("too many pictures are being uploaded at the moment")
        yield


def _reason(exit_code: int | None) -> str:
    """Why a decoder ended without sending a result."""
    if exit_code == -signal.SIGXCPU:
        return TOO_LONG
    logger.warning("an uploaded picture ended its decoder with exit code %s", exit_code)
    return "the picture is damaged or incomplete"


def _run(content: bytes, sender: Connection, cpu_seconds: int, memory: int) -> None:
    """Runs in the new process: send the JPEG, or an error message."""
    for signum in (signal.SIGINT, signal.SIGHUP):  # these are for the server
        signal.signal(signum, signal.SIG_IGN)
    _limit(cpu_seconds, memory)
    try:
        picture = open_image(content, most=MAX_PIXELS)
        picture.thumbnail((MAX_SIDE, MAX_SIDE), reducing_gap=2.0)
        encoded = BytesIO()
        picture.save(encoded, "JPEG", quality=95, subsampling=0, comment=b"")
    except ImageError as error:
        sender.send(str(error))
    else:
        sender.send(encoded.getvalue())


def _limit(cpu_seconds: int, memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
    if sys.platform == "linux":  # other systems do not enforce it
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * os.sysconf("SC_PAGE_SIZE") + memory
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
