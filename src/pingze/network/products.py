"""The products of texts' states with a model's weights: in 8 bits, or in float32.

In 8 bits each row of the weights and each row of the states is a scale times whole numbers from -127 to 127, which
ONNX Runtime multiplies exactly. So it does not matter to a text which others are written beside it. Why, and what the
rounding costs: docs/decisions/0007-onnx-runtime-for-composing.md.
"""

from collections.abc import Callable

import numpy as np

from pingze.arrays import Array, Float
from pingze.network import onnx_graph
from pingze.network.onnx_runtime import session

Product = Callable[[Array], Array]
"""x (B, K) to x Wᵀ (B, N)."""

LARGEST_STATE = 127
"""The largest whole number that stands for an entry of a state."""
LARGEST_WEIGHT = 64
"""The same for weights: processors without VNNI add two products in 16 bits, and 2 · 255 · 64 < 2^15."""

_ROWS = 128
"""So many rows of weights are rounded at once: they stay in the processor's cache."""


def in_float32(weight: Float[Array, "N K"]) -> Product:
    """NumPy's product."""
    columns = np.ascontiguousarray(weight.T)  # OpenBLAS multiplies faster by a matrix that lies as it is read
    return lambda x: x @ columns


def in_8_bits(weight: Float[Array, "N K"], largest: int = LARGEST_WEIGHT) -> Product:
    """ONNX Runtime's product, weights rounded to whole numbers up to `largest`."""
    whole, scales = np.empty(weight.shape[::-1], np.int8), np.empty(len(weight), np.float32)
    for start in range(0, len(weight), _ROWS):
        rows = slice(start, start + _ROWS)
        rounded, scale = _rounded(weight[rows], largest)
        whole[:, rows], scales[rows] = rounded.T, scale[:, 0]
    run = session(onnx_graph.product(whole, scales))

    def product(x: Float[Array, "B K"]) -> Float[Array, "B N"]:
        whole, scales = _rounded(x, LARGEST_STATE)
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
