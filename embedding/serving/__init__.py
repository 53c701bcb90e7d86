"""Encoding as a service: a process that holds the models, and the encoder that asks it.

`python -m embedding.serving` starts the server; `ENCODER_URL` makes `get_encoder` use it
(`docs/operations.md`).
"""
