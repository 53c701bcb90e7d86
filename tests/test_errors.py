"""Errors whose message people see have one base, so that one `except` is enough for them."""

import ast
import builtins
from collections.abc import Iterator

from tests.conftest import PROJECT

SIGNALS = {"DeadLink", "Stopped", "TransientError", "UnresolvedError"}
"""What the parts of fetching tell each other; they never leave it."""
BUILT_IN = {
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
}


def exceptions() -> Iterator[tuple[str, list[str]]]:
    """The floors' exceptions with a built-in base, each with all its bases."""
    for floor in ("catalog", "embedding", "shop"):
        for file in sorted((PROJECT / floor).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.ClassDef):
                    bases = [ast.unparse(base) for base in node.bases]
                    if BUILT_IN.intersection(bases):
                        yield node.name, bases


def test_every_error_derives_from_the_one_base_first() -> None:
    found = dict(exceptions())
    assert {"ConfigError", "DatabaseError", "EncoderError"} <= found.keys()
    others = {name for name, bases in found.items() if bases[0] != "UserFacingError"}
    assert others == SIGNALS | {"UserFacingError"}
