"""How long each part of a run was busy, and which part was the bottleneck."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Part:
    """One part of the pipeline: the rows that it processed and the seconds that it was busy.

    Time that the reader waits for its decoders counts as busy; time that a part waits for another
    part does not.
    """

    rows: int = 0
    busy: float = 0.0

    @contextmanager
    def working(self) -> Iterator["Part"]:
        """Add the seconds spent in the context."""
        started = time.perf_counter()
        try:
            yield self
        finally:
            self.busy += time.perf_counter() - started

    @property
    def rate(self) -> float:
        """Rows per busy second: about what the part could process if it never had to wait."""
        return self.rows / self.busy if self.busy else 0.0


@dataclass(slots=True)
class Profile:
    """The parts of a run, and its wall time in seconds from the first read to the last write."""

    reader: Part = field(default_factory=Part)
    encoder: Part = field(default_factory=Part)
    writer: Part = field(default_factory=Part)
    seconds: float = 0.0

    @property
    def parts(self) -> dict[str, Part]:
        return {"reader": self.reader, "encoder": self.encoder, "writer": self.writer}

    @property
    def limit(self) -> str:
        """The name of the part that was busy longest, for which the others waited."""
        return max(self.parts, key=lambda name: self.parts[name].busy)

    def as_json(self) -> dict[str, Any]:
        """As a JSON object; times in seconds, rates in rows per second."""
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
