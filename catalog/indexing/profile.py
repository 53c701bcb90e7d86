"""How long each part of a run worked, and which of them was the limit."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Part:
    """One part of the pipeline: rows that went through it, and seconds that it worked.

    What the reader waits for its decoders counts as work; what a part waits for another does not.
    """

    rows: int = 0
    busy: float = 0.0

    @contextmanager
    def working(self) -> Iterator["Part"]:
        """Count the seconds in between."""
        started = time.perf_counter()
        try:
            yield self
        finally:
            self.busy += time.perf_counter() - started

    @property
    def rate(self) -> float:
        """Rows a second of work: about what the part could do if it never had to wait."""
        return self.rows / self.busy if self.busy else 0.0


@dataclass(slots=True)
class Profile:
    """A run's parts; `seconds` is its wall time, from the first row read to the last written."""

    reader: Part = field(default_factory=Part)
    encoder: Part = field(default_factory=Part)
    writer: Part = field(default_factory=Part)
    seconds: float = 0.0

    @property
    def parts(self) -> dict[str, Part]:
        return {"reader": self.reader, "encoder": self.encoder, "writer": self.writer}

    @property
    def limit(self) -> str:
        """The part that worked longest, for which the others waited."""
        return max(self.parts, key=lambda name: self.parts[name].busy)

    def as_json(self) -> dict[str, Any]:
        """For a file; times in seconds, rates in rows a second."""
        return {
            "seconds": round(self.seconds, 3),
            "limit": self.limit,
            "parts": {
                name: {
                    "rows": part.rows,
                    "busy": round(part.busy, 3),
                    "waiting": round(self.seconds - part.busy, 3),
                    "rate": round(part.rate, 1),
                }
                for name, part in self.parts.items()
            },
        }
