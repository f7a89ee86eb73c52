"""Import ONNX Runtime without its telemetry; no other module may import it directly (tests/test_layout.py).

Since version 1.29, ONNX Runtime sends events to its maker and stores a device identifier in the user's cache, unless an
environment variable disables this before the import.
"""

import os
from collections.abc import Callable, Mapping
from functools import partial

from pingze.arrays import Array

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime  # type: ignore[import-untyped]  # reads the variable when imported

__all__ = ["onnxruntime", "session"]


def session(graph: bytes) -> Callable[[Mapping[str, Array]], list[Array]]:
    """Prepare a graph, and return a function that runs it: given operands by name, it returns a list of results.

    A run uses only the calling thread, because threads that compose at the same time would compete for the processor.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False  # keep no memory for the next run
    return partial(onnxruntime.InferenceSession(graph, options).run, None)
