"""Define the options of a poem, and turn a person's options into a checked request."""
