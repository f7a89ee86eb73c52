"""Rerun the report's experiments: measure the trials that claims.toml names, judge the claims, write a page."""
