"""Fine-tunes a model on the products of one shop. It knows nothing of the database.

`manage.py finetune_model` reads the products and calls `fit.fine_tune`.
"""
