"""Read options, and check them as a request."""
