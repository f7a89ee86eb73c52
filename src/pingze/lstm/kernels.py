# mypy: allow-untyped-defs, allow-untyped-calls
"""Fuse elementwise operations into Numba kernels that pass over memory once.

Eager PyTorch needs many passes. A kernel writes its results into arrays that the caller supplies.
All arrays are on a CPU and in float32, but operands and results of matrix products may be in
bfloat16. NumPy lacks bfloat16, so `array` returns the bits as uint16. The threads divide the rows
among themselves. LLVM vectorizes a loop over a row only if the loop reads no array that it writes.
docs/decisions/0002-numba-for-the-elementwise-work.md explains the choice of Numba.
"""

import inspect
from collections.abc import Callable
from typing import Any, no_type_check

import numba
import numpy as np
import torch
from numba import types
from numba.extending import overload
from torch import Tensor

BLOCKS = 8
"""Number of partial sums of the bias's gradient.

It is constant so that results do not depend on the thread count.
"""

_float = np.float32
_bits = np.uint32
_int = np.int32


def _compiler(**options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Build a decorator that compiles a function.

    The result is cached on disk if a cache folder is writable.
    """

    def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
        # tests wrap functions in type checks, which Numba cannot compile
        function = inspect.unwrap(function)
        # A division by 0 gives infinity or NaN, as in NumPy. The check for it that Numba would
        # otherwise add keeps loops from being vectorized.
        try:
            return numba.njit(function, cache=True, error_model="numpy", **options)
        except RuntimeError:  # Numba found no writable folder for its cache
            return numba.njit(function, error_model="numpy", **options)

    return compiled


# "contract" lets LLVM fuse a multiplication and an addition. "reassoc" also lets it add in another
# order, without which it could not vectorize a sum.
_compile = _compiler(fastmath={"contract"})
_compile_sum = _compiler(fastmath={"contract", "reassoc"})
_compile_parallel = _compiler(parallel=True)
_inline = _compiler(inline="always")


def array(tensor: Tensor) -> np.ndarray:
    """Return an array that shares a tensor's memory.

    The entries of a bfloat16 tensor become their bits, as uint16.
    """
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.view(torch.uint16)
    return tensor.detach().numpy()


def _load(x):
    """Convert an array's entry to float32."""


def _store(value, like):
    """Convert a float32 value to the type of the entry `like`.

    For bfloat16, round to nearest, ties to even.
    """


# Numba compiles a call of `_load` or `_store` as the function that is returned here for its types.
@overload(_load, inline="always")
@no_type_check
def _(x):
    if x == types.uint16:
        return lambda x: _bits(_bits(x) << _bits(16)).view(_float)
    return lambda x: x


@overload(_store, inline="always")
@no_type_check
def _(value, like):
    if like == types.uint16:

        def nearest(value, like):
            # bfloat16 keeps the upper 16 bits. Adding 0x7FFF carries into them if the lower bits
            # are more than one half, and `last_kept` makes a tie carry if the last kept bit is odd.
            bits = _float(value).view(_bits)
            last_kept = (bits >> _bits(16)) & _bits(1)
            return np.uint16((bits + _bits(0x7FFF) + last_kept) >> _bits(16))

        return nearest
    return lambda value, like: value


@_inline
def _reduced_exp(x):
    """Compute 2^n and e^r - 1, where x = n ln 2 + r and |r| <= ln 2 / 2, by Cephes' polynomial.

    Near x = 0, e^r - 1 has all its digits, but 1 + (e^r - 1) would lose most of them. The relative
    error is 1e-7.
    """
    # Beyond these bounds n would not fit in the exponent of a float32. NaN passes the comparisons
    # and remains NaN, but min and max would hide it.
    x = _float(88) if x > _float(88) else x
    x = _float(-87) if x < _float(-87) else x
    # n is x / ln 2, rounded. To subtract n ln 2 without a large rounding error, ln 2 is split in
    # two parts, of which the first has so few bits that its product with n is exact.
    n = np.floor(x * _float(1.44269504) + _float(0.5))
    r = x - n * _float(0.693359375) + n * _float(2.12194440e-4)
    p = _float(1.9875691500e-4)
    p = p * r + _float(1.3981999507e-3)
    p = p * r + _float(8.3334519073e-3)
    p = p * r + _float(4.1665795894e-2)
    p = p * r + _float(1.6666665459e-1)
    p = p * r + _float(5.0000001201e-1)
    # The bits of the float32 2^n are its exponent, n + 127, followed by 23 zeros.
    power = _int((_int(n) + _int(127)) << _int(23)).view(_float)
    return power, p * r * r + r


@_inline
def _exp(x):
    """Compute e^x. The relative error is 1e-7."""
    power, e_minus_1 = _reduced_exp(x)
    return (e_minus_1 + _float(1)) * power


@_inline
def _sigmoid(x):
    return _float(1) / (_float(1) + _exp(-x))


@_inline
def _tanh(x):
    """Compute tanh x = m / (m + 2) with m = e^{2x} - 1."""
    power, e_minus_1 = _reduced_exp(_float(2) * x)
    m = e_minus_1 * power + (power - _float(1))
    return m / (m + _float(2))


@_compile
def _activate_sigmoid(x, recurrent, bias, out):
    for k in range(out.shape[0]):
        out[k] = _sigmoid(_load(x[k]) + _load(recurrent[k]) + bias[k])


@_compile
def _activate_tanh(x, recurrent, bias, out):
    for k in range(out.shape[0]):
        out[k] = _tanh(_load(x[k]) + _load(recurrent[k]) + bias[k])


@_compile
def _state(f, c_prev, i, c_tilde, o, c, phi_c, h, h_operand):
    """Compute c, φ(c), h and h in the type of operands, (H) each."""
    for k in range(c.shape[0]):
        c_k = f[k] * c_prev[k] + i[k] * c_tilde[k]
        phi = _tanh(c_k)
        c[k] = c_k
        phi_c[k] = phi
        h[k] = o[k] * phi
        h_operand[k] = _store(o[k] * phi, h_operand[k])


@_compile_parallel
def cell_forward(x, recurrent, bias, c_prev, gates, c, phi_c, h, h_operand):
    """Compute `formulas.cell_forward` for net = x + recurrent + bias, (B, 4H).

    The results go to `gates`, `c`, `phi_c` and `h`. `h_operand` gets h in the type of the operands
    of matrix products.
    """
    H = c.shape[1]
    for b in numba.prange(c.shape[0]):
        gates_b = gates[b]
        i = gates_b[:H]
        f = gates_b[H : 2 * H]
        c_tilde = gates_b[2 * H : 3 * H]
        o = gates_b[3 * H :]
        # i and f are adjacent and have the same activation, so one call computes both.
        i_and_f = gates_b[: 2 * H]
        _activate_sigmoid(x[b, : 2 * H], recurrent[b, : 2 * H], bias[b, : 2 * H], i_and_f)
        _activate_tanh(
            x[b, 2 * H : 3 * H], recurrent[b, 2 * H : 3 * H], bias[b, 2 * H : 3 * H], c_tilde
        )
        _activate_sigmoid(x[b, 3 * H :], recurrent[b, 3 * H :], bias[b, 3 * H :], o)
        _state(f, c_prev[b], i, c_tilde, o, c[b], phi_c[b], h[b], h_operand[b])


@_compile
def _state_gradients(dh_out, dh_next, dc_next, o, phi_c, dh, dc):
    """Write ∂L/∂h_t to `dh` and ∂L/∂c_t to `dc`."""
    for k in range(dc.shape[0]):
        dh[k] = dh_out[k] + dh_next[k]
        # (2)  The sum is computed again because LLVM would not vectorize a loop that reads `dh`.
        dc[k] = dc_next[k] + (dh_out[k] + dh_next[k]) * o[k] * (_float(1) - phi_c[k] * phi_c[k])


@_compile
def _sigmoid_gradient(dy, factor, gate, dnet):
    """Write ∂L/∂net of a gate σ(net) to `dnet`, where ∂L/∂gate is dy · factor."""
    for k in range(dnet.shape[0]):
        dnet[k] = _store(dy[k] * factor[k] * gate[k] * (_float(1) - gate[k]), dnet[k])


@_compile
def _tanh_gradient(dc, factor, gate, dnet):
    """Write ∂L/∂net of a gate tanh(net) to `dnet`, where ∂L/∂gate is dc · factor."""
    for k in range(dnet.shape[0]):
        dnet[k] = _store(dc[k] * factor[k] * (_float(1) - gate[k] * gate[k]), dnet[k])


@_compile_parallel
def cell_backward(dh_out, dh_next, dc_next, gates, c_prev, phi_c, dnet):
    """Write ∂L/∂net to `dnet`, and ∂L/∂c_{t-1} over `dc_next`.

    ∂L/∂h_t is the sum of `dh_out`, from the output, and `dh_next`, from the next step. Numbers in
    parentheses name the terms of `formulas.step_backward`.
    """
    H = c_prev.shape[1]
    for b in numba.prange(c_prev.shape[0]):
        gates_b = gates[b]
        dnet_b = dnet[b]
        i = gates_b[:H]
        f = gates_b[H : 2 * H]
        c_tilde = gates_b[2 * H : 3 * H]
        o = gates_b[3 * H :]
        dh = np.empty(H, _float)
        dc = np.empty(H, _float)
        _state_gradients(dh_out[b], dh_next[b], dc_next[b], o, phi_c[b], dh, dc)
        # The gradients of i, f, c̃ and o, and of their nets, in the order of the stacked gates.
        _sigmoid_gradient(dc, c_tilde, i, dnet_b[:H])  # (4)(7)
        _sigmoid_gradient(dc, c_prev[b], f, dnet_b[H : 2 * H])  # (3)(8)
        _tanh_gradient(dc, i, c_tilde, dnet_b[2 * H : 3 * H])  # (5)(9)
        _sigmoid_gradient(dh, phi_c[b], o, dnet_b[3 * H :])  # (1)(10)
        for k in range(H):
            dc_next[b, k] = dc[k] * f[k]  # (6)


@_compile_sum
def _add(x, y, out):
    """Write x + y to `out`, and return its largest entry."""
    largest = -_float(np.inf)
    for k in range(out.shape[0]):
        out[k] = _load(x[k]) + y[k]
        largest = max(largest, out[k])
    return largest


@_compile
def _exp_above(x, shift, out):
    for k in range(out.shape[0]):
        out[k] = _exp(x[k] - shift)


@_compile_sum
def _sum(x):
    total = _float(0)
    for k in range(x.shape[0]):
        total += x[k]
    return total


@_compile
def _scale_and_add(x, factor, out, total):
    """Write x · factor to `out`, and add it to `total`."""
    for k in range(out.shape[0]):
        scaled = x[k] * factor
        out[k] = _store(scaled, out[k])
        total[k] += scaled


@_compile_parallel
def softmax_gradient(logits, bias, targets, losses, dbias):
    """Set `losses` to -ln softmax(logits + bias)[target] and `logits` to ∂loss/∂logits.

    Add ∂loss/∂bias to `dbias`, which has a row for each of `BLOCKS` blocks of tokens. The caller
    sums the rows.
    """
    n, V = logits.shape
    for block in numba.prange(BLOCKS):
        with_bias = np.empty(V, _float)
        exps = np.empty(V, _float)
        for row in range(block * n // BLOCKS, (block + 1) * n // BLOCKS):
            target = targets[row]
            # The largest logit is subtracted before the exponentials, so that none overflows.
            largest = _add(logits[row], bias, with_bias)
            _exp_above(with_bias, largest, exps)
            normalizer = _sum(exps)
            losses[row] = np.log(normalizer) + largest - with_bias[target]
            # The gradient is the softmax, exps / normalizer, minus 1 at the target.
            exps[target] -= normalizer
            _scale_and_add(exps, _float(1) / normalizer, logits[row], dbias[block])
