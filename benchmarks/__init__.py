"""Benchmarks. Variants are measured side by side in one run, so that their ratios are reliable."""
