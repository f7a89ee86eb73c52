"""Multiply matrices with the library that is fastest on the processor.

On a CPU, PyTorch's own choice is slow in two cases. In both cases oneDNN is called explicitly.
First, if one float32 or bfloat16 matrix is used in many products, PyTorch converts the layout of
the matrix for each product. Second, if the processor is not from Intel, PyTorch multiplies float32
matrices with MKL, and MKL leaves half of the vector unit unused. On Intel's processors MKL is kept:
in products with a transposed matrix, it is 1.4 times as fast as oneDNN.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

ROWS = 64
"""The row count of an operand is rounded up to a multiple of this number.

Without the rounding, oneDNN would compile
a kernel for every row count, and compiling a kernel takes as long as a product."""


def operand_type(precision: str, device: torch.device) -> torch.dtype:
    """Return the type of operands: bfloat16 if `precision` is bf16 and the device supports that type, else float32."""
    has = device.type != "cpu" or torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if precision == "bf16" and has else torch.float32


def operand(x: Float[Tensor, "N K"], dtype: torch.dtype) -> Float[Tensor, "R K"]:
    """Convert a matrix to the type `dtype`, and append rows of zeros until its row count R is a multiple of `ROWS`."""
    return nn.functional.pad(x.to(dtype), (0, 0, 0, -len(x) % ROWS))


def product(a: Float[Tensor, "N K"], b: Float[Tensor, "K M"]) -> Float[Tensor, "N M"]:
    """Compute the matrix product a b. Callers must compute the gradients themselves."""
    about: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    if a.dtype == torch.float32 and _has_onednn(a) and "Intel" not in about.get("cpu_name", ""):
        return _linear(a, b.T)
    return a @ b


def products_with(b: Float[Tensor, "K M"], rows: int) -> Callable[[Tensor], Tensor]:
    """Return a function that multiplies matrices of at most `rows` rows by b.

    The layout of b is converted once.
    """
    if not _has_onednn(b):
        return lambda a: a @ b
    laid_out = torch.ops.mkldnn._reorder_linear_weight(b.T.contiguous(), rows)
    return lambda a: _linear(a, laid_out)


def _has_onednn(a: Tensor) -> bool:
    multiplied = a.dtype == torch.float32 or (
        a.dtype == torch.bfloat16 and torch.cpu._is_avx512_bf16_supported()
    )
    return a.device.type == "cpu" and multiplied and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def _linear(a: Float[Tensor, "N K"], weight: Tensor) -> Float[Tensor, "N M"]:
    return torch.ops.mkldnn._linear_pointwise(a, weight, None, "none", [], "")
