"""Fetches pictures from URLs, with rate limits, size and time limits, and SSRF protection."""
