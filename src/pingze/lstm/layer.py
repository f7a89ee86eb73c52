"""The LSTM as a PyTorch layer whose gradients are those of `formulas.py`, written for speed.

A batch of sequences comes in, padded to one length or packed; hidden states go out, as from `torch.nn.LSTM`.
Inside, everything is packed: row blocks of the tokens of step 1, step 2, …, longest sequence first
(`torch.nn.utils.rnn.PackedSequence`), so that no arithmetic is spent on padding. docs/lstm-derivation.md, "The
efficient form", derives the order of the products below.
"""

import itertools
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.utils.rnn import PackedSequence

from pingze.lstm.dropout import NO_DROPOUT, Dropout
from pingze.lstm.formulas import ACTIVATIONS, LEAK

State = tuple[Float[Tensor, "layers B H"], Float[Tensor, "layers B H"]]


class LSTM(nn.ModuleList):
    r"""Layers of LSTM cells, one above the other; equations and shapes in `pingze.lstm.formulas`.

    Takes and returns what `torch.nn.LSTM` does: x (T, B, E) or a PackedSequence, and optionally (h_0, c_0), each
    (layers, B, H); gives the top layer's hidden states in the same form and (h_T, c_T). Weights have PyTorch's
    layout, with one bias where PyTorch adds two.

    `operands` is the type in which the matrix products read their operands: float32 weights and cell state with
    bfloat16 operands is the fast training mode on processors that have it. In training, `dropout` acts between layers
    and on the recurrent weights.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        activation: str = "tanh",
        dropout: Dropout = NO_DROPOUT,
        operands: torch.dtype | None = None,
    ) -> None:
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation {activation!r} is unknown; choose one of {', '.join(ACTIVATIONS)}")
        sizes = [input_size] + [hidden_size] * (num_layers - 1)
        super().__init__(Layer(size, hidden_size) for size in sizes)
        self.hidden_size = hidden_size
        self.activation = activation
        self.dropout = dropout
        self.operands = operands

    def forward(
        self, x: Float[Tensor, "T B E"] | PackedSequence, state: State | None = None
    ) -> tuple[Float[Tensor, "T B H"] | PackedSequence, State]:
        """X and (h_0, c_0), zero by default, to the top layer's hidden states and every layer's (h_T, c_T)."""
        packed = x if isinstance(x, PackedSequence) else _pack_full(x)
        h_0, c_0 = (
            self._initial(packed) if state is None else (_permute(s, packed.sorted_indices) for s in state)
        )
        data, batch_sizes = packed.data, packed.batch_sizes.tolist()
        finals = []
        for depth, layer in enumerate(self):
            if depth and self.training:
                data = self.dropout.features(data, packed.batch_sizes, self.dropout.inputs)
            weight_ih, weight_hh, bias = layer.parameters()
            kept_hh = nn.functional.dropout(weight_hh, self.dropout.weights, self.training)
            weights = (weight_ih, kept_hh, bias)
            data, h_T, c_T = _PackedLayer.apply(  # type: ignore[no-untyped-call]
                data, h_0[depth], c_0[depth], *weights, batch_sizes, self.activation, self.operands
            )
            finals.append((h_T, c_T))
        h_T, c_T = (_permute(torch.stack(s), packed.unsorted_indices) for s in zip(*finals, strict=True))
        if isinstance(x, PackedSequence):
            return x._replace(data=data), (h_T, c_T)
        return data.unflatten(0, x.shape[:2]), (h_T, c_T)

    def _initial(self, packed: PackedSequence) -> State:
        zeros = packed.data.new_zeros(len(self), int(packed.batch_sizes[0]), self.hidden_size)
        return zeros, zeros


class Layer(nn.Module):
    """The weights of one layer, of which `pingze.lstm.initialization` knows good first values."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        bound = hidden_size**-0.5
        self.weight_ih = nn.Parameter(torch.empty(4 * hidden_size, input_size).uniform_(-bound, bound))
        self.weight_hh = nn.Parameter(torch.empty(4 * hidden_size, hidden_size).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(4 * hidden_size))


def _steps(batch_sizes: list[int]) -> list[tuple[slice, int]]:
    """For each step its rows in packed data, and how many sequences are still running."""
    ends = list(itertools.accumulate(batch_sizes))
    return [(slice(end - size, end), size) for end, size in zip(ends, batch_sizes, strict=True)]


