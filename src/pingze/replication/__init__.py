"""The report's experiments, rerun: the corpus comes in, rows of JSON and one page that stands by itself go out."""
