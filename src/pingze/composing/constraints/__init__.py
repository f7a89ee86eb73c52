"""Decide which characters may follow in a text so that it can keep its constraints."""
