"""Matrix products at the best rate that the processor has: two matrices come in, their product goes out."""

import torch
from jaxtyping import Float
from torch import Tensor


def operand_type(precision: str, device: torch.device) -> torch.dtype:
    """The type in which products read their operands: bfloat16 if `precision` is bf16 and the device multiplies it."""
    has = device.type != "cpu" or torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if precision == "bf16" and has else torch.float32


def product(a: Float[Tensor, "N K"], b: Float[Tensor, "K M"]) -> Float[Tensor, "N M"]:
    """A b, outside automatic differentiation.

    In float32 on a CPU oneDNN is called by name: PyTorch would call MKL, which leaves half of the vector unit unused
    on processors of other makers.
    """
    if a.dtype == torch.float32 and a.device.type == "cpu" and hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return torch.ops.mkldnn._linear_pointwise(a, b.T, None, "none", [], "")  # type: ignore[no-any-return]
    return a @ b
