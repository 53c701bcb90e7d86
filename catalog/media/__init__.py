"""Pictures on disk: storing, ordering, fetching and pruning them."""
