"""The schema `search`: functions and views for people who write SQL."""
