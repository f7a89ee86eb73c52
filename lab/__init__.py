"""What is measured and not shipped: experiments, benchmarks, the report's claims rerun. Run from a clone."""
