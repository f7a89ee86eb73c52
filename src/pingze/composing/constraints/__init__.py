"""Decide which characters may come next so that a text can still keep its constraints."""
