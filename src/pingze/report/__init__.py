"""Check the report that this project implements: its derivation line by line, its claims by experiments."""
