"""Define the terms that add to the log-weight of a text: antithesis, taste and mood."""
