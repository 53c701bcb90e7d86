"""The schema `search`: functions and views for SQL users."""
