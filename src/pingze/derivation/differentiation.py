"""Run LSTM layers, and differentiate their steps with PyTorch.

The weights are random, freshly initialised or trained. No derivative is worked out by hand. A
layer's run is a list of step caches, the earliest first. The report's symbols, such as x, h_prev
and net_f, are called letters here.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pingze.arrays import Array, Float
from pingze.errors import InputError
from pingze.lstm.formulas import Parameters, StepCache, gate_weights, sequence_forward
from pingze.lstm.initializers import initialize
from pingze.network import checkpoint
from pingze.network.reference import layer_parameters
from pingze.network.vocabulary import BOS

VERSE = (
    "春風前日霽雲斷，萬里晴雲和氣深。此夜風波誰悵望，"
    "空中惟有叫中開。不能有餌成身否，只這須臾處不休。"
)
"""Six lines by the shipped model: 48 characters, including punctuation marks."""


def random_layer(
    input_size: int, hidden_size: int, steps: int, rng: np.random.Generator
) -> list[StepCache]:
    """Run a layer. Its inputs and initial state are N(0, 1).

    Its weights are N(0, ½²), small enough that the gates do not saturate.
    """
    parameters = Parameters(
        weight_ih=rng.normal(0, 0.5, (4 * hidden_size, input_size)),
        weight_hh=rng.normal(0, 0.5, (4 * hidden_size, hidden_size)),
        bias=rng.normal(0, 0.5, 4 * hidden_size),
    )
    start = rng.standard_normal((2, 1, hidden_size))  # h and c, for a batch of one
    x = rng.standard_normal((steps, 1, input_size))
    return run_layer(parameters, x, start)


def trained_layer(model: str | Path, steps: int, verse: str = VERSE) -> list[StepCache]:
    """Run the first layer of a checkpoint over `<bos>` and the beginning of a verse.

    The layer runs `steps` steps, but at most one more than the verse has characters. Raises
    InputError if the model's activation is not tanh, the report's activation.
    """
    loaded = checkpoint.load(model)
    activation = loaded.configuration.activation
    if activation != "tanh":
        raise InputError("report_activation", model=loaded.name, has=activation)
    ids = np.concatenate([[BOS], loaded.vocabulary.encode(verse)])[:steps]
    # In float64, rounding errors are far smaller than the errors of a wrong line.
    tensors = {name: tensor.astype(np.float64) for name, tensor in loaded.tensors.items()}
    embeddings = tensors["embedding.weight"][ids]  # (T, E)
    x = embeddings[:, None]  # (T, 1, E), a batch of one verse
    return run_layer(layer_parameters(tensors, depth=0), x)


def untrained_layer(
    initialization: str, like: Sequence[StepCache], rng: np.random.Generator
) -> list[StepCache]:
    """Initialise a layer, and run it with the sizes and the inputs of another run, `like`."""
    E = like[0].x.shape[1]
    H = like[0].h_prev.shape[1]
    weights = initialize(initialization, E, H, rng)
    parameters = Parameters(*[array.astype(np.float64) for array in weights])
    x = np.stack([cache.x for cache in like])  # (T, 1, E)
    return run_layer(parameters, x)


def run_layer(
    parameters: Parameters, x: Float[Array, "T 1 E"], start: Float[Array, "2 1 H"] | None = None
) -> list[StepCache]:
    """Run a layer over the inputs x. The initial h and c are `start`, or zeros by default."""
    if start is None:
        start = np.zeros((2, 1, parameters.weight_hh.shape[1]))
    h_0, c_0 = start
    _, caches = sequence_forward(x, h_0, c_0, parameters, activation="tanh")
    return caches


def letters(
    cache: StepCache, units: Any = slice(None), inputs: Any = slice(None)
) -> dict[str, Array]:
    """Return a step's x, h_prev and c_prev, and each gate's W and b, by letter (W_f).

    W acts on [h_prev, x]. `units` and `inputs` index the hidden units and the entries of x to keep
    (default all). What the omitted units and entries contribute to a gate is added to its b as a
    constant, so that the kept units have the same values as in the whole layer. Every entry of the
    reduced step's Jacobians is thus also an entry of the whole layer's Jacobians.
    """
    x = cache.x[0]  # the only row of the batch
    h_prev = cache.h_prev[0]
    kept = {"x": x[inputs], "h_prev": h_prev[units], "c_prev": cache.c_prev[0, units]}
    z = np.concatenate([kept["h_prev"], kept["x"]])
    for g, gate in gate_weights(cache.parameters).items():
        # The rows of W_h and W_x belong to the gate's units, the columns to what they multiply.
        W_h = gate.W_h[units]
        W_x = gate.W_x[units]
        W = np.concatenate([W_h[:, units], W_x[:, inputs]], axis=1)
        omitted = W_h @ h_prev + W_x @ x - W @ z
        kept[f"W_{g}"] = W
        kept[f"b_{g}"] = gate.b[units] + omitted
    return kept


def step(given: Mapping[str, Any], xp: Any) -> dict[str, Any]:
    """Return all values of the report's forward pass by letter, those in `given` and all others.

    The report's misprints are corrected. An intermediate value, such as net_f or c, may also be
    given, so that later values can be differentiated with respect to this value. `xp` is numpy or
    torch.
    """
    v = dict(given)
    # A tensor of PyTorch stays as it is, because the caller differentiates with respect to it.
    for letter, value in given.items():
        if isinstance(value, np.ndarray):
            v[letter] = xp.asarray(value)
    # `setdefault` keeps a value that is given, and discards the value computed in its place.
    v.setdefault("z", xp.concatenate([v["h_prev"], v["x"]]))
    for g in "fico":
        v.setdefault(f"net_{g}", v[f"W_{g}"] @ v["z"] + v[f"b_{g}"])
    for g in "fio":
        v.setdefault(g, 1 / (1 + xp.exp(-v[f"net_{g}"])))
    v.setdefault("c_tilde", xp.tanh(v["net_c"]))
    v.setdefault("c", v["f"] * v["c_prev"] + v["i"] * v["c_tilde"])
    v.setdefault("h", v["o"] * xp.tanh(v["c"]))
    return v


def last_step(
    steps: Sequence[Mapping[str, Array]], changed: Mapping[str, Any], xp: Any
) -> dict[str, Any]:
    """Run steps (see `letters`), and return the values of the last step.

    `changed` replaces values of the first step. Each later step begins with the h and c that the
    step before it computed.
    """
    v = step({**steps[0], **changed}, xp)
    for given in steps[1:]:
        v = step({**given, "h_prev": v["h"], "c_prev": v["c"]}, xp)
    return v


def state_derivative(caches: Sequence[StepCache], places: Array) -> Array:
    """Compute rows of ∂[h_t, c_t]/∂[h_k, c_k] with PyTorch, (n, 2H).

    `caches` holds the steps k+1 … t, and `places` the indices of the n rows.
    """
    steps = [letters(cache) for cache in caches]
    first = caches[0]
    start = np.concatenate([first.h_prev[0], first.c_prev[0]])  # [h_k, c_k]
    H = len(start) // 2

    def entries_of_last_state(state: Any) -> Any:
        v = last_step(steps, {"h_prev": state[:H], "c_prev": state[H:]}, torch)
        last_state = torch.concatenate([v["h"], v["c"]])
        return last_state[places]

    return automatic_jacobian(entries_of_last_state, start)


def automatic_jacobian(function: Callable[[Any], Any], start: Array) -> Array:
    """Compute the Jacobian of a PyTorch function at `start` by automatic differentiation."""
    return torch.autograd.functional.jacobian(function, torch.from_numpy(start)).numpy()


def relative_error(actual: Array, reference: Array, whole: Array | None = None) -> float:
    """Return the norm of two Jacobians' difference, divided by the norm of the reference.

    If the reference is zero and `whole` is given, the divisor is the norm of `whole` instead. If
    `actual` has one axis fewer than the reference, `actual` is read as a diagonal: its entry [k, …]
    becomes the entry [k, k, …] of an array that is 0 elsewhere. A vector v becomes diag[v]. If the
    shapes still differ, the error is infinite.
    """
    lacks_axis = actual.ndim == reference.ndim - 1
    # A number has no axis to read as a diagonal.
    if lacks_axis and actual.ndim > 0:
        actual = np.einsum("kl,k...->kl...", np.eye(len(actual)), actual)
    if actual.shape != reference.shape:
        return np.inf
    divisor = reference
    if whole is not None and not reference.any():
        divisor = whole
    return float(np.linalg.norm(actual - reference) / np.linalg.norm(divisor))
