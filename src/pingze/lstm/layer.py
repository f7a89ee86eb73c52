"""Train an LSTM in PyTorch. The gradients of `formulas.py` are computed in an order that is faster.

Sequences are sorted by length, longest first, and packed as all tokens of step 1, then all of step
2, … (the data of `torch.nn.utils.rnn.PackedSequence`), so that short sequences need no padding. The
order of the matrix products is derived in docs/lstm-derivation.md, "The efficient form".

The elementwise half of a step, after the matrix products, is compiled for the usual case in
training: tanh in float32 on a CPU. Other activations, types and devices use PyTorch's operations,
which are differentiated automatically.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.utils.rnn import PackedSequence

from pingze.lstm import kernels
from pingze.lstm.dropout import Dropout, sequence_of_rows
from pingze.lstm.formulas import ACTIVATIONS
from pingze.lstm.matmul import operand, product, products_with

__all__ = ["LSTM"]

State = tuple[Float[Tensor, "layers B H"], Float[Tensor, "layers B H"]]


class LSTM(nn.Module):
    """A stack of LSTM layers over packed sequences, like `torch.nn.LSTM` over a `PackedSequence`.

    Weights have PyTorch's layout, but with one bias instead of two. The weights of layer 0 are
    `0.weight_ih` (4H, E), `0.weight_hh` (4H, H), `0.bias` (4H) and, if there is a constant input,
    `0.weight_ph` (4H, P).

    Args:
        input_size: E, the length of an input vector.
        hidden_size: H, the number of units in each layer.
        num_layers: Number of layers, at least 1.
        activation: Activation of the cell: tanh, relu or leaky_relu.
        dropout: Dropout in training; the LSTM applies it between layers and to the recurrent
            weights.
        operands: The type to which operands of matrix products are converted; by default the type
            of the weights. Training is fast in bfloat16 on processors that support it; weights and
            cell state remain in float32.
        held_size: P, the length of each sequence's constant input (`formulas.held_bias`), which the
            first layer reads; 0 if there is none.

    Raises ValueError if the activation is unknown. For the equations, see `pingze.lstm.formulas`.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        activation: str = "tanh",
        dropout: Dropout = Dropout(),
        operands: torch.dtype | None = None,
        held_size: int = 0,
    ) -> None:
        if activation not in ACTIVATIONS:
            raise ValueError(
                f"activation {activation!r} is unknown; choose one of {', '.join(ACTIVATIONS)}"
            )
        super().__init__()
        self.hidden_size = hidden_size
        self.activation = activation
        self.dropout = dropout
        self.operands = operands
        # Each layer is a child module whose name is the layer's number, so that the weights have the
        # names in the class docstring. Only the first layer reads the constant input.
        self.add_module("0", Layer(input_size, hidden_size, held_size))
        for depth in range(1, num_layers):
            self.add_module(str(depth), Layer(hidden_size, hidden_size))

    @property
    def layers(self) -> tuple["Layer", ...]:
        """The layers, the lowest first.

        They are looked up at each access, because a caller may replace a child module.
        """
        return tuple(cast(Iterator[Layer], self.children()))

    def forward(
        self,
        x: Float[Tensor, "N E"],
        sizes: Int64[Tensor, "T"],
        state: State | None = None,
        held: Float[Tensor, "B P"] | None = None,
    ) -> tuple[Float[Tensor, "N H"], State]:
        """Compute the top layer's hidden states (N, H) and all layers' final (h_T, c_T).

        h_T and c_T are (layers, B, H).

        Args:
            x: The inputs of packed sequences, (N, E).
            sizes: The number of sequences still running at each step, (T).
            state: The initial (h_0, c_0), each (layers, B, H); zeros by default.
            held: The constant input of each sequence, (B, P); none by default.
        """
        layers = self.layers
        if state is None:
            B = int(sizes[0])  # all sequences run at the first step
            zeros = x.new_zeros(len(layers), B, self.hidden_size)
            state = (zeros, zeros)
        h_finals = []
        c_finals = []
        for depth, layer in enumerate(layers):
            # 1) Apply dropout to this layer's inputs and recurrent weights. The caller has already
            # applied it to the inputs of layer 0.
            h_0 = state[0][depth]
            c_0 = state[1][depth]
            if depth > 0 and self.training:
                x = self.dropout.features(x, sizes, self.dropout.inputs)
            weight_ih: Tensor = layer.weight_ih
            weight_hh = nn.functional.dropout(layer.weight_hh, self.dropout.weights, self.training)
            # 2) Run the layer with cuDNN, which has no activation other than tanh, or with our own
            # kernels. Layer 0 also reads the constant input.
            if x.is_cuda and self.activation == "tanh":
                if held is not None and depth == 0:
                    # cuDNN has one bias for all sequences, so the constant input is appended to
                    # every x.
                    held_of_rows = held[sequence_of_rows(sizes)]  # (N, P)
                    x = torch.cat([x, held_of_rows], dim=1)
                    weight_ih = torch.cat([weight_ih, layer.weight_ph], dim=1)
                x, h_T, c_T = cudnn_layer(
                    x, sizes, h_0, c_0, weight_ih, weight_hh, layer.bias, operands=self.operands
                )
            else:
                biases = layer.bias.expand(len(h_0), -1)  # a row for each sequence, (B, 4H)
                if held is not None and depth == 0:
                    biases = biases + held @ layer.weight_ph.T
                x, h_T, c_T = _PackedLayer.apply(  # type: ignore[no-untyped-call]
                    x, h_0, c_0, weight_ih, weight_hh, biases, sizes, self.activation, self.operands
                )
            h_finals.append(h_T)
            c_finals.append(c_T)
        return x, (torch.stack(h_finals), torch.stack(c_finals))


