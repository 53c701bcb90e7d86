"""The storefront: Django's pages, admin and commands for the catalogue."""
