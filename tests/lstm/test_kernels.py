"""The compiled parts against NumPy and PyTorch: kernels, products, the loss; test_layer.py compares the whole step."""

from typing import Any

import numba
import numpy as np
import pytest
import torch

from pingze.lstm import kernels
from pingze.lstm.loss import cross_entropy_sum, token_losses
from pingze.lstm.matmul import ROWS, operand, operand_type, product, products_with
from tests.comparing import assert_close


@numba.njit
def exponentials(x: np.ndarray, out: np.ndarray) -> None:
    for k in range(len(x)):
        out[k] = kernels._exp(x[k])


@numba.njit
def tangents(x: np.ndarray, out: np.ndarray) -> None:
    for k in range(len(x)):
        out[k] = kernels._tanh(x[k])


@numba.njit
def rounded(x: np.ndarray, out: np.ndarray) -> None:
    for k in range(len(x)):
        out[k] = kernels._store(x[k], out[k])


def test_exp_is_within_two_units_of_the_last_place_saturates_and_keeps_nan() -> None:
    x = np.concatenate(
        [np.linspace(-87, 88, 100_001), [-np.inf, -1e30, 1e30, np.inf, np.nan]]
    ).astype(np.float32)
    out = np.empty_like(x)
    exponentials(x, out)
    assert np.abs(out[:-5] / np.exp(x[:-5].astype(np.float64)) - 1).max() < 2 * 2**-23
    assert (out[-5:-3] < 1e-37).all()
    assert (out[-3:-1] > 1e38).all()
    assert np.isnan(out[-1])


@pytest.mark.parametrize("sign", [1, -1])
def test_tanh_is_within_three_units_of_the_last_place(sign: int) -> None:
    x = sign * np.concatenate([np.logspace(-37, 0, 200_001), np.linspace(0.1, 100, 200_001)])
    x = x.astype(np.float32)
    out = np.empty_like(x)
    tangents(x, out)
    exact = np.tanh(x.astype(np.float64))
    _, exponents = np.frexp(exact)
    # in float64, since another test may have set the processor to flush denormal numbers
    last_places = np.ldexp(1.0, exponents - 24)
    assert (np.abs(out - exact) / last_places).max() < 3


def test_tanh_is_bounded_by_one_and_keeps_zero_and_nan() -> None:
    x = np.array([0, 1e30, np.inf, -1e30, -np.inf, np.nan], np.float32)
    out = np.empty_like(x)
    tangents(x, out)
    np.testing.assert_array_equal(out, [0, 1, 1, -1, -1, np.nan])


def test_bfloat16_is_rounded_as_pytorch_rounds_it() -> None:
    bits = np.random.default_rng(0).integers(0, 2**32, 100_000, dtype=np.uint32)
    ties = np.arange(0, 2**32, 2**16, dtype=np.uint32) + 2**15
    x = np.concatenate([bits, ties.astype(np.uint32)]).view(np.float32)
    x = x[np.isfinite(x)]
    out = np.empty(len(x), np.uint16)
    rounded(x, out)
    np.testing.assert_array_equal(out, kernels.array(torch.from_numpy(x).bfloat16()))


def test_what_has_no_place_to_be_kept_is_compiled_at_each_start() -> None:
    """As in a read-only installation without a home.

    Numba "cannot cache function", here for want of a file.
    """
    scope: dict[str, Any] = {}
    exec("def increment(x): return x + 1", scope)
    assert kernels._compiler()(scope["increment"])(1) == 2


@pytest.mark.parametrize(("N", "K", "M"), [(1, 1, 1), (7, 63, 500), (63, 500, 7)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("intel", [False, True])
def test_product(
    N: int,
    K: int,
    M: int,
    dtype: torch.dtype,
    transposed: bool,
    intel: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = "Intel" if intel else "AMD"
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"cpu_name": name}, raising=False)
    torch.manual_seed(N)
    a, b = torch.randn(N, K).to(dtype), torch.randn(K, M).to(dtype)
    if transposed:
        a, b = a.T.contiguous().T, b.T.contiguous().T
    expected = np.matmul(a.double().numpy(), b.double().numpy())
    tolerance = {torch.float32: 1e-6, torch.float64: 1e-14, torch.bfloat16: 4e-3}[dtype]
    found = {"product": product(a, b).double(), "repeated": products_with(b, rows=N)(a).double()}
    assert_close(found, dict.fromkeys(found, expected), tolerance)


@pytest.mark.parametrize("rows", [1, 63, 64, 65, 1370])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_operand_is_the_matrix_and_rows_of_zeros_of_few_numbers(
    rows: int, dtype: torch.dtype
) -> None:
    x = torch.randn(rows, 5)
    found = operand(x, dtype)
    assert torch.equal(found[:rows], x.to(dtype))
    assert not found[rows:].any()
    assert 0 <= len(found) - rows < ROWS == 64
    assert len(found) % ROWS == 0


def test_operands_are_bfloat16_only_where_asked_and_multiplied(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cpu = torch.device("cpu")
    for has in (True, False):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda has=has: has)
        assert operand_type("bf16", cpu) == (torch.bfloat16 if has else torch.float32)
        assert operand_type("float32", cpu) == torch.float32
    assert operand_type("bf16", torch.device("cuda")) == torch.bfloat16


@pytest.mark.parametrize(("operands", "tolerance"), [(None, 2e-6), (torch.bfloat16, 2e-2)])
@pytest.mark.parametrize(
    ("N", "H", "V"), [(1, 1, 1), (7, 3, 2), (512, 5, 63), (513, 7, 11), (1100, 2, 500)]
)
def test_loss_and_gradients(
    N: int, H: int, V: int, operands: torch.dtype | None, tolerance: float
) -> None:
    """Compiled in float32 against PyTorch's in float64."""
    torch.manual_seed(N)
    shapes = {"hidden": (N, H), "weight": (V, H), "bias": (V,)}
    tensors = {name: torch.randn(shape).requires_grad_() for name, shape in shapes.items()}
    targets = torch.randint(V, (N,))
    exact = {name: tensor.detach().double().requires_grad_() for name, tensor in tensors.items()}
    results = []
    for given, type_ in ((tensors, operands), (exact, None)):
        loss = cross_entropy_sum(*given.values(), targets, type_)
        gradients = torch.autograd.grad(3 * loss, list(given.values()))
        results.append({"loss": loss.detach()} | dict(zip(given, gradients, strict=True)))
    assert_close(*results, tolerance)
    assert token_losses(*exact.values(), targets).sum().item() == pytest.approx(
        results[1]["loss"].item()
    )
    with torch.no_grad():
        tensors["weight"][0] = torch.nan
    assert cross_entropy_sum(*tensors.values(), targets, operands).isnan(), (
        "one that diverged is not hidden"
    )


def test_large_logits_do_not_overflow() -> None:
    hidden, weight, bias = torch.tensor([[1e4]]), torch.tensor([[1.0], [-1.0]]), torch.zeros(2)
    targets = torch.tensor([1])
    assert token_losses(hidden, weight, bias, targets).tolist() == [2e4]
    assert cross_entropy_sum(hidden, weight, bias, targets).item() == 2e4
