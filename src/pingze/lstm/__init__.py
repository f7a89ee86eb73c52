"""The LSTM: a NumPy reference (`formulas`), a fast PyTorch layer (`layer`), and initial weights (`initializers`)."""
