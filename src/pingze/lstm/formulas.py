r"""Compute an LSTM and its hand-derived gradients in NumPy, in the report's notation.

This is the reference implementation: tests compare every faster implementation with this file.

One step computes, with :math:`z = [h_{t-1}, x_t]` and the cell's activation :math:`\phi` (tanh in
the report)::

    net_f = W_fh h_{t-1} + W_fx x_t + b_f      f_t = σ(net_f)        forget gate
    net_i = W_ih h_{t-1} + W_ix x_t + b_i      i_t = σ(net_i)        input gate
    net_c = W_ch h_{t-1} + W_cx x_t + b_c      c̃_t = φ(net_c)        candidate
    net_o = W_oh h_{t-1} + W_ox x_t + b_o      o_t = σ(net_o)        output gate

    c_t = f_t ⊙ c_{t-1} + i_t ⊙ c̃_t                                  cell
    h_t = o_t ⊙ φ(c_t)                                               hidden state

where, for batch size B, input size E, hidden size H and T steps:

- x_t is (B, E); h_t, c_t and the gates are (B, H);
- ``weight_ih`` (G, E), ``weight_hh`` (G, H) and ``bias`` (G) stack the gates i, f, c̃, o as in
    PyTorch, so that G = 4H;
- ``bias`` may also be (B, G), one row for each text, to include a constant input such as the title
  (`held_bias`);
- a forward function returns ``(out, cache)``; its backward takes ``(dout, cache)``; ``dx`` is the
  gradient of the loss with respect to ``x``.

Source: Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000; derivatives in
docs/lstm-derivation.md.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pingze.arrays import Array, Float

LEAK = 0.01  # slope of leaky_relu below zero


class Parameters(NamedTuple):
    """The weights of one LSTM layer, or their gradients.

    The gates are stacked in the order i, f, c̃, o.
    """

    weight_ih: Float[Array, "G E"]
    """W_x of all gates, (4H, E)."""
    weight_hh: Float[Array, "G H"]
    """W_h of all gates, (4H, H)."""
    bias: Float[Array, "*B G"]
    """b of all gates: (4H) if all texts share it, (B, 4H) if each text has a bias."""


class Gate(NamedTuple):
    """The weights and bias of one gate: net = W_h h_{t-1} + W_x x_t + b.

    The arrays are views of the stacked weights.
    """

    W_h: Float[Array, "H H"]
    """The weights that multiply h_{t-1}, (H, H)."""
    W_x: Float[Array, "H E"]
    """The weights that multiply x_t, (H, E)."""
    b: Float[Array, "H"]
    """Bias, (H)."""


class Gates(NamedTuple):
    """The values of the four gates, in the order i, f, c̃, o of the stacked weights."""

    i: Float[Array, "*rows H"]
    """Input gate, (B, H)."""
    f: Float[Array, "*rows H"]
    """Forget gate, (B, H)."""
    c_tilde: Float[Array, "*rows H"]
    """Candidate c̃, (B, H)."""
    o: Float[Array, "*rows H"]
    """Output gate, (B, H)."""


class Activation(NamedTuple):
    """An activation φ of the cell, with its derivative."""

    phi: Callable[[Array], Array]
    """φ, elementwise."""
    derivative: Callable[[Array], Array]
    """φ'(x) as a function of y = φ(x)."""


class StepCache(NamedTuple):
    """The values of a step that its backward pass needs."""

    x: Float[Array, "B E"]
    """x_t, (B, E)."""
    h_prev: Float[Array, "B H"]
    """h_{t-1}, (B, H)."""
    c_prev: Float[Array, "B H"]
    """c_{t-1}, (B, H)."""
    gates: Gates
    """The activated gates, (B, H) each."""
    phi_c: Float[Array, "B H"]
    """φ(c_t), (B, H)."""
    parameters: Parameters
    """The weights."""
    activation: str
    """The name of φ."""


ACTIVATIONS: dict[str, Activation] = {
    "tanh": Activation(phi=np.tanh, derivative=lambda y: 1 - y * y),
    "relu": Activation(
        phi=lambda x: np.maximum(x, 0),
        derivative=lambda y: (y > 0).astype(y.dtype),
    ),
    "leaky_relu": Activation(
        phi=lambda x: np.where(x > 0, x, LEAK * x),
        derivative=lambda y: np.where(y > 0, y.dtype.type(1), y.dtype.type(LEAK)),
    ),
}


