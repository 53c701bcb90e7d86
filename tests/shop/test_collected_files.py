"""`serve` collects static files only if they have changed."""

import os
from pathlib import Path

from django.test import override_settings

from shop.static_files import collect_static_files


def test_static_files_are_collected_once(tmp_path: Path) -> None:
    source, root = tmp_path / "source", tmp_path / "static"
    source.mkdir()
    (source / "a.css").write_text("a{}")
    folders = {
        "STATICFILES_DIRS": [source],
        "STATICFILES_FINDERS": ["django.contrib.staticfiles.finders.FileSystemFinder"],
        "STATIC_ROOT": root,
    }
    with override_settings(**folders):
        assert collect_static_files()
        assert (root / "a.css").read_text() == "a{}"
        assert not collect_static_files()
        (source / "a.css").write_text("a{color:red}")
        os.utime(source / "a.css", (2**31, 2**31))  # Django compares whole seconds
        assert collect_static_files()
        assert (root / "a.css").read_text() == "a{color:red}"
        (root / "staticfiles.json").unlink()
        assert collect_static_files()
        (source / "b.css").write_text("b{}")
        assert collect_static_files()
        assert (root / "b.css").exists()
