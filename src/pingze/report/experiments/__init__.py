"""Rerun the report's experiments: claims.toml names trials and rules, trials leave rows, rows give verdicts, a page."""
