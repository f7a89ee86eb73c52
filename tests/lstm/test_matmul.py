"""The product against NumPy in float64, and the choice of its operands."""

import numpy as np
import pytest
import torch

from pingze.lstm import matmul as products
from pingze.lstm.matmul import operand, operand_type, product, products_with
from tests.comparing import assert_close


@pytest.mark.parametrize(("N", "K", "M"), [(1, 1, 1), (7, 63, 500), (63, 500, 7)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("intel", [False, True])
def test_product(
    N: int, K: int, M: int, dtype: torch.dtype, transposed: bool, intel: bool, monkeypatch: pytest.MonkeyPatch
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
def test_operand_is_the_matrix_and_rows_of_zeros_of_few_numbers(rows: int, dtype: torch.dtype) -> None:
    x = torch.randn(rows, 5)
    found = operand(x, dtype)
    assert torch.equal(found[:rows], x.to(dtype))
    assert not found[rows:].any()
    assert 0 <= len(found) - rows < products.ROWS == 64
    assert len(found) % products.ROWS == 0


def test_operands_are_bfloat16_only_where_asked_and_multiplied(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    for has in (True, False):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda has=has: has)
        assert operand_type("bf16", cpu) == (torch.bfloat16 if has else torch.float32)
        assert operand_type("float32", cpu) == torch.float32
    assert operand_type("bf16", torch.device("cuda")) == torch.bfloat16
