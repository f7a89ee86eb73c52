"""The language model: vocabulary, conditions, weights, and networks in PyTorch, NumPy and ONNX."""

SHIPPED = ("ci", "report", "tang")  # names of the models that the package includes
DEFAULT = "tang"  # the model that commands use by default
CI = "ci"  # the model that writes 詞 by default
