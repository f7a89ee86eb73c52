"""Compose poems under constraints, without importing torch."""
