"""Serve the HTTP API under /v1 and the page. It needs no torch, and uses the corpus if it has been fetched."""
