"""The encoder server: holds the models for the shop, the worker and the commands.

    python -m embedding.serving --socket var/encoder.socket --model fashion
    ENCODER_URL=unix:var/encoder.socket ./manage.py serve

It has no passwords: let only the shop's own machines reach its port.
"""

import argparse
import logging
import sys
from pathlib import Path

from embedding.errors import UserFacingError


def main(arguments: list[str] | None = None) -> None:
    """Read the arguments, and serve until the end."""
    parser = argparse.ArgumentParser(
        prog="python -m embedding.serving",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--socket", type=Path, metavar="PATH", help="a socket of this machine")
    where.add_argument("--port", type=int, default=8100, help="a TCP port (default 8100)")
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
    options = parser.parse_args(arguments)
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")

    from embedding.serving.http_server import HttpServer, serve  # imports torch
    from embedding.serving.service import Service

    try:
        service = Service(tuple(options.model))
        path = options.socket.absolute() if options.socket else None
        server = HttpServer(service, path, options.host, options.port)
    except UserFacingError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from error
    serve(server, options.parent_pid)


if __name__ == "__main__":
    main()
