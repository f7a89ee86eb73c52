"""Train with torch: a run's folder holds its model, its curves, and the state to resume from."""
