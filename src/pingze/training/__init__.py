"""Train models with PyTorch.

A run's folder holds its model, its log, and the state from which it can be resumed.
"""