class _PackedLayer(torch.autograd.Function):
    """One layer over packed sequences: terms (1) to (15) of `formulas.step_backward`, in another order.

    What does not depend on the step before is taken out of the loops over time: the input product before the
    forward loop, and all weight gradients, one product each, after the backward loop.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Float[Tensor, "N E"],
        h_0: Float[Tensor, "B H"],
        c_0: Float[Tensor, "B H"],
        weight_ih: Float[Tensor, "G E"],
        weight_hh: Float[Tensor, "G H"],
        bias: Float[Tensor, "G"],
        batch_sizes: list[int],
        activation: str,
        operands: torch.dtype | None,
    ) -> tuple[Float[Tensor, "N H"], Float[Tensor, "B H"], Float[Tensor, "B H"]]:
        operands = operands or x.dtype
        x_op, W_ih, W_hh = x.to(operands), weight_ih.to(operands), weight_hh.to(operands)
        H = weight_hh.shape[1]

        gates = (
            (x_op @ W_ih.T).to(x.dtype).add_(bias)
        )  # pre-activations of all steps; activated in place below
        h, c, phi_c = (x.new_empty(x.shape[0], H) for _ in range(3))
        h_prev = x_op.new_empty(x.shape[0], H)
        c_prev = x.new_empty(x.shape[0], H)
        h_T, c_T = h_0.clone(), c_0.clone()
        phi = _PHI[activation]
        for rows, size in _steps(batch_sizes):
            h_prev[rows].copy_(h_T[:size])
            c_prev[rows].copy_(c_T[:size])
            net = gates[rows].add_(h_prev[rows] @ W_hh.T)
            i, f, c_tilde, o = net.split(H, dim=1)
            net[:, : 2 * H].sigmoid_()
            phi(c_tilde, out=c_tilde)
            o.sigmoid_()
            torch.mul(f, c_prev[rows], out=c[rows]).addcmul_(i, c_tilde)
            phi(c[rows], out=phi_c[rows])
            torch.mul(o, phi_c[rows], out=h[rows])
            h_T[:size].copy_(h[rows])
            c_T[:size].copy_(c[rows])
        ctx.save_for_backward(x_op, h_prev, c_prev, gates, phi_c, W_ih, W_hh)
        ctx.batch_sizes, ctx.activation = batch_sizes, activation
        return h, h_T, c_T

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, dh: Float[Tensor, "N H"], dh_T: Float[Tensor, "B H"], dc_T: Float[Tensor, "B H"]
    ) -> tuple[Tensor | None, ...]:
        x, h_prev, c_prev, gates, phi_c, W_ih, W_hh = ctx.saved_tensors
        H, derivative = phi_c.shape[1], _DERIVATIVE[ctx.activation]
        i, f, c_tilde, o = gates.split(H, dim=1)

        # The factor of each term that is known before the loop.
        to_o = phi_c * o * (1 - o)  # (1)(10)
        to_c = o * derivative(phi_c)  # (2)
        per_c = torch.cat(
            [c_tilde * i * (1 - i), c_prev * f * (1 - f), i * derivative(c_tilde)], dim=1
        )  # (3)-(9)

        dnet = torch.empty_like(gates)
        dnet_op = dnet if x.dtype == dnet.dtype else torch.empty_like(gates, dtype=x.dtype)
        dh_next, dc_next = dh_T.clone(), dc_T.clone()
        for rows, size in reversed(_steps(ctx.batch_sizes)):
            dh_t, dc_t = dh_next[:size].add_(dh[rows]), dc_next[:size]
            dc_t.addcmul_(dh_t, to_c[rows])  # (2)
            step = dnet[rows]
            torch.mul(dh_t, to_o[rows], out=step[:, 3 * H :])
            torch.mul(
                dc_t.unsqueeze(1), per_c[rows].unflatten(1, (3, H)), out=step[:, : 3 * H].unflatten(1, (3, H))
            )
            dc_t.mul_(f[rows])  # (6)
            dnet_op[rows].copy_(step)
            dh_t.copy_(dnet_op[rows] @ W_hh)  # (12)
        return (
            (dnet_op @ W_ih).to(dnet.dtype),  # (11)
            dh_next,
            dc_next,
            (dnet_op.T @ x).to(dnet.dtype),  # (13)
            (dnet_op.T @ h_prev).to(dnet.dtype),  # (14)
            dnet.sum(dim=0),  # (15)
            None,
            None,
            None,
        )


def _relu(x: Tensor, *, out: Tensor) -> Tensor:
    return torch.clamp_min(x, 0, out=out)


def _leaky_relu(x: Tensor, *, out: Tensor) -> Tensor:
    return out.copy_(nn.functional.leaky_relu(x, LEAK))


_PHI = {"tanh": torch.tanh, "relu": _relu, "leaky_relu": _leaky_relu}
_DERIVATIVE: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": lambda y: 1 - y * y,
    "relu": lambda y: (y > 0).to(y.dtype),
    "leaky_relu": lambda y: torch.where(y > 0, torch.ones_like(y), LEAK),
}


def _pack_full(x: Float[Tensor, "T B E"]) -> PackedSequence:
    T, B, _ = x.shape
    return PackedSequence(x.flatten(0, 1), torch.full((T,), B))


def _permute(state: Float[Tensor, "layers B H"], indices: Tensor | None) -> Float[Tensor, "layers B H"]:
    return state if indices is None else state[:, indices]
