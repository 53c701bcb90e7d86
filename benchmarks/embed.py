"""Compares the pipeline of `embed_catalog` with its parts and with a plain loop.

    python -m benchmarks.embed [--model fashion --model random_clip] [--device cuda] [--rows 1000]

Decoding, encoding and writing are timed separately, then together as the command runs them. This
is repeated for some rounds, and the best round counts, because noise only slows down. The plain
loop opens pictures, passes them to `SentenceTransformer.encode` and inserts row by row. Pictures
are generated JPEGs of 640 x 800 pixels and about 90 kB. Rows share files, which are in the page
cache.

The HNSW index is dropped first, because `embed_catalog` also builds it after a large fill.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any

CLIP = "random_clip"


def main() -> None:
    # Decoding processes also import this module, so heavy imports are inside functions.
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", action="append", help=f"default: fashion and {CLIP}")
    parser.add_argument("--device", help="default: cuda if there is one, else cpu")
    parser.add_argument("--rows", type=int, default=1000, help="pictures per round (default 1000)")
    parser.add_argument("--rounds", type=int, default=3, help="number of rounds (default 3)")
    parser.add_argument("--files", type=int, default=256, help="different files (default 256)")
    parser.add_argument("--workers", type=int, help="see embed_catalog")
    parser.add_argument("--batch-size", type=int, help="see embed_catalog")
    parser.add_argument(
        "--loop-rows", type=int, help="pictures of the plain loop (default: rows / 10)"
    )
    parser.add_argument("--no-database", action="store_true", help="only decode and encode")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to a file")
    arguments = parser.parse_args()

    from catalog import config

    folder = config.settings().var_dir / "bench"
    os.environ["MEDIA_ROOT"] = str(folder / "pictures")
    os.environ["EMBEDDING_REGISTRY"] = str(folder / "models")
    from benchmarks.embed_data import build_clip, draw_pictures

    (folder / "models").mkdir(parents=True, exist_ok=True)
    models = arguments.model or ["fashion", CLIP]
    if CLIP in models:
        build_clip(folder / "models", CLIP)
    files = draw_pictures(folder / "pictures", arguments.files)

    from benchmarks.embed_parts import Bench
    from catalog.indexing import default_workers
    from embedding.encoder import default_device

    device = arguments.device or default_device()
    workers = default_workers(device) if arguments.workers is None else arguments.workers
    results = []
    for model in models:
        bench = Bench(model, device, workers, arguments.batch_size, files, arguments.rows)
        results.append(
            bench.run(
                arguments.rounds,
                arguments.loop_rows or arguments.rows // 10,
                database=not arguments.no_database,
            )
        )
        print(table(results[-1]), flush=True)
        if arguments.json:  # after each model, so that an interrupted run keeps its results
            arguments.json.write_text(json.dumps(results, indent=2) + "\n")


def table(result: dict[str, Any]) -> str:
    """One model's figures as Markdown."""
    lines = [
        f"\n{result['model']} on {result['device']}: {result['rows']:,} pictures"
        f" ({result['files']} files of {result['kilobytes']} kB), batches of"
        f" {result['batch_size']}, {result['workers']} decoding processes\n",
        "| | images/s |\n|---|---|",
    ]
    lines += [f"| {name} | {rate:,.1f} |" for name, rate in result["rates"].items()]
    lines += ["", *(f"{name}: {value}" for name, value in result["findings"].items())]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
