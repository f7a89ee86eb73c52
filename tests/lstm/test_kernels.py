"""The parts of the compiled kernels against NumPy and PyTorch's bfloat16; test_layer.py compares the whole step."""

from typing import Any

import numba
import numpy as np
import torch

from pingze.lstm import kernels


@numba.njit
def exponentials(x: np.ndarray, out: np.ndarray) -> None:
    for k in range(len(x)):
        out[k] = kernels._exp(x[k])


@numba.njit
def rounded(x: np.ndarray, out: np.ndarray) -> None:
    for k in range(len(x)):
        out[k] = kernels._store(x[k], out[k])


def test_exp_is_within_two_units_of_the_last_place_saturates_and_keeps_nan() -> None:
    extreme = [-np.inf, -1e30, 1e30, np.inf, np.nan]
    x = np.concatenate([np.linspace(-87, 88, 100_001), extreme]).astype(np.float32)
    out = np.empty_like(x)
    exponentials(x, out)
    assert np.abs(out[:-5] / np.exp(x[:-5].astype(np.float64)) - 1).max() < 2 * 2**-23
    assert (out[-5:-3] < 1e-37).all()
    assert (out[-3:-1] > 1e38).all()
    assert np.isnan(out[-1])


def test_bfloat16_is_rounded_as_pytorch_rounds_it() -> None:
    bits = np.random.default_rng(0).integers(0, 2**32, 100_000, dtype=np.uint32)
    ties = np.arange(0, 2**32, 2**16, dtype=np.uint32) + 2**15
    x = np.concatenate([bits, ties.astype(np.uint32)]).view(np.float32)
    x = x[np.isfinite(x)]
    expected = torch.from_numpy(x).bfloat16()
    out = np.empty(len(x), np.uint16)
    rounded(x, out)
    np.testing.assert_array_equal(out, kernels.array(expected))


def test_what_has_no_place_to_be_kept_is_compiled_at_each_start() -> None:
    """As in a read-only installation without a home: Numba "cannot cache function", here for want of a file."""
    scope: dict[str, Any] = {}
    exec("def increment(x): return x + 1", scope)
    assert kernels._compiler()(scope["increment"])(1) == 2
