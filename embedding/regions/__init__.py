"""Regions of pictures: cut them out, and find those with a garment."""
