"""The nine experiments, in the report's order."""
