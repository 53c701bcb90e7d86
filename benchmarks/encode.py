"""What concurrent requests to an encoder server cost, with and without batching.

    python -m benchmarks.encode [--model fashion] [--clients 8] [--rounds 20]
    python -m benchmarks.encode --ray --replicas 2      # on a local Ray, needs the extra `ray`

Each of the clients, all threads of this process, sends one new text (or one picture, decoded and
prepared before) at the same time, and the round ends when all have their vectors. "One" is a round
of a single client. Rounds with and without batching alternate, and medians count, so that other
programs on the machine disturb both alike. Throughput is that of all clients without pauses.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

import numpy as np

from embedding.encoder import Encoder
from embedding.registry import Modality, get_spec
from embedding.serving.client import Client, Refusal
from embedding.serving.remote_encoder import RemoteEncoder

WORDS = (
    *("red", "blue", "cotton", "leather", "shirt", "dress", "shoes", "bag", "for", "women", "men"),
    *("in", "summer", "with", "a", "long", "short", "sleeves", "warm", "running"),
)
START_SECONDS = 180.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="fashion")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measured throughput")
    parser.add_argument("--ray", action="store_true", help="servers on a local Ray")
    parser.add_argument("--replicas", type=int, default=2, help="of the model, with --ray")
    options = parser.parse_args()
    with ExitStack() as stack:
        urls = {}
        for kind in ("batching", "no batching"):
            more = [] if kind == "batching" else ["--no-batching"]
            if options.ray:
                more += ["--ray", "--min-replicas", str(options.replicas)]
            urls[kind] = stack.enter_context(server(options.model, more))
        encoders = {kind: encoder_at(url, options.model) for kind, url in urls.items()}
        for modality in get_spec(options.model).modalities:
            report(modality, encoders, options.clients, options.rounds, options.seconds)


@contextmanager
def server(model: str, more: list[str]) -> Iterator[str]:
    """Run a server with a model until the end of the context; yields its URL."""
    with tempfile.TemporaryDirectory() as folder:
        if "--ray" in more:
            port = str(8200 + 10 * ("--no-batching" in more))
            where, url = ["--port", port], f"http://127.0.0.1:{port}"
        else:
            path = Path(folder) / "encoder.socket"
            where, url = ["--socket", str(path)], f"unix:{path}"
        process = subprocess.Popen(
            [sys.executable, "-m", "embedding.serving", *where, "--model", model, *more]
        )
        try:
            wait_for(url, process)
            yield url
        finally:
            process.terminate()
            process.wait()


def wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    """Wait until a server's models are ready."""
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            if b"loading" not in Client(url).get("/health"):
                return
        except (Refusal, OSError, RuntimeError):
            pass
        if time.monotonic() > until or process.poll() is not None:
            raise SystemExit(f"no server at {url}")
        time.sleep(0.2)


def encoder_at(url: str, model: str) -> Encoder:
    """The encoder of one of several servers."""
    return RemoteEncoder(get_spec(model), url, is_for_pages=False)


def report(
    modality: Modality, encoders: dict[str, Encoder], clients: int, rounds: int, seconds: float
) -> None:
    """Measure one modality, and print a table."""
    encode = {kind: encode_one(encoder, modality) for kind, encoder in encoders.items()}
    times: dict[tuple[str, int], list[float]] = {}
    with ThreadPoolExecutor(clients) as pool:
        for _ in range(rounds + 1):
            for kind in encode:
                for count in (1, clients):
                    took = one_round(pool, encode[kind], count)
                    times.setdefault((kind, count), []).append(took)
        rates: dict[str, list[float]] = {}
        for _ in range(3):
            for kind in encode:
                rates.setdefault(kind, []).append(throughput(pool, encode[kind], clients, seconds))
    print(f"\n{modality}s, {clients} clients, median of {rounds} rounds\n")
    print(f"| | one | {clients} at once | ratio | a second |\n|---|---|---|---|---|")
    for kind in encode:
        one, many = (median(times[kind, count][1:]) for count in (1, clients))
        print(
            f"| {kind} | {1000 * one:.1f} ms | {1000 * many:.1f} ms | {many / one:.1f} |"
            f" {median(rates[kind]):.0f} |",
            flush=True,
        )


def encode_one(encoder: Encoder, modality: Modality) -> Callable[[], object]:
    """A function that encodes one item that nobody has encoded before."""
    rng = np.random.default_rng(0)

    def text() -> object:
        return encoder.encode_texts([" ".join(rng.choice(WORDS, 5))])

    def picture() -> object:
        assert encoder.preparation is not None
        return encoder.encode_pixels(
            rng.integers(0, 256, (1, *encoder.preparation.shape), np.uint8)
        )

    return text if modality == "text" else picture


def one_round(pool: ThreadPoolExecutor, encode: Callable[[], object], count: int) -> float:
    """The seconds until `count` requests that are sent at once have their answers."""
    started = time.perf_counter()
    for result in [pool.submit(encode) for _ in range(count)]:
        result.result()
    return time.perf_counter() - started


def throughput(
    pool: ThreadPoolExecutor, encode: Callable[[], object], count: int, seconds: float
) -> float:
    """The requests that `count` clients get answered in a second."""
    until = time.perf_counter() + seconds

    def work() -> int:
        done = 0
        while time.perf_counter() < until:
            encode()
            done += 1
        return done

    started = time.perf_counter()
    done = sum(result.result() for result in [pool.submit(work) for _ in range(count)])
    return done / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
