"""Terms that add to the log-weights of a text: antithesis, taste, mood, titles."""
