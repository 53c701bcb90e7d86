"""A demo catalogue that draws itself: fashion products, their pictures and their texts."""

from __future__ import annotations

from demo.writer import write_catalogue

__all__ = ["write_catalogue"]
