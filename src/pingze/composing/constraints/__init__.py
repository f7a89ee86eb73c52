"""Decide which characters may follow."""
