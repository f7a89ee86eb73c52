"""Serve the HTTP API under /v1 and the web page, without torch; use the corpus if it has been fetched."""
