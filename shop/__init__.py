"""The storefront floor: Django's pages, admin and commands over the catalogue."""
