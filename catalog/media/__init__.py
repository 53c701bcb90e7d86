"""Picture files: storing, ordering, fetching and pruning them."""
