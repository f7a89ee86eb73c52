"""Train an LSTM in PyTorch with the gradients of `formulas.py`, arranged for speed.

The layer replaces `torch.nn.LSTM`. Internally, sequences are sorted by length, longest first, and packed as all tokens
of step 1, then all of step 2, … (`torch.nn.utils.rnn.PackedSequence`), so that short sequences need no padding. The
order of the matrix products is derived in docs/lstm-derivation.md, "The efficient form".
"""

import itertools
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.utils.rnn import PackedSequence

from pingze.lstm import cells
from pingze.lstm.dropout import NO_DROPOUT, Dropout, sequence_of_rows
from pingze.lstm.formulas import ACTIVATIONS
from pingze.lstm.matmul import operand, product, products_with

__all__ = ["LSTM"]

State = tuple[Float[Tensor, "layers B H"], Float[Tensor, "layers B H"]]


class LSTM(nn.Module):
    """A stack of LSTM layers, which is called like `torch.nn.LSTM`.

    Weights have PyTorch's layout, but with one bias instead of two. The weights of layer 0 are `0.weight_ih` (4H, E),
    `0.weight_hh` (4H, H), `0.bias` (4H) and, if there is a constant input, `0.weight_ph` (4H, P).

    Args:
        input_size: E, the length of an input vector.
        hidden_size: H, the number of units in each layer.
        num_layers: Number of layers, at least 1.
        activation: Activation of the cell: tanh, relu or leaky_relu.
        dropout: Dropout in training; the LSTM applies it between layers and to the recurrent weights.
        operands: Type to which operands of matrix products are converted; by default the type of the weights. Training
            is fast in bfloat16 on processors that support it; weights and cell state remain in float32.
        held_size: P, the length of each sequence's constant input (`formulas.held_bias`); 0 if there is none.

    Raises ValueError if the activation is unknown. For the equations, see `pingze.lstm.formulas`.
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
        held_size: int = 0,
    ) -> None:
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation {activation!r} is unknown; choose one of {', '.join(ACTIVATIONS)}")
        super().__init__()
        self.hidden_size, self.activation = hidden_size, activation
        self.dropout, self.operands = dropout, operands
        sizes = [input_size] + [hidden_size] * (num_layers - 1)
        self.layers = tuple(Layer(size, hidden_size, 0 if n else held_size) for n, size in enumerate(sizes))
        for depth, layer in enumerate(self.layers):
            self.add_module(str(depth), layer)

    def forward(
        self,
        x: Float[Tensor, "T B E"] | PackedSequence,
        state: State | None = None,
        held: Float[Tensor, "B P"] | None = None,
    ) -> tuple[Float[Tensor, "T B H"] | PackedSequence, State]:
        """Compute the top layer's hidden states, packed if x is packed, and the final (h_T, c_T) of every layer.

        Args:
            x: Inputs, (T, B, E) or packed.
            state: The initial (h_0, c_0), each (layers, B, H); zeros by default.
            held: The constant input of each sequence, (B, P); none by default.
        """
        if isinstance(x, PackedSequence):
            data, sizes, order, original_order = x
        else:
            (T, B, _), order, original_order = x.shape, None, None
            data, sizes = x.flatten(0, 1), torch.full((T,), B)
        if state is None:
            zeros = data.new_zeros(len(self.layers), int(sizes[0]), self.hidden_size)
            state = zeros, zeros
        h_0, c_0 = (_permute(part, order) for part in state)
        finals = []
        for depth, layer in enumerate(self.layers):
            if depth and self.training:
                data = self.dropout.features(data, sizes, self.dropout.inputs)
            first = held if depth == 0 else None
            if first is not None and order is not None:
                first = first[order]
            data, *final = self._layer(layer, data, sizes, h_0[depth], c_0[depth], first)
            finals.append(final)
        h_T, c_T = (_permute(torch.stack(part), original_order) for part in zip(*finals, strict=True))
        if isinstance(x, PackedSequence):
            return x._replace(data=data), (h_T, c_T)
        return data.unflatten(0, x.shape[:2]), (h_T, c_T)

    def _layer(
        self,
        layer: "Layer",
        x: Float[Tensor, "N E"],
        sizes: Int64[Tensor, "T"],
        h_0: Float[Tensor, "B H"],
        c_0: Float[Tensor, "B H"],
        held: Float[Tensor, "B P"] | None,
    ) -> tuple[Float[Tensor, "N H"], Float[Tensor, "B H"], Float[Tensor, "B H"]]:
        weight_ih: Tensor = layer.weight_ih
        weight_hh = nn.functional.dropout(layer.weight_hh, self.dropout.weights, self.training)
        if x.is_cuda and self.activation == "tanh":
            if held is not None:
                # cuDNN has one bias for all sequences, so the constant input is appended to every x
                x = torch.cat([x, held[sequence_of_rows(sizes)]], dim=1)
                weight_ih = torch.cat([weight_ih, layer.weight_ph], dim=1)
            return cudnn_layer(x, sizes, h_0, c_0, weight_ih, weight_hh, layer.bias, operands=self.operands)
        biases = layer.bias.expand(len(h_0), -1)
        if held is not None:
            biases = biases + held @ layer.weight_ph.T
        return _PackedLayer.apply(  # type: ignore[no-untyped-call]
            x, h_0, c_0, weight_ih, weight_hh, biases, sizes.tolist(), self.activation, self.operands
        )


class Layer(nn.Module):
    """The weights of one layer; `pingze.lstm.initializers` draws better initial values."""

    def __init__(self, input_size: int, hidden_size: int, held_size: int = 0) -> None:
        super().__init__()
        bound = hidden_size**-0.5
        self.weight_ih = nn.Parameter(torch.empty(4 * hidden_size, input_size).uniform_(-bound, bound))
        self.weight_hh = nn.Parameter(torch.empty(4 * hidden_size, hidden_size).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(4 * hidden_size))
        if held_size:
            self.weight_ph = nn.Parameter(torch.zeros(4 * hidden_size, held_size))


class _Steps:
    """Each step's slices of a packed batch: of its N rows, and of the B + N states, the B initial ones first."""

    def __init__(self, batch_sizes: list[int]) -> None:
        ends = list(itertools.accumulate(batch_sizes))
        self.rows = [slice(end - size, end) for end, size in zip(ends, batch_sizes, strict=True)]
        self.states = [slice(rows.start + batch_sizes[0], rows.stop + batch_sizes[0]) for rows in self.rows]
        starts = [0, *(states.start for states in self.states)]
        self.previous = [slice(start, start + size) for start, size in zip(starts, batch_sizes, strict=False)]
        self.last = [
            row
            for rows, continuing in reversed(list(zip(self.rows, [*batch_sizes[1:], 0], strict=True)))
            for row in range(rows.start + continuing, rows.stop)
        ]
        """The index of the last row of each sequence."""


