"""The compiled elementwise work against NumPy, PyTorch's bfloat16 and the eager cell."""

import numba
import numpy as np
import pytest
import torch

from pingze.lstm import cells, kernels
from tests.comparing import assert_close


@numba.njit
def exponentials(x: np.ndarray, out: np.ndarray) -> None:
    for k in range(len(x)):
        out[k] = kernels._exp(x[k])


def test_exp_is_within_two_units_of_the_last_place() -> None:
    x = np.linspace(-87, 88, 100_001, dtype=np.float32)
    out = np.empty_like(x)
    exponentials(x, out)
    assert np.abs(out / np.exp(x.astype(np.float64)) - 1).max() < 2 * 2**-23


def test_exp_saturates_and_keeps_nan() -> None:
    x = np.array([-np.inf, -1e30, 1e30, np.inf, np.nan], np.float32)
    out = np.empty_like(x)
    exponentials(x, out)
    assert (out[:2] < 1e-37).all()
    assert (out[2:4] > 1e38).all()
    assert np.isnan(out[4])


@numba.njit
def rounded(x: np.ndarray, out: np.ndarray) -> None:
    for k in range(len(x)):
        out[k] = kernels._store(x[k], out[k])


def test_bfloat16_is_rounded_as_pytorch_rounds_it() -> None:
    bits = np.random.default_rng(0).integers(0, 2**32, 100_000, dtype=np.uint32)
    ties = np.arange(0, 2**32, 2**16, dtype=np.uint32) + 2**15
    x = np.concatenate([bits, ties.astype(np.uint32)]).view(np.float32)
    x = x[np.isfinite(x)]
    expected = torch.from_numpy(x).bfloat16()
    out = np.empty(len(x), np.uint16)
    rounded(x, out)
    np.testing.assert_array_equal(out, kernels.array(expected))


@pytest.mark.parametrize("operands", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("B", "H"), [(1, 1), (7, 3), (3, 63), (2, 500)])
def test_the_compiled_cell_is_the_eager_one(B: int, H: int, operands: torch.dtype) -> None:
    torch.manual_seed(B)

    def random(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        return torch.randn(*shape).to(dtype)

    net = [random(B, 4 * H, dtype=operands), random(B, 4 * H, dtype=operands), random(B, 4 * H), random(B, H)]
    dh, dh_next, dc_next = random(B, H), random(B, H), random(B, H)
    results = []
    compiled = cells.cell("tanh", torch.device("cpu"), torch.float32)
    for cell in (compiled, cells.eager("tanh")):
        filled = {name: torch.full((B, H), torch.nan) for name in ("c", "phi_c", "h")}
        filled = {"gates": torch.full((B, 4 * H), torch.nan)} | filled
        filled["h_operand"] = torch.full((B, H), torch.nan, dtype=operands)
        cell.forward(*map(cell.view, net), *map(cell.view, filled.values()))
        dnet, dc = torch.full((B, 4 * H), torch.nan, dtype=operands), dc_next.clone()
        cell.backward(*map(cell.view, (dh, dh_next, dc, filled["gates"], net[3], filled["phi_c"], dnet)))
        assert not filled.pop("gates").isnan().any()
        results.append({name: v.float() for name, v in (filled | {"dnet": dnet, "dc": dc}).items()})
    assert compiled.forward is kernels.cell_forward
    assert_close(*results, 1e-6 if operands == torch.float32 else 4e-3)
