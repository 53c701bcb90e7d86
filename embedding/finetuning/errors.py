"""The errors of fine-tuning."""

import shutil
from pathlib import Path

from embedding.errors import UserFacingError


class FineTuningError(UserFacingError, ValueError):
    """The model cannot be fine-tuned; the message says what to do."""


def unwritable(file: Path, cause: Exception) -> FineTuningError:
    """The error of a run that cannot write `file`, usually since the disk is full."""
    free = shutil.disk_usage(file.parent).free >> 20
    return FineTuningError(
        f"{file} cannot be written ({cause}; {free:,} MB are free): make room, then repeat the"
        " command; it continues where it stopped"
    )
