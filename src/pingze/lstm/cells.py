"""Provide the elementwise half of an LSTM step, compiled for the usual case in training: tanh in float32 on a CPU.

Other activations, types and devices use PyTorch's operations, which are differentiated automatically.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pingze.lstm import kernels


class Cell(NamedTuple):
    """The two passes of the elementwise half of a step, with the arguments of `kernels`; `view` converts each tensor.

    `forward` writes `gates` for `backward`. These are activated already if the cell is compiled, otherwise not.
    """

    view: Callable[[Tensor], Any]
    forward: Callable[..., None]
    backward: Callable[..., None]


def cell(activation: str, device: torch.device, dtype: torch.dtype) -> Cell:
    """Return the fastest cell for an activation, a device and a floating-point type."""
    if activation == "tanh" and device.type == "cpu" and dtype == torch.float32:
        return Cell(kernels.array, kernels.cell_forward, kernels.cell_backward)
    phi = getattr(nn.functional, activation)  # the default slope of leaky_relu is `formulas.LEAK`

    def equations(net: Float[Tensor, "B G"], c_prev: Float[Tensor, "B H"]) -> tuple[Tensor, Tensor, Tensor]:
        net_i, net_f, net_c, net_o = net.chunk(4, dim=1)
        c = net_f.sigmoid() * c_prev + net_i.sigmoid() * phi(net_c)
        phi_c = phi(c)
        return net_o.sigmoid() * phi_c, c, phi_c

    def forward(x: Tensor, recurrent: Tensor, bias: Tensor, c_prev: Tensor, gates: Tensor, *outputs: Tensor) -> None:
        gates.copy_(x).add_(recurrent).add_(bias)
        h, c, phi_c = equations(gates, c_prev)
        for output, value in zip(outputs, (c, phi_c, h, h), strict=True):
            output.copy_(value)

    def backward(
        dh: Tensor, dh_next: Tensor, dc_next: Tensor, gates: Tensor, c_prev: Tensor, _: Tensor, dnet: Tensor
    ) -> None:
        with torch.enable_grad():
            inputs = gates.detach().requires_grad_(), c_prev.detach().requires_grad_()
            h, c, _ = equations(*inputs)
        by_net, dc_prev = torch.autograd.grad((h, c), inputs, (dh + dh_next, dc_next))
        dnet.copy_(by_net)
        dc_next.copy_(dc_prev)

    return Cell(lambda tensor: tensor, forward, backward)
