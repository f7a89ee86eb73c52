"""The LSTM: its mathematics in NumPy (`formulas`), the same as a PyTorch layer (`layer`), its first weights."""
