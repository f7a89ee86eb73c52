"""Measure what is not shipped: experiments, benchmarks, the report's claims. Run from a clone."""
