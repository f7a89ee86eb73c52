"""The products of texts' states with a model's weights: in 8 bits, or in float32.

In 8 bits each row of the weights and each row of the states is a scale times whole numbers from -127 to 127, which
ONNX Runtime multiplies exactly. So it does not matter to a text which others are written beside it. Why, and what the
rounding costs: docs/decisions/0007-onnx-runtime-for-composing.md.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
import onnxruntime  # type: ignore[import-untyped]

from pingze.arrays import Array, Float
from pingze.network import onnx_graph

Product = Callable[[Array], Array]
"""x (B, K) to x Wᵀ (B, N)."""

LARGEST = 127
"""The largest whole number that stands for an entry."""
LARGEST_IN_16_BITS = 64
"""The same for weights where a processor adds two products in 16 bits: 2 · 255 · 64 < 2^15."""

_ROWS = 128
"""So many rows of weights are rounded at once: they stay in the processor's cache."""


def in_float32(weight: Float[Array, "N K"]) -> Product:
    """NumPy's product."""
    columns = np.ascontiguousarray(weight.T)  # OpenBLAS multiplies faster by a matrix that lies as it is read
    return lambda x: x @ columns


def in_8_bits(weight: Float[Array, "N K"], largest: int | None = None) -> Product:
    """ONNX Runtime's product, weights rounded to whole numbers up to `largest`: by default as large as is exact."""
    whole, scales = np.empty(weight.shape[::-1], np.int8), np.empty(len(weight), np.float32)
    for start in range(0, len(weight), _ROWS):
        rows = slice(start, start + _ROWS)
        rounded, scale = _rounded(weight[rows], largest or largest_weight())
        whole[:, rows], scales[rows] = rounded.T, scale[:, 0]
    run = session(onnx_graph.product(whole, scales))

    def product(x: Float[Array, "B K"]) -> Float[Array, "B N"]:
        whole, scales = _rounded(x, LARGEST)
        whole += onnx_graph.ZERO
        y = run(whole.astype(np.uint8))
        y *= scales
        return y

    return product


def _rounded(rows: Float[Array, "M K"], largest: int) -> tuple[Float[Array, "M K"], Float[Array, "M 1"]]:
    """Rows as whole numbers up to `largest`, and the scale of each."""
    scales = np.maximum(rows.max(axis=1, keepdims=True), -rows.min(axis=1, keepdims=True))
    scales /= np.float32(largest)
    scales[scales == 0] = 1
    whole = rows / scales
    return np.rint(whole, out=whole), scales


@cache
def largest_weight() -> int:
    """`LARGEST` if this processor multiplies such weights exactly; those without AVX-VNNI or the like do not."""
    ones = np.ones((16, 64), np.float32)
    is_exact = np.allclose(in_8_bits(ones, LARGEST)(ones), 64)
    return LARGEST if is_exact else LARGEST_IN_16_BITS


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
