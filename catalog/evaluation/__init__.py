"""Search measured: judgments in, figures out. How to use it is in docs/evaluation.md."""
