"""tanh in float32, of which every processor makes the same bits.

NumPy has another algorithm for each kind of processor, and their last bits differ. In an LSTM that composes they are
no trifle: states are rounded to whole numbers, so that now and then a last bit decides a whole number, and with it a
poem. Sums, products and quotients are rounded in one way everywhere (IEEE 754).
"""

import numpy as np

from pingze.arrays import Array, Float

_FARTHEST = 7.25
"""From here on tanh is 1, to 1 millionth."""
_OVER = [np.float32(c) for c in (3.79460277e-06, 0.00224790282, 0.122693434, 0.999994433)]
_UNDER = [np.float32(c) for c in (0.000139210897, 0.0209359197, 0.456008011, 1.0)]
"""Of the quotient x P(x²) / Q(x²) that is nearest to tanh from -7.25 to 7.25, the highest power first."""
_BLOCK = 1 << 15
"""So many numbers are computed at once: they stay in the processor's cache."""


def tanh(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Compute tanh: in float32 within 2 millionths, in other precisions by NumPy.

    Args:
        x: Of any shape.
    """
    if x.dtype != np.float32:
        y: Array = np.tanh(x)
        return y
    y = np.clip(x, -_FARTHEST, _FARTHEST, order="C")
    flat = y.reshape(-1)
    scratch = np.empty((2, min(_BLOCK, flat.size)), np.float32)
    for start in range(0, flat.size, _BLOCK):
        t = flat[start : start + _BLOCK]
        square, over = scratch[:, : len(t)]
        np.square(t, out=square)
        _polynomial(_OVER, square, over)
        over *= t
        _polynomial(_UNDER, square, t)
        np.divide(over, t, out=t)
    return y


def _polynomial(coefficients: list[np.float32], x: Float[Array, "n"], out: Float[Array, "n"]) -> None:
    """The polynomial of x, by Horner's rule."""
    np.multiply(x, coefficients[0], out=out)
    for coefficient in coefficients[1:-1]:
        out += coefficient
        out *= x
    out += coefficients[-1]
