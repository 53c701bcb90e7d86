"""Synonyms as data: the starter words of the project, and rows of admins and CSV files."""