class _PackedLayer(torch.autograd.Function):
    """One layer over packed sequences, which computes terms (1) to (15) of `formulas.step_backward` in another order.

    Products that do not depend on other steps are computed outside the loops over time. The product of the inputs comes
    before the forward loop. The weight gradients, one product for each weight, come after the backward loop.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Float[Tensor, "N E"],
        h_0: Float[Tensor, "B H"],
        c_0: Float[Tensor, "B H"],
        weight_ih: Float[Tensor, "G E"],
        weight_hh: Float[Tensor, "G H"],
        biases: Float[Tensor, "B G"],
        batch_sizes: list[int],
        activation: str,
        operands: torch.dtype | None,
    ) -> tuple[Float[Tensor, "N H"], Float[Tensor, "B H"], Float[Tensor, "B H"]]:
        operands = operands or x.dtype
        x_op, W_ih, W_hh = operand(x, operands), weight_ih.to(operands), weight_hh.to(operands)
        N, (B, H) = x.shape[0], h_0.shape
        steps, cell = _Steps(batch_sizes), cells.cell(activation, x.device, x.dtype)

        gates, h, phi_c = x.new_empty(N, 4 * H), x.new_empty(N, H), x.new_empty(N, H)
        h_states, c_states = x_op.new_empty(B + N, H), x.new_empty(B + N, H)
        h_states[:B], c_states[:B] = h_0, c_0
        x_net, times_W_hh = product(x_op, W_ih.T), products_with(W_hh.T, rows=B)
        v_x, v_biases, v_gates, v_c, v_phi_c, v_h, v_h_states = map(
            cell.view, (x_net, biases.contiguous(), gates, c_states, phi_c, h, h_states)
        )
        for rows, states, previous in zip(steps.rows, steps.states, steps.previous, strict=True):
            recurrent, bias = cell.view(times_W_hh(h_states[previous])), v_biases[: rows.stop - rows.start]
            outputs = v_c[states], v_phi_c[rows], v_h[rows], v_h_states[states]
            cell.forward(v_x[rows], recurrent, bias, v_c[previous], v_gates[rows], *outputs)
        ctx.save_for_backward(x_op, h_states, c_states, gates, phi_c, W_ih, W_hh)
        ctx.steps, ctx.cell = steps, cell
        return h, h[steps.last], c_states[B:][steps.last]

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, dh: Float[Tensor, "N H"], dh_T: Float[Tensor, "B H"], dc_T: Float[Tensor, "B H"]
    ) -> tuple[Tensor | None, ...]:
        x, h_states, c_states, gates, phi_c, W_ih, W_hh = ctx.saved_tensors
        steps, cell = ctx.steps, ctx.cell

        dnet = x.new_zeros(len(x), gates.shape[1])
        dh_next, dc_next = dh_T.clone(), dc_T.clone()
        dbiases = gates.new_zeros(len(dh_T), gates.shape[1])
        times_W_hh = products_with(W_hh, rows=len(dh_T))
        v_dh, v_dh_next, v_dc_next, v_gates, v_c, v_phi_c, v_dnet = map(
            cell.view, (dh.contiguous(), dh_next, dc_next, gates, c_states, phi_c, dnet)
        )
        for rows, previous in reversed(list(zip(steps.rows, steps.previous, strict=True))):
            running = slice(rows.stop - rows.start)
            gradients = v_dh[rows], v_dh_next[running], v_dc_next[running]
            cell.backward(*gradients, v_gates[rows], v_c[previous], v_phi_c[rows], v_dnet[rows])
            dh_next[running] = times_W_hh(dnet[rows])  # (12)
            dbiases[running] += dnet[rows]  # (15)
        h_prev = operand(torch.cat([h_states[previous] for previous in steps.previous]), x.dtype)
        return (
            product(dnet, W_ih)[: len(gates)].to(gates.dtype),  # (11)
            dh_next,
            dc_next,
            product(dnet.T, x).to(gates.dtype),  # (13)
            product(dnet.T, h_prev).to(gates.dtype),  # (14)
            dbiases,
            *[None] * 3,
        )


def cudnn_layer(
    x: Float[Tensor, "N E"],
    sizes: Int64[Tensor, "T"],
    h_0: Float[Tensor, "B H"],
    c_0: Float[Tensor, "B H"],
    weight_ih: Float[Tensor, "G E"],
    weight_hh: Float[Tensor, "G H"],
    bias: Float[Tensor, "G"],
    *,
    operands: torch.dtype | None,
) -> tuple[Float[Tensor, "N H"], Float[Tensor, "B H"], Float[Tensor, "B H"]]:
    """Compute one layer with `torch.nn.LSTM`, whose cuDNN kernels are the fastest on a GPU."""
    stock = nn.LSTM(weight_ih.shape[1], weight_hh.shape[1], device="meta", dtype=x.dtype)
    weights = {"weight_ih_l0": weight_ih, "weight_hh_l0": weight_hh}
    weights |= {"bias_ih_l0": bias, "bias_hh_l0": torch.zeros_like(bias)}
    lower = operands is not None and operands != x.dtype
    with torch.autocast(x.device.type, operands if lower else None, enabled=lower):
        state = (h_0[None], c_0[None])
        out, (h_T, c_T) = torch.func.functional_call(stock, weights, (PackedSequence(x, sizes), state))
    return out.data.to(x.dtype), h_T[0].to(x.dtype), c_T[0].to(x.dtype)


def _permute(state: Float[Tensor, "layers B H"], indices: Tensor | None) -> Float[Tensor, "layers B H"]:
    return state if indices is None else state[:, indices]
