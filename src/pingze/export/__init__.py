"""A model for others: a folder as a hub expects it, or one step that ONNX Runtime runs."""

from pingze.export.folder import write_folder
from pingze.export.onnx_step import write_onnx

__all__ = ["write_folder", "write_onnx"]
