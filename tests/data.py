"""Photos that some tests need; they are not part of the repository.

`SHARED_DATA` names the folder with `ecommerce` and `clothing`. Tests that need it are skipped if it
is missing.
"""

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("SHARED_DATA") or PROJECT.parent / "shared" / "data")
ECOMMERCE = DATA / "ecommerce"
CLOTHING = DATA / "clothing"


def _needs(folder: Path) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        not folder.is_dir(), reason=f"needs the photos in {folder.name}/ (set SHARED_DATA)"
    )


needs_ecommerce = _needs(ECOMMERCE)
needs_clothing = _needs(CLOTHING)