def sigmoid(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Compute σ(x) = 1 / (1 + e^{-x}) as (1 + tanh(x/2)) / 2, which never overflows.

    Args:
        x: An array of any shape. The result has its type, or float64 if it holds integers.
    """
    y: Array = np.tanh(x * 0.5)
    y += 1
    y *= 0.5
    return y


def gate_weights(parameters: Parameters) -> dict[str, Gate]:
    """Return the weights and bias of each gate by its letter, i, f, c or o.

    The arrays are views of the stacked weights.

    Args:
        parameters: The stacked weights; all texts must share one bias, (4H).
    """
    weight_ih, weight_hh, bias = parameters
    H = weight_hh.shape[1]
    gates = {}
    for number, letter in enumerate("ifco"):  # the order of the stacked weights
        rows = slice(number * H, (number + 1) * H)
        gates[letter] = Gate(W_h=weight_hh[rows], W_x=weight_ih[rows], b=bias[rows])
    return gates


def cell_forward(
    net: Float[Array, "B G"], c_prev: Float[Array, "B H"], activation: str = "tanh"
) -> tuple[tuple[Float[Array, "B H"], Float[Array, "B H"]], tuple[Gates, Float[Array, "B H"]]]:
    """Compute the elementwise half of a step, from net to h_t.

    Return ((h_t, c_t), (gates, φ(c_t))), each array (B, H).

    Args:
        net: The gates before their activations, (B, 4H).
        c_prev: c_{t-1}, (B, H).
        activation: The name of φ: tanh, relu or leaky_relu.
    """
    phi = ACTIVATIONS[activation].phi
    net_i, net_f, net_c, net_o = np.split(net, 4, axis=-1)
    gates = Gates(i=sigmoid(net_i), f=sigmoid(net_f), c_tilde=phi(net_c), o=sigmoid(net_o))
    c = gates.f * c_prev + gates.i * gates.c_tilde
    phi_c = phi(c)
    h = gates.o * phi_c
    return (h, c), (gates, phi_c)


def step_forward(
    x: Float[Array, "B E"],
    h_prev: Float[Array, "B H"],
    c_prev: Float[Array, "B H"],
    parameters: Parameters,
    activation: str = "tanh",
) -> tuple[tuple[Float[Array, "B H"], Float[Array, "B H"]], StepCache]:
    """Compute one step and return ((h_t, c_t), cache), where h_t and c_t are (B, H).

    Args:
        x: x_t, (B, E).
        h_prev: h_{t-1}, (B, H).
        c_prev: c_{t-1}, (B, H).
        parameters: The layer's weights.
        activation: The name of φ: tanh, relu or leaky_relu.
    """
    net = x @ parameters.weight_ih.T + h_prev @ parameters.weight_hh.T + parameters.bias
    (h, c), (gates, phi_c) = cell_forward(net, c_prev, activation)
    cache = StepCache(
        x=x,
        h_prev=h_prev,
        c_prev=c_prev,
        gates=gates,
        phi_c=phi_c,
        parameters=parameters,
        activation=activation,
    )
    return (h, c), cache


def step_backward(
    dh: Float[Array, "B H"], dc: Float[Array, "B H"], cache: StepCache
) -> tuple[Float[Array, "B E"], Float[Array, "B H"], Float[Array, "B H"], Parameters]:
    """Compute ∂L/∂x_t (B, E), ∂L/∂h_{t-1} and ∂L/∂c_{t-1} (B, H), and the weights' gradients.

    The weights' gradients are summed over the batch.

    Args:
        dh: ∂L/∂h_t, (B, H).
        dc: The part of ∂L/∂c_t from later steps, (B, H). Line (2) of the code adds the part that
            comes through h_t.
        cache: The cache that `step_forward` returned.
    """
    x, h_prev, c_prev, (i, f, c_tilde, o), phi_c, parameters, activation = cache
    derivative = ACTIVATIONS[activation].derivative

    do = dh * phi_c  # (1)  h_t = o_t ⊙ φ(c_t)
    dc = dc + dh * o * derivative(phi_c)  # (2)  h_t also depends on c_t, through φ(c_t)
    df = dc * c_prev  # (3)  c_t = f_t ⊙ c_{t-1} + …
    di = dc * c_tilde  # (4)  c_t = … + i_t ⊙ c̃_t
    dc_tilde = dc * i  # (5)
    dc_prev = dc * f  # (6)

    dnet_i = di * i * (1 - i)  # (7)  σ' = σ (1 - σ)
    dnet_f = df * f * (1 - f)  # (8)
    dnet_c = dc_tilde * derivative(c_tilde)  # (9)
    dnet_o = do * o * (1 - o)  # (10)
    dnet = np.concatenate([dnet_i, dnet_f, dnet_c, dnet_o], axis=1)

    dx = dnet @ parameters.weight_ih  # (11)  net = W_x x_t + W_h h_{t-1} + b, all gates at once
    dh_prev = dnet @ parameters.weight_hh  # (12)
    dweight_ih = dnet.T @ x  # (13)
    dweight_hh = dnet.T @ h_prev  # (14)
    # (15)  A bias that all texts share has the sum of their gradients.
    dbias = dnet if parameters.bias.ndim == 2 else dnet.sum(axis=0)
    dparameters = Parameters(weight_ih=dweight_ih, weight_hh=dweight_hh, bias=dbias)
    return dx, dh_prev, dc_prev, dparameters


def held_bias(
    p: Float[Array, "B P"], weight_ph: Float[Array, "G P"], bias: Float[Array, "G"]
) -> Float[Array, "B G"]:
    """Compute W_p p + b, (B, 4H), the bias for texts that read a constant p at every step.

    Args:
        p: The constant input of each text, (B, P).
        weight_ph: W_p of all gates, (4H, P).
        bias: b of all gates, (4H).
    """
    return p @ weight_ph.T + bias


def sequence_forward(
    x: Float[Array, "T B E"],
    h_0: Float[Array, "B H"],
    c_0: Float[Array, "B H"],
    parameters: Parameters,
    activation: str = "tanh",
) -> tuple[tuple[Float[Array, "T B H"], Float[Array, "B H"], Float[Array, "B H"]], list[StepCache]]:
    """Compute T steps and return ((hidden states (T, B, H), h_T, c_T), caches of the steps).

    Args:
        x: The inputs, (T, B, E).
        h_0: The initial hidden state, (B, H).
        c_0: The initial cell state, (B, H).
        parameters: The layer's weights.
        activation: The name of φ: tanh, relu or leaky_relu.
    """
    h = h_0
    c = c_0
    hs = []
    caches = []
    for x_t in x:
        (h, c), cache = step_forward(x_t, h, c, parameters, activation)
        hs.append(h)
        caches.append(cache)
    return (np.stack(hs), h, c), caches


def sequence_backward(
    dhs: Float[Array, "T B H"],
    dh_T: Float[Array, "B H"],
    dc_T: Float[Array, "B H"],
    caches: list[StepCache],
) -> tuple[Float[Array, "T B E"], Float[Array, "B H"], Float[Array, "B H"], Parameters]:
    """Backpropagate through time; return ∂L/∂x, ∂L/∂h_0, ∂L/∂c_0 and the weights' gradients.

    Each h_t is read by the output and by the next step, so its gradient is the sum of two: one from
    the output and one from the next step. The weights' gradients are summed over time.

    Args:
        dhs: The gradient that reaches each h_t from the output, (T, B, H).
        dh_T: The gradient that reaches h_T in addition to `dhs`, (B, H).
        dc_T: The gradient that reaches c_T, (B, H).
        caches: The caches that `sequence_forward` returned.
    """
    # The sums of the weights' gradients begin with those of the last step.
    dx, dh, dc, summed = step_backward(dh_T + dhs[-1], dc_T, caches[-1])
    dxs = [dx]
    earlier_steps = zip(reversed(dhs[:-1]), reversed(caches[:-1]), strict=True)
    for dh_out, cache in earlier_steps:
        dx, dh, dc, dparameters = step_backward(dh + dh_out, dc, cache)
        dxs.append(dx)
        for total, gradient in zip(summed, dparameters, strict=True):
            total += gradient  # in place, so `summed` changes
    dxs.reverse()  # the earliest step first
    return np.stack(dxs), dh, dc, summed
