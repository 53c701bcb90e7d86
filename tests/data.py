"""The photographs that some tests need. They ship with nobody's clone; `SHARED_DATA` names the
folder that holds `ecommerce` and `clothing`, and tests that need them skip where it is absent."""

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("SHARED_DATA") or PROJECT.parent / "shared" / "data")
ECOMMERCE = DATA / "ecommerce"
CLOTHING = DATA / "clothing"


def _needs(folder: Path) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        not folder.is_dir(), reason=f"needs the photographs in {folder.name}/ (set SHARED_DATA)"
    )


needs_ecommerce = _needs(ECOMMERCE)
needs_clothing = _needs(CLOTHING)
