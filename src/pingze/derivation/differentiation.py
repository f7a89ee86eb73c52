"""Run LSTM layers, and differentiate their steps with PyTorch and with central differences.

The weights are random, freshly initialized or trained. No derivative is worked out by hand. A
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
from pingze.network.vocabulary import BOS

VERSE = "春風前日霽雲斷，萬里晴雲和氣深。此夜風波誰悵望，空中惟有叫中開。不能有餌成身否，只這須臾處不休。"
"""Six lines by the shipped model: 48 characters, including punctuation marks."""
MOVE = 1e-5


def random_layer(
    input_size: int, hidden_size: int, steps: int, rng: np.random.Generator
) -> list[StepCache]:
    """Run a layer. Its inputs and initial state are N(0, 1).

    Its weights are N(0, ½²), so that the gates stay open.
    """
    shapes = ((4 * hidden_size, input_size), (4 * hidden_size, hidden_size), (4 * hidden_size,))
    parameters = Parameters(*(rng.normal(0, 0.5, shape) for shape in shapes))
    start = rng.standard_normal((2, 1, hidden_size))
    return run_layer(parameters, rng.standard_normal((steps, 1, input_size)), start)


def trained_layer(model: str | Path, steps: int) -> list[StepCache]:
    """Run the first layer of a checkpoint over `<bos>` and the first `steps` - 1 characters of `VERSE`.

    At most 49 steps are run. Raises InputError if the model's activation is not tanh, the report's
    activation.
    """
    loaded = checkpoint.load(model)
    if loaded.configuration.activation != "tanh":
        raise InputError(
            "report_activation", model=loaded.name, has=loaded.configuration.activation
        )
    ids = np.concatenate([[BOS], loaded.vocabulary.encode(VERSE)])[:steps]
    tensors = {name: tensor.astype(np.float64) for name, tensor in loaded.tensors.items()}
    parameters = Parameters(*(tensors[f"lstm.0.{name}"] for name in Parameters._fields))
    return run_layer(parameters, tensors["embedding.weight"][ids][:, None])


def untrained_layer(
    initialization: str, like: Sequence[StepCache], rng: np.random.Generator
) -> list[StepCache]:
    """Initialize a layer of the same sizes as the layer `like`, and run it over the inputs of `like`."""
    E, H = like[0].x.shape[1], like[0].h_prev.shape[1]
    weights = Parameters(
        *(array.astype(np.float64) for array in initialize(initialization, E, H, rng))
    )
    return run_layer(weights, np.stack([cache.x for cache in like]))


def run_layer(
    parameters: Parameters, x: Float[Array, "T 1 E"], start: Float[Array, "2 1 H"] | None = None
) -> list[StepCache]:
    """Run a layer over the inputs x. The initial h and c are `start`, or zeros by default."""
    h_0, c_0 = np.zeros((2, 1, parameters.weight_hh.shape[1])) if start is None else start
    return sequence_forward(x, h_0, c_0, parameters, "tanh")[1]


def letters(
    cache: StepCache, units: Any = slice(None), inputs: Any = slice(None)
) -> dict[str, Array]:
    """Return a step's x, h_prev and c_prev, and each gate's weight W and bias b, keyed by the report's symbols (W_f).

    W acts on [h_prev, x]. `units` and `inputs` index the hidden units and the entries of x to keep
    (default all). The contribution of the others is added to b as a constant, so that the kept
    units have the same values as in the whole layer. Every entry of the reduced step's Jacobians is
    thus also an entry of the whole layer's Jacobians.
    """
    x, h_prev = cache.x[0], cache.h_prev[0]
    given = {"x": x[inputs], "h_prev": h_prev[units], "c_prev": cache.c_prev[0, units]}
    for g, gate in gate_weights(cache.parameters).items():
        W_h, W_x = gate.W_h[units], gate.W_x[units]
        W = np.concatenate([W_h[:, units], W_x[:, inputs]], axis=1)
        omitted = W_h @ h_prev + W_x @ x - W @ np.concatenate([given["h_prev"], given["x"]])
        given |= {f"W_{g}": W, f"b_{g}": gate.b[units] + omitted}
    return given


def step(given: Mapping[str, Any], xp: Any) -> dict[str, Any]:
    """Return all values of the report's forward pass, keyed by letter (symbol): the given ones and those that follow.

    The report's misprints are corrected. An intermediate value, such as net_f or c, may also be
    given, so that later values can be differentiated with respect to this value. `xp` is numpy or
    torch.
    """
    v = {
        name: xp.asarray(value) if isinstance(value, np.ndarray) else value
        for name, value in given.items()
    }
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
    """Run steps (see `letters`) in order. Return the last step's values.

    `changed` sets values of the first step.
    """
    v = step({**steps[0], **changed}, xp)
    for given in steps[1:]:
        v = step({**given, "h_prev": v["h"], "c_prev": v["c"]}, xp)
    return v


def state_derivative(caches: Sequence[StepCache], places: Array) -> tuple[Array, Array]:
    """Compute rows of ∂[h_t, c_t]/∂[h_k, c_k] with PyTorch, and columns with central differences.

    `caches` holds the steps k+1 … t. The rows (n, 2H) and the columns (2H, n) are those at the n
    indices in `places`.
    """
    steps = [letters(cache) for cache in caches]
    start = np.concatenate([caches[0].h_prev[0], caches[0].c_prev[0]])

    def last_state(state: Any, xp: Any) -> Any:
        H = len(start) // 2
        v = last_step(steps, {"h_prev": state[:H], "c_prev": state[H:]}, xp)
        return xp.concatenate([v["h"], v["c"]])

    rows = automatic_jacobian(lambda state: last_state(state, torch)[places], start)
    at_places = np.eye(len(start))[places]
    columns = central_differences(
        lambda moves: last_state(start + moves @ at_places, np), np.zeros(len(places))
    )
    return rows, columns


def automatic_jacobian(function: Callable[[Any], Any], start: Array) -> Array:
    """Compute the Jacobian of a PyTorch function at `start` by reverse-mode automatic differentiation."""
    return torch.autograd.functional.jacobian(function, torch.from_numpy(start)).numpy()


def central_differences(function: Callable[[Array], Array], start: Array) -> Array:
    """Compute the Jacobian of f at `start` by central differences, (f(x + δ) - f(x - δ)) / 2δ with δ = `MOVE`."""
    moves = MOVE * np.eye(start.size).reshape(-1, *start.shape)
    columns = [(function(start + move) - function(start - move)) / (2 * MOVE) for move in moves]
    return np.stack(columns, axis=-1).reshape(*columns[0].shape, *start.shape)


def relative_error(actual: Array, reference: Array, whole: Array | None = None) -> float:
    """Return the norm of the difference between two Jacobians, divided by the norm of the reference.

    If the reference is zero and `whole` is given, the divisor is the norm of `whole` instead. If
    `actual` has one axis fewer than the reference, `actual` is read as a diagonal: its entry [k, …]
    becomes the entry [k, k, …] of an array that is 0 elsewhere. A vector v becomes diag[v]. If the
    shapes still differ, the error is infinite.
    """
    if 1 <= actual.ndim == reference.ndim - 1:
        actual = np.einsum("kl,k...->kl...", np.eye(len(actual)), actual)
    if actual.shape != reference.shape:
        return np.inf
    scale = reference if whole is None or reference.any() else whole
    return float(np.linalg.norm(actual - reference) / np.linalg.norm(scale))
