"""The LSTM: equations and gradients in NumPy, a fast PyTorch layer, and initial weights.

`formulas` is the reference, `layer` is what training uses, and `initializers` draws the weights.
"""
