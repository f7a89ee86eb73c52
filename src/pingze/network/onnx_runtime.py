"""ONNX Runtime without its telemetry; no other module imports it (tests/test_layout.py).

Since 1.29 it sends events to its maker and keeps a number of the device in the user's cache, unless it is told
otherwise before it is imported.
"""

import os
from collections.abc import Callable, Mapping

from pingze.arrays import Array

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime  # type: ignore[import-untyped]  # it reads this once

__all__ = ["onnxruntime", "session"]


def session(graph: bytes) -> Callable[[Mapping[str, Array]], list[Array]]:
    """Prepare a graph; return what runs it, from its operands by name to its results.

    A run keeps to the thread that asks: several threads that compose would fight over more.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False  # no memory is kept for the next run
    ready = onnxruntime.InferenceSession(graph, options)

    def run(operands: Mapping[str, Array]) -> list[Array]:
        results: list[Array] = ready.run(None, operands)
        return results

    return run
