"""The addresses of static files. Collects the files for `serve`, if they have changed: that takes
longer than the rest of its start."""

import hashlib
import os
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from whitenoise.storage import CompressedManifestStaticFilesStorage

from embedding.atomic_write import write_atomically

IGNORED = ["CVS", ".*", "*~"]
"""What collectstatic ignores."""

MANIFEST = "staticfiles.json"
"""The file that Django writes last, in `STATIC_ROOT`."""


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # no types
    """Files with hashes in their names. Each address is computed once: a page has many, and the
    manifest is read only when a process starts."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._addresses: dict[str, str] = {}

    def url(self, name: str, force: bool = False) -> str:
        address = self._addresses.get(name)
        if address is None or force:
            address = self._addresses[name] = str(super().url(name, force))
        return address

    def post_process(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        yield from super().post_process(*args, **kwargs)
        self._addresses.clear()


def collect_static_files() -> bool:
    """Bring `STATIC_ROOT` up to date. Returns whether there was anything to do."""
    state = _state()
    known = Path(settings.STATIC_ROOT).with_suffix(".state")
    if known.exists() and known.read_text() == state and _is_complete():
        return False
    known.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, verbosity=0)
    write_atomically(known, state.encode())
    return True


def _is_complete() -> bool:
    root = Path(settings.STATIC_ROOT)
    return root.is_dir() if settings.DEBUG else (root / MANIFEST).exists()


def _state() -> str:
    """A digest of what determines the collected files, without their contents."""
    backend = settings.STORAGES["staticfiles"]["BACKEND"]
    digest = hashlib.blake2s(
        f"{backend} {version('django')} {version('whitenoise')} {settings.STATIC_URL}".encode()
    )
    for finder in get_finders():
        for path, storage in sorted(finder.list(IGNORED), key=lambda found: str(found[0])):
            source = os.stat(storage.path(path))
            digest.update(f"\n{path} {source.st_size} {source.st_mtime_ns}".encode())
    return digest.hexdigest()
