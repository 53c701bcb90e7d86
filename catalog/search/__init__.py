"""The search pipeline, from what a shopper asks to one SQL statement and its hits."""