class Layer(nn.Module):
    """The weights of one layer, initially uniform within ±1/√H.

    `pingze.lstm.initializers` draws better values.
    """

    def __init__(self, input_size: int, hidden_size: int, held_size: int = 0) -> None:
        super().__init__()
        gates = 4 * hidden_size
        bound = hidden_size**-0.5
        self.weight_ih = nn.Parameter(torch.empty(gates, input_size).uniform_(-bound, bound))
        self.weight_hh = nn.Parameter(torch.empty(gates, hidden_size).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(gates))
        if held_size:
            self.weight_ph = nn.Parameter(torch.zeros(gates, held_size))


class _PackedLayer(torch.autograd.Function):
    """One layer over packed sequences.

    Terms (1) to (15) of `formulas.step_backward` are computed in another order.

    Products that do not depend on other steps are computed for all steps at once: W_x x_t before
    the forward loop over time, and the gradients of the weights and of x after the backward loop.
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
        sizes: Int64[Tensor, "T"],
        activation: str,
        operands: torch.dtype | None,
    ) -> tuple[Float[Tensor, "N H"], Float[Tensor, "B H"], Float[Tensor, "B H"]]:
        if operands is None:
            operands = x.dtype
        x_op = operand(x, operands)
        W_ih = weight_ih.to(operands)
        W_hh = weight_hh.to(operands)
        N = x.shape[0]
        B, H = h_0.shape
        cell = fastest_cell(activation, x.device, x.dtype)
        # 1) Find the rows of each step among the N tokens, and the rows of the states that the step
        # begins with. There are B + N states: first the B initial ones, then the state after each
        # token, so that the state after token n is row B + n.
        token_rows = []
        previous_rows = []
        start = 0
        previous_start = 0
        for running in sizes.tolist():  # the number of sequences that run at this step
            token_rows.append(slice(start, start + running))
            # Sequences are sorted by length, so those still running are the first of the step before.
            previous_rows.append(slice(previous_start, previous_start + running))
            previous_start = B + start
            start += running
        # 2) Allocate the arrays that the steps fill in, and multiply all inputs by W_ih.
        gates = x.new_empty(N, 4 * H)
        h = x.new_empty(N, H)
        phi_c = x.new_empty(N, H)
        h_states = x_op.new_empty(B + N, H)
        c_states = x.new_empty(B + N, H)
        h_states[:B] = h_0
        c_states[:B] = c_0
        c = c_states[B:]
        times_W_hh = products_with(W_hh.T, rows=B)
        # A name that begins with v_ is a view of a tensor in the type that the cell reads. All views
        # are made here because making a view at every step would take time.
        v_x = cell.view(product(x_op, W_ih.T))
        v_biases = cell.view(biases.contiguous())
        v_gates = cell.view(gates)
        v_c_states = cell.view(c_states)
        v_c = cell.view(c)
        v_phi_c = cell.view(phi_c)
        v_h = cell.view(h)
        v_h_operand = cell.view(h_states[B:])
        # 3) Compute the steps one by one.
        for tokens, previous in zip(token_rows, previous_rows, strict=True):
            recurrent = times_W_hh(h_states[previous])
            cell.forward(
                v_x[tokens],
                cell.view(recurrent),
                v_biases[: tokens.stop - tokens.start],
                v_c_states[previous],
                v_gates[tokens],
                v_c[tokens],
                v_phi_c[tokens],
                v_h[tokens],
                v_h_operand[tokens],
            )
        ctx.save_for_backward(x_op, h_states, c_states, gates, phi_c, W_ih, W_hh)
        ctx.token_rows = token_rows
        ctx.previous_rows = previous_rows
        ctx.cell = cell
        # 4) Find the state after each sequence's last token. The sequences that run at a step are the
        # first ones, so sequence b runs at every step that has more than b sequences.
        sequences = torch.arange(B)
        is_running = sizes[:, None] > sequences  # (T, B)
        lengths = is_running.sum(dim=0)
        step_starts = sizes.cumsum(dim=0) - sizes  # each step's first row
        last_tokens = step_starts[lengths - 1] + sequences
        return h, h[last_tokens], c[last_tokens]

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, dh: Float[Tensor, "N H"], dh_T: Float[Tensor, "B H"], dc_T: Float[Tensor, "B H"]
    ) -> tuple[Tensor | None, ...]:
        x, h_states, c_states, gates, phi_c, W_ih, W_hh = ctx.saved_tensors
        cell = ctx.cell
        # 1) Allocate the arrays that the steps fill in. `operand` appended rows of zeros to the N rows
        # of x. `dnet` has the same rows, so that step 3 can multiply it by x.
        dnet = x.new_zeros(len(x), gates.shape[1])
        dh_next = dh_T.clone()
        dc_next = dc_T.clone()
        dbiases = gates.new_zeros(len(dh_T), gates.shape[1])
        times_W_hh = products_with(W_hh, rows=len(dh_T))
        v_dh = cell.view(dh.contiguous())
        v_dh_next = cell.view(dh_next)
        v_dc_next = cell.view(dc_next)
        v_gates = cell.view(gates)
        v_c_states = cell.view(c_states)
        v_phi_c = cell.view(phi_c)
        v_dnet = cell.view(dnet)
        # 2) Go back through the steps, which gives the terms (1) to (10), (12) and (15).
        steps = zip(reversed(ctx.token_rows), reversed(ctx.previous_rows), strict=True)
        for tokens, previous in steps:
            running = slice(tokens.stop - tokens.start)  # the sequences that run at this step
            cell.backward(
                v_dh[tokens],
                v_dh_next[running],
                v_dc_next[running],
                v_gates[tokens],
                v_c_states[previous],
                v_phi_c[tokens],
                v_dnet[tokens],
            )
            dh_next[running] = times_W_hh(dnet[tokens])  # (12)
            dbiases[running] += dnet[tokens]  # (15)
        # 3) Compute the products over all steps at once. The padding rows of `dnet` are zeros: they
        # add nothing to the weights' gradients, and are cut off dx.
        h_prev_of_steps = [h_states[previous] for previous in ctx.previous_rows]
        h_prev = operand(torch.cat(h_prev_of_steps), x.dtype)
        dx = product(dnet, W_ih)[: len(gates)].to(gates.dtype)  # (11)
        dweight_ih = product(dnet.T, x).to(gates.dtype)  # (13)
        dweight_hh = product(dnet.T, h_prev).to(gates.dtype)  # (14)
        # `sizes`, `activation` and `operands` have no gradients.
        return dx, dh_next, dc_next, dweight_ih, dweight_hh, dbiases, None, None, None


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
    # The module is on the device "meta", where weights take no memory: it is called with ours.
    stock = nn.LSTM(weight_ih.shape[1], weight_hh.shape[1], device="meta", dtype=x.dtype)
    weights = {
        "weight_ih_l0": weight_ih,
        "weight_hh_l0": weight_hh,
        "bias_ih_l0": bias,
        "bias_hh_l0": torch.zeros_like(bias),
    }
    initial_state = (h_0[None], c_0[None])  # (1, B, H) each, for one layer
    inputs = (PackedSequence(x, sizes), initial_state)
    # Autocast converts the operands of products if their type is not that of the weights. Its
    # results have the lower type, and are converted back.
    converts = operands is not None and operands != x.dtype
    operand_dtype = operands if converts else None
    with torch.autocast(x.device.type, operand_dtype, enabled=converts):
        out, (h_T, c_T) = torch.func.functional_call(stock, weights, inputs)
    return out.data.to(x.dtype), h_T[0].to(x.dtype), c_T[0].to(x.dtype)


@dataclass(frozen=True)
class Cell:
    """The forward and backward pass of the elementwise half of a step.

    `forward` and `backward` take the arguments of `kernels.cell_forward` and
    `kernels.cell_backward`. `view` converts a tensor to the type of these arguments. `forward`
    stores in `gates` what `backward` needs: the activated gates if the cell is compiled, otherwise
    the gates before their activation.
    """

    view: Callable[[Tensor], Any]
    forward: Callable[..., None]
    backward: Callable[..., None]


def fastest_cell(activation: str, device: torch.device, dtype: torch.dtype) -> Cell:
    """Return the fastest `Cell` for an activation, a device and a floating-point type."""
    if activation == "tanh" and device.type == "cpu" and dtype == torch.float32:
        return Cell(
            view=kernels.array, forward=kernels.cell_forward, backward=kernels.cell_backward
        )
    # Otherwise, compute with PyTorch's operations, and let PyTorch differentiate them. Its default
    # slope of leaky_relu is `formulas.LEAK`.
    phi = getattr(nn.functional, activation)

    def equations(
        net: Float[Tensor, "B G"], c_prev: Float[Tensor, "B H"]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Compute h, c and φ(c), (B, H) each."""
        net_i, net_f, net_c, net_o = net.chunk(4, dim=1)
        c = net_f.sigmoid() * c_prev + net_i.sigmoid() * phi(net_c)
        phi_c = phi(c)
        return net_o.sigmoid() * phi_c, c, phi_c

    def forward(
        x: Tensor,
        recurrent: Tensor,
        bias: Tensor,
        c_prev: Tensor,
        gates: Tensor,
        c: Tensor,
        phi_c: Tensor,
        h: Tensor,
        h_operand: Tensor,
    ) -> None:
        gates.copy_(x).add_(recurrent).add_(bias)
        h_value, c_value, phi_c_value = equations(gates, c_prev)
        c.copy_(c_value)
        phi_c.copy_(phi_c_value)
        h.copy_(h_value)
        h_operand.copy_(h_value)

    def backward(
        dh: Tensor,
        dh_next: Tensor,
        dc_next: Tensor,
        gates: Tensor,
        c_prev: Tensor,
        _: Tensor,
        dnet: Tensor,
    ) -> None:
        # PyTorch switches differentiation off during a backward pass, so it is switched on again to
        # repeat the step's equations and differentiate them.
        with torch.enable_grad():
            net = gates.detach().requires_grad_()
            c_prev = c_prev.detach().requires_grad_()
            h, c, _ = equations(net, c_prev)
        gradients = (dh + dh_next, dc_next)
        net_gradient, dc_prev = torch.autograd.grad((h, c), (net, c_prev), gradients)
        dnet.copy_(net_gradient)
        dc_next.copy_(dc_prev)  # for the step before, whose `dc_next` this is

    return Cell(view=lambda tensor: tensor, forward=forward, backward=backward)
