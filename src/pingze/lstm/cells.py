"""The elementwise half of a step, forward and backward.

Two implementations of the same equations (`pingze.lstm.formulas`), side by side: `eager` for any device, type and
activation, and the compiled one for float32 on a CPU with tanh, which is what training spends its time in.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pingze.lstm import kernels
from pingze.lstm.formulas import LEAK


class Cell(NamedTuple):
    """`forward` and `backward` take what `kernels.cell_forward` and `cell_backward` take, as `view` gives it."""

    view: Callable[[Tensor], Any]
    forward: Callable[..., None]
    backward: Callable[..., None]


def cell(activation: str, device: torch.device, dtype: torch.dtype) -> Cell:
    """The fastest implementation for these."""
    if activation == "tanh" and device.type == "cpu" and dtype == torch.float32:
        return Cell(kernels.array, kernels.cell_forward, kernels.cell_backward)
    return eager(activation)


def eager(activation: str) -> Cell:
    """The equations in PyTorch's own operations."""
    phi, derivative = _PHI[activation], _DERIVATIVE[activation]

    def forward(
        x: Float[Tensor, "B G"],
        recurrent: Float[Tensor, "B G"],
        bias: Float[Tensor, "B G"],
        c_prev: Float[Tensor, "B H"],
        gates: Float[Tensor, "B G"],
        c: Float[Tensor, "B H"],
        phi_c: Float[Tensor, "B H"],
        h: Float[Tensor, "B H"],
        h_operand: Float[Tensor, "B H"],
    ) -> None:
        gates.copy_(x).add_(recurrent).add_(bias)
        i, f, c_tilde, o = gates.chunk(4, dim=1)
        for gate in (i, f, o):
            gate.sigmoid_()
        c_tilde.copy_(phi(c_tilde))
        torch.mul(f, c_prev, out=c).addcmul_(i, c_tilde)
        phi_c.copy_(phi(c))
        torch.mul(o, phi_c, out=h)
        h_operand.copy_(h)

    def backward(
        dh: Float[Tensor, "B H"],
        dh_next: Float[Tensor, "B H"],
        dc_next: Float[Tensor, "B H"],
        gates: Float[Tensor, "B G"],
        c_prev: Float[Tensor, "B H"],
        phi_c: Float[Tensor, "B H"],
        dnet: Float[Tensor, "B G"],
    ) -> None:
        i, f, c_tilde, o = gates.chunk(4, dim=1)
        dh_t = dh + dh_next
        dc = dc_next + dh_t * o * derivative(phi_c)  # (2)
        di = dc * c_tilde * i * (1 - i)  # (4)(7)
        df = dc * c_prev * f * (1 - f)  # (3)(8)
        dc_tilde = dc * i * derivative(c_tilde)  # (5)(9)
        do = dh_t * phi_c * o * (1 - o)  # (1)(10)
        dnet.copy_(torch.cat([di, df, dc_tilde, do], dim=1))
        torch.mul(dc, f, out=dc_next)  # (6)

    return Cell(lambda tensor: tensor, forward, backward)


_PHI: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": lambda x: nn.functional.leaky_relu(x, LEAK),
}
_DERIVATIVE: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": lambda y: 1 - y * y,
    "relu": lambda y: (y > 0).to(y.dtype),
    "leaky_relu": lambda y: torch.where(y > 0, torch.ones_like(y), LEAK),
}
