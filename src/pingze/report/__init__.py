"""Check the report that this project implements: its derivation line by line, and its claims by experiments."""
