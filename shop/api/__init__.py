"""The JSON API under `/api/v1/`: the searches of the shop's pages for other programs."""
