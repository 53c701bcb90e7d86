"""Where rows come from: files, and queries in other databases."""
