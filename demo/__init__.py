"""Generates a demo catalogue of fashion products, with drawn pictures and texts."""

from __future__ import annotations

from demo.writer import write_catalogue

__all__ = ["write_catalogue"]
