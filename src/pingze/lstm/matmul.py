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

Without the rounding, oneDNN would compile a kernel for every row count, and compiling a kernel
takes as long as a product.
"""


def operand_type(precision: str, device: torch.device) -> torch.dtype:
    """Return the type of operands: bfloat16 or float32.

    It is bfloat16 if `precision` is bf16 and the device multiplies that type.
    """
    multiplies_bf16 = device.type != "cpu" or _cpu_multiplies_bf16()
    if precision == "bf16" and multiplies_bf16:
        return torch.bfloat16
    return torch.float32


def operand(x: Float[Tensor, "N K"], dtype: torch.dtype) -> Float[Tensor, "R K"]:
    """Convert a matrix to the type `dtype`, and append rows of zeros.

    The row count R of the result is a multiple of `ROWS`.
    """
    missing = -len(x) % ROWS
    return nn.functional.pad(x.to(dtype), (0, 0, 0, missing))


def product(a: Float[Tensor, "N K"], b: Float[Tensor, "K M"]) -> Float[Tensor, "N M"]:
    """Compute the matrix product a b. Callers must compute the gradients themselves."""
    # For a single product in bfloat16, PyTorch's own choice is fast.
    if a.dtype == torch.float32 and _has_onednn(a):
        capabilities: Mapping[str, Any] = {}
        if hasattr(torch.cpu, "get_capabilities"):  # older versions cannot name the processor
            capabilities = torch.cpu.get_capabilities()
        # On Intel's processors, PyTorch's own choice, MKL, is the faster library.
        if "Intel" not in capabilities.get("cpu_name", ""):
            return _linear(a, b.T)
    return a @ b


def products_with(b: Float[Tensor, "K M"], rows: int) -> Callable[[Tensor], Tensor]:
    """Return a function that multiplies matrices of at most `rows` rows by b.

    The layout of b is converted once.
    """
    if not _has_onednn(b):
        return lambda a: a @ b
    # PyTorch has no public function that converts a layout once for many products.
    laid_out = torch.ops.mkldnn._reorder_linear_weight(b.T.contiguous(), rows)
    return lambda a: _linear(a, laid_out)


def _has_onednn(a: Tensor) -> bool:
    """Return whether `_linear` can multiply a matrix: on a CPU, in a type that oneDNN supports."""
    if a.device.type != "cpu" or not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return False
    return a.dtype == torch.float32 or (a.dtype == torch.bfloat16 and _cpu_multiplies_bf16())


def _cpu_multiplies_bf16() -> bool:
    # PyTorch's public functions tell this only in newer versions (`torch.cpu.get_capabilities`).
    return torch.cpu._is_avx512_bf16_supported()


def _linear(a: Float[Tensor, "N K"], weight: Tensor) -> Float[Tensor, "N M"]:
    # PyTorch has no public function that multiplies with oneDNN; `a @ b` chooses its own library.
    return torch.ops.mkldnn._linear_pointwise(a, weight, None, "none", [], "")
