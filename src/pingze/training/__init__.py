"""Train models with PyTorch; the folder of a run holds its model, its curves, and the state from which to resume."""
