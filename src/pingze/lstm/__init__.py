"""Compute the LSTM: the reference in NumPy (`formulas`), a fast PyTorch layer (`layer`), and its first weights."""
