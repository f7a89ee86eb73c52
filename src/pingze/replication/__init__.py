"""The report's experiments, rerun, with a verdict on each of its claims."""
