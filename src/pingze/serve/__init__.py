"""Serve the web page and the HTTP API under /v1.

Torch is not needed, and the corpus is used only if it was fetched.
"""
