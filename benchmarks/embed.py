"""The pipeline of `embed_catalog` against its own parts, and against a plain loop.

    python -m benchmarks.embed [--model fashion --model random_clip] [--device cuda] [--rows 1000]

Decoding, encoding and writing are each timed alone, then all together as the command runs them,
in turn for some rounds; of each the best counts, since a noisy machine only slows. The plain loop
opens pictures, passes them to `SentenceTransformer.encode` and inserts row by row. Pictures are
640 x 800 JPEGs of about 90 kB, generated; rows share files, which lie in the page cache.

The vectors' HNSW index is dropped before: a large fill builds it afterwards.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any

CLIP = "random_clip"


def main() -> None:
    # Decoding processes import this module too: what is heavy is imported in functions.
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", action="append", help=f"default: fashion and {CLIP}")
    parser.add_argument("--device", help="default: cuda if there is one, else cpu")
    parser.add_argument("--rows", type=int, default=1000, help="pictures a round (default 1000)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=int, default=256, help="different files (default 256)")
    parser.add_argument("--workers", type=int, help="as embed_catalog's")
    parser.add_argument("--batch-size", type=int, help="as embed_catalog's")
    parser.add_argument("--loop-rows", type=int, help="of the plain loop (default: rows / 10)")
    parser.add_argument("--no-database", action="store_true", help="decode and encode alone")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()

    from catalog import config

    folder = config.var_dir() / "bench"
    os.environ["MEDIA_ROOT"] = str(folder / "pictures")
    # The tables are made of the registry as it is when they are imported.
    os.environ["EMBEDDING_REGISTRY"] = str(folder / "models")
    from benchmarks.pictures import build_clip, draw_pictures

    (folder / "models").mkdir(parents=True, exist_ok=True)
    models = arguments.model or ["fashion", CLIP]
    if CLIP in models:
        build_clip(folder / "models", CLIP)
    files = draw_pictures(folder / "pictures", arguments.files)

    from benchmarks.parts import Bench
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
        if arguments.json:  # after each model: a run that is cut off leaves what it has
            arguments.json.write_text(json.dumps(results, indent=2) + "\n")


def table(result: dict[str, Any]) -> str:
    """One model's figures for reading."""
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
