"""ONNX Runtime without its telemetry; no other module imports it (tests/test_layout.py).

Since 1.29 it sends events to its maker and keeps a number of the device in the user's cache, unless it is told
otherwise before it is imported.
"""

import os
from collections.abc import Callable

from pingze.arrays import Array

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime  # type: ignore[import-untyped]  # it reads this once

__all__ = ["onnxruntime", "session"]


def session(graph: bytes) -> Callable[[Array], Array]:
    """What an ONNX graph makes of `x`, in the thread that asks, for several that compose would fight over more."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False  # no memory is kept for the next run
    ready = onnxruntime.InferenceSession(graph, options)

    def run(x: Array) -> Array:
        y: Array = ready.run(None, {"x": x})[0]
        return y

    return run
