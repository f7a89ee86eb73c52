"""Decide which characters may come next in a text so that the text can still keep its constraints."""
