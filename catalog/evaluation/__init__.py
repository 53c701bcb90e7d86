"""Measures search quality and speed on judged queries. For usage see docs/evaluation.md."""
