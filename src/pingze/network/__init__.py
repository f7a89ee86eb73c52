"""The language model: its vocabulary, conditions and weights, and its networks in PyTorch, NumPy and ONNX."""

SHIPPED = ("ci", "report", "tang")
"""Names of the models that the package includes."""
DEFAULT = "tang"
"""The model that commands use by default."""
CI = "ci"
"""The model that writes 詞 by default."""
