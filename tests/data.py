"""Photos and judged queries that some tests need; they are not part of the repository.

`SHARED_DATA` names the folder with `ecommerce` and `clothing`; the folders `queries` and `cases`
are beside it. Tests that need a missing folder are skipped.
"""

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("SHARED_DATA") or PROJECT.parent / "shared" / "data")
ECOMMERCE = DATA / "ecommerce"
CLOTHING = DATA / "clothing"
QUERIES = DATA.parent / "queries"
CASES = DATA.parent / "cases"


def _needs(folder: Path) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        not folder.is_dir(), reason=f"needs the photos in {folder.name}/ (set SHARED_DATA)"
    )


needs_ecommerce = _needs(ECOMMERCE)
needs_clothing = _needs(CLOTHING)
needs_queries = pytest.mark.skipif(
    not QUERIES.is_dir(), reason="needs the judged queries beside the photos (set SHARED_DATA)"
)
needs_cases = pytest.mark.skipif(
    not CASES.is_dir(), reason="needs the inputs that went wrong, beside the photos (SHARED_DATA)"
)
