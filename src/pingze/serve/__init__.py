"""Serving: the HTTP API under /v1, and the page. No torch, and the corpus only where it is there."""
