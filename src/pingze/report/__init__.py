"""The report's experiments, rerun, with a conclusion on each of its claims."""
