"""The same catalogue, questions and filters in other search engines: time, recall, nDCG, disk."""
