"""Errors with messages for users have one base class, so that one `except` handles them."""

import ast
import builtins
from collections.abc import Iterator

from tests.conftest import PROJECT

SIGNALS = {
    *("DeadLink", "DecoderBusy", "Problem", "Stopped", "TransientError", "UnresolvedError"),
    *("Busy", "Failure", "MalformedError", "Refusal", "_Broken", "_Local"),
    *("FolderBusy", "NoAnswer", "ThumbnailsBusy", "TooManyRequests"),
}
"""Internal exceptions, which are always handled: of fetching, uploads, thumbnails, the API, limits,
questions to the database, and the encoder server."""
BUILT_IN = {
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
}


def exceptions() -> Iterator[tuple[str, list[str]]]:
    """Yield the exceptions of all layers that have a built-in base, with their bases."""
    for layer in ("catalog", "embedding", "shop"):
        for file in sorted((PROJECT / layer).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.ClassDef):
                    bases = [ast.unparse(base) for base in node.bases]
                    if BUILT_IN.intersection(bases):
                        yield node.name, bases


def test_errors_have_the_common_base_first() -> None:
    found = dict(exceptions())
    assert {"ConfigError", "DatabaseError", "EncoderError"} <= found.keys()
    others = {name for name, bases in found.items() if bases[0] != "UserFacingError"}
    assert others == SIGNALS | {"UserFacingError"}
