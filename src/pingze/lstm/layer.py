"""The LSTM as a PyTorch layer whose gradients are those of `formulas.py`, written for speed.

It takes the place of `torch.nn.LSTM`. Inside, everything is packed: row blocks of the tokens of step 1, step 2, …,
longest sequence first (`torch.nn.utils.rnn.PackedSequence`), so that short sequences need no padding.
docs/lstm-derivation.md, "The efficient form", derives the order of the products below.
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
    """Layers of LSTM cells, one above the other, called as `torch.nn.LSTM` is.

    Weights have PyTorch's layout, with one bias where PyTorch adds two; the names of layer 0's are `0.weight_ih`
    (4H, E), `0.weight_hh` (4H, H), `0.bias` (4H) and, with a `held_size`, `0.weight_ph` (4H, P).

    Args:
        input_size: E, the length of an input vector.
        hidden_size: H, the units of each layer.
        num_layers: How many layers, from 1.
        activation: Of the cell: tanh, relu or leaky_relu.
        dropout: What is dropped in training, here between layers and of the recurrent weights.
        operands: The type in which matrix products read their operands, by default that of the weights. bfloat16
            beside float32 weights and cell state is the fast way to train on processors that have it.
        held_size: P, the length of a vector held beside every input of a sequence; 0 for none.

    Raises ValueError on an unknown activation. Equations: `pingze.lstm.formulas`.
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
        sizes = [input_size] + [hidden_size] * (num_layers - 1)
        super().__init__()
        self.layers = tuple(Layer(size, hidden_size, 0 if n else held_size) for n, size in enumerate(sizes))
        for depth, layer in enumerate(self.layers):
            self.add_module(str(depth), layer)
        self.hidden_size = hidden_size
        self.activation = activation
        self.dropout = dropout
        self.operands = operands

    def forward(
        self,
        x: Float[Tensor, "T B E"] | PackedSequence,
        state: State | None = None,
        held: Float[Tensor, "B P"] | None = None,
    ) -> tuple[Float[Tensor, "T B H"] | PackedSequence, State]:
        """The top layer's hidden states, as x is given, and every layer's (h_T, c_T).

        Args:
            x: Inputs, (T, B, E) or packed.
            state: (h_0, c_0), each (layers, B, H); zeros by default.
            held: What is held beside every input of its sequence, (B, P); nothing by default
                (`formulas.held_forward`).
        """
        packed = x if isinstance(x, PackedSequence) else _pack_full(x)
        h_0, c_0 = (
            self._initial(packed) if state is None else (_permute(s, packed.sorted_indices) for s in state)
        )
        if held is not None and packed.sorted_indices is not None:
            held = held[packed.sorted_indices]
        data, finals = packed.data, []
        for depth, layer in enumerate(self.layers):
            if depth and self.training:
                data = self.dropout.features(data, packed.batch_sizes, self.dropout.inputs)
            data, h_T, c_T = self._layer(
                layer, data, packed.batch_sizes, h_0[depth], c_0[depth], None if depth else held
            )
            finals.append((h_T, c_T))
        h_T, c_T = (_permute(torch.stack(s), packed.unsorted_indices) for s in zip(*finals, strict=True))
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
        """One layer's h, h_T and c_T, on the device's best path."""
        weight_ih: Tensor = layer.weight_ih
        weight_hh = nn.functional.dropout(layer.weight_hh, self.dropout.weights, self.training)
        if x.is_cuda and self.activation == "tanh":
            if held is not None:  # cuDNN knows one bias for all texts: there p is a part of every input
                x = torch.cat([x, held[sequence_of_rows(sizes)]], dim=1)
                weight_ih = torch.cat([weight_ih, layer.weight_ph], dim=1)
            return cudnn_layer(x, sizes, h_0, c_0, weight_ih, weight_hh, layer.bias, operands=self.operands)
        biases = layer.bias.expand(len(h_0), -1)
        if held is not None:
            biases = biases + held @ layer.weight_ph.T
        return _PackedLayer.apply(  # type: ignore[no-any-return, no-untyped-call]
            x, h_0, c_0, weight_ih, weight_hh, biases, sizes.tolist(), self.activation, self.operands
        )

    def _initial(self, packed: PackedSequence) -> State:
        zeros = packed.data.new_zeros(len(self.layers), int(packed.batch_sizes[0]), self.hidden_size)
        return zeros, zeros


class Layer(nn.Module):
    """The weights of one layer, of which `pingze.lstm.initialization` knows good first values."""

    def __init__(self, input_size: int, hidden_size: int, held_size: int = 0) -> None:
        super().__init__()
        bound = hidden_size**-0.5
        self.weight_ih = nn.Parameter(torch.empty(4 * hidden_size, input_size).uniform_(-bound, bound))
        self.weight_hh = nn.Parameter(torch.empty(4 * hidden_size, hidden_size).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(4 * hidden_size))
        if held_size:
            self.weight_ph = nn.Parameter(torch.zeros(4 * hidden_size, held_size))


class _Steps:
    """Where the steps of a packed batch lie: among the N rows, and among states, which have those of step 0 before."""

    def __init__(self, batch_sizes: list[int]) -> None:
        B = batch_sizes[0]
        ends = list(itertools.accumulate(batch_sizes))
        self.rows = [slice(end - size, end) for end, size in zip(ends, batch_sizes, strict=True)]
        self.states = [slice(rows.start + B, rows.stop + B) for rows in self.rows]
        starts = [0, *(states.start for states in self.states)]
        self.previous = [slice(start, start + size) for start, size in zip(starts, batch_sizes, strict=False)]
        running_on = [*batch_sizes[1:], 0]
        self.last = [
            row
            for rows, staying in reversed(list(zip(self.rows, running_on, strict=True)))
            for row in range(rows.start + staying, rows.stop)
        ]
        """Each sequence's last row."""


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
            recurrent = cell.view(times_W_hh(h_states[previous]))
            cell.forward(
                v_x[rows],
                recurrent,
                v_biases[: rows.stop - rows.start],
                v_c[previous],
                v_gates[rows],
                v_c[states],
                v_phi_c[rows],
                v_h[rows],
                v_h_states[states],
            )
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
            cell.backward(
                v_dh[rows],
                v_dh_next[running],
                v_dc_next[running],
                v_gates[rows],
                v_c[previous],
                v_phi_c[rows],
                v_dnet[rows],
            )
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
            None,
            None,
            None,
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
    """The same through `torch.nn.LSTM`, which is cuDNN's kernels on a GPU: no others are as fast there."""
    stock = nn.LSTM(weight_ih.shape[1], weight_hh.shape[1], device="meta", dtype=x.dtype)
    weights = {"weight_ih_l0": weight_ih, "weight_hh_l0": weight_hh}
    weights |= {"bias_ih_l0": bias, "bias_hh_l0": torch.zeros_like(bias)}
    lower = operands is not None and operands != x.dtype
    with torch.autocast(x.device.type, operands if lower else None, enabled=lower):
        state = (h_0[None], c_0[None])
        out, (h_T, c_T) = torch.func.functional_call(stock, weights, (PackedSequence(x, sizes), state))
    return out.data.to(x.dtype), h_T[0].to(x.dtype), c_T[0].to(x.dtype)


def _pack_full(x: Float[Tensor, "T B E"]) -> PackedSequence:
    T, B, _ = x.shape
    return PackedSequence(x.flatten(0, 1), torch.full((T,), B))


def _permute(state: Float[Tensor, "layers B H"], indices: Tensor | None) -> Float[Tensor, "layers B H"]:
    return state if indices is None else state[:, indices]
