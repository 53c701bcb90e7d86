"""The encoder server: holds the models for the shop, the worker and the commands.

    python -m embedding.serving --socket /run/shop/encoder.socket --model fashion
    ENCODER_URL=unix:/run/shop/encoder.socket ./manage.py serve

It has no passwords: let only the shop's own machines reach its port.
"""

import argparse
import logging
import sys
from pathlib import Path

from embedding.errors import UserFacingError

DEFAULT_PORT = 8100


def make_parser() -> argparse.ArgumentParser:
    """The parser of the arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m embedding.serving",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--socket", type=Path, metavar="PATH", help="a socket of this machine")
    where.add_argument("--port", type=int, default=DEFAULT_PORT, help="a TCP port (default 8100)")
    parser.add_argument("--host", default="127.0.0.1", help="of the port (default 127.0.0.1)")
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="NAME",
        help="load this model at once; can be repeated. Others are loaded when they are needed",
    )
    parser.add_argument(
        "--parent-pid", type=int, metavar="PID", help="end when this parent process has ended"
    )
    parser.add_argument("--no-batching", action="store_true", help="only to measure what it gains")
    ray = parser.add_argument_group("on a Ray cluster (needs the extra `ray`)")
    ray.add_argument("--ray", action="store_true", help="run replicas of each --model on Ray")
    ray.add_argument("--address", help="auto or HOST:PORT (default: start Ray on this machine)")
    ray.add_argument("--min-replicas", type=int, default=1, metavar="N")
    ray.add_argument("--max-replicas", type=int, metavar="N", help="default: --min-replicas")
    ray.add_argument("--cores", type=int, default=1, metavar="N", help="of a replica (default 1)")
    return parser


def main(arguments: list[str] | None = None) -> None:
    """Read the arguments, and serve until the end."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    if options.ray and (options.socket or not options.model):
        parser.error("--ray needs --model, and has a --port instead of a --socket")
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    try:
        (_serve_on_ray if options.ray else _serve)(options)
    except UserFacingError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from error


def _serve(options: argparse.Namespace) -> None:
    from embedding.serving.http_server import HttpServer, serve
    from embedding.serving.service import Service

    service = Service(tuple(options.model), is_batching=not options.no_batching)
    path = options.socket.absolute() if options.socket else None
    serve(HttpServer(service, path, options.host, options.port), options.parent_pid)


def _serve_on_ray(options: argparse.Namespace) -> None:
    from embedding.serving.ray_serve import serve

    least = options.min_replicas
    serve(
        tuple(options.model),
        address=options.address,
        host=options.host,
        port=options.port,
        replicas=(least, max(least, options.max_replicas or least)),
        cores=options.cores,
        is_batching=not options.no_batching,
    )


if __name__ == "__main__":
    main()
