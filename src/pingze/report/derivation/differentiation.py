"""Make LSTM layers with random, initial or trained weights, and differentiate their steps with PyTorch and numerically.

Nothing here is derived by hand. A letter is the name used here for a symbol of the report: x, h_prev, net_f, c …
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from pingze.arrays import Array, Float, Int64
from pingze.errors import InputError
from pingze.lstm.formulas import Parameters, StepCache, gate_weights, sequence_forward
from pingze.lstm.initializers import initialize
from pingze.network import checkpoint
from pingze.network.vocabulary import BOS

VERSE = "春風前日霽雲斷，萬里晴雲和氣深。此夜風波誰悵望，空中惟有叫中開。不能有餌成身否，只這須臾處不休。"
"""Six lines written by the shipped model: 48 characters, marks included."""


class SampleLayer(NamedTuple):
    """A layer's weights in float64, and the caches of consecutive steps with these weights, the earliest first."""

    parameters: Parameters
    caches: list[StepCache]

    @property
    def x(self) -> Float[Array, "T 1 E"]:
        """The input of each step."""
        return np.stack([cache.x for cache in self.caches])


def random_layer(input_size: int, hidden_size: int, steps: int, rng: np.random.Generator) -> SampleLayer:
    """Draw weights with standard deviation ½, which leaves the gates open, and a standard normal start and inputs."""
    shapes = ((4 * hidden_size, input_size), (4 * hidden_size, hidden_size), (4 * hidden_size,))
    parameters = Parameters(*(rng.normal(0, 0.5, shape) for shape in shapes))
    start = rng.standard_normal((2, 1, hidden_size))
    return sample_layer(parameters, rng.standard_normal((steps, 1, input_size)), start)


def trained_layer(model: str | Path, steps: int) -> SampleLayer:
    """Run a checkpoint's first layer over `<bos>` and the first `steps` - 1 characters of `VERSE`, 49 steps at most.

    Raises InputError if the model's activation is not the report's, tanh.
    """
    loaded = checkpoint.load(model)
    if loaded.configuration.activation != "tanh":
        raise InputError("report_activation", model=loaded.name, has=loaded.configuration.activation)
    ids = np.concatenate([[BOS], loaded.vocabulary.encode(VERSE)])[:steps]
    tensors = {name: tensor.astype(np.float64) for name, tensor in loaded.tensors.items()}
    parameters = Parameters(*(tensors[f"lstm.0.{name}"] for name in Parameters._fields))
    return sample_layer(parameters, tensors["embedding.weight"][ids][:, None])


def untrained_layer(initialization: str, like: SampleLayer, rng: np.random.Generator) -> SampleLayer:
    """Initialize a layer with the sizes of another layer, `like`, and run it over the input of that layer."""
    E, H = like.parameters.weight_ih.shape[1], like.parameters.weight_hh.shape[1]
    weights = Parameters(*(array.astype(np.float64) for array in initialize(initialization, E, H, rng)))
    return sample_layer(weights, like.x)


def sample_layer(
    parameters: Parameters, x: Float[Array, "T 1 E"], start: Float[Array, "2 1 H"] | None = None
) -> SampleLayer:
    """Run a layer over x, starting from the zero state unless `start` gives h and c."""
    h_0, c_0 = np.zeros((2, 1, parameters.weight_hh.shape[1])) if start is None else start
    return SampleLayer(parameters, sequence_forward(x, h_0, c_0, parameters, "tanh")[1])


def letters(
    cache: StepCache, units: Int64[Array, "n"] | None = None, inputs: Int64[Array, "m"] | None = None
) -> dict[str, Array]:
    """Return a step's inputs and weights by letter: x, h_prev, c_prev, and each gate's b and W (for z = [h_prev, x]).

    Given `units` or `inputs`, return a smaller step that has only these. Its gates have the same values as in the whole
    layer, because what the omitted units and inputs contribute to `net` is held fixed and added to `b`. Its Jacobians
    therefore consist of entries of the whole layer's Jacobians.
    """
    units = np.arange(cache.h_prev.shape[1]) if units is None else units
    inputs = np.arange(cache.x.shape[1]) if inputs is None else inputs
    x, h_prev = cache.x[0], cache.h_prev[0]
    given = {"x": x[inputs], "h_prev": h_prev[units], "c_prev": cache.c_prev[0, units]}
    for g, gate in gate_weights(cache.parameters).items():
        net = gate.W_h[units] @ h_prev + gate.W_x[units] @ x + gate.b[units]
        W = np.concatenate([gate.W_h[np.ix_(units, units)], gate.W_x[np.ix_(units, inputs)]], axis=1)
        given |= {f"W_{g}": W, f"b_{g}": net - W @ np.concatenate([given["h_prev"], given["x"]])}
    return given


MOVE = 1e-5
"""How far a central difference moves an entry, in either direction."""


def step(given: Mapping[str, Any], xp: Any) -> dict[str, Any]:
    """Compute every letter of the report's forward pass that is not given, with the report's misprints corrected.

    Intermediate letters, such as net_f or c, may be given, so that later letters can be differentiated by them. `xp` is
    numpy or torch.
    """
    v = dict(given)
    v.setdefault("z", xp.concatenate([v["h_prev"], v["x"]]))
    for g in "fico":
        v.setdefault(f"net_{g}", v[f"W_{g}"] @ v["z"] + v[f"b_{g}"])
    for g in "fio":
        v.setdefault(g, 1 / (1 + xp.exp(-v[f"net_{g}"])))
    v.setdefault("c_tilde", xp.tanh(v["net_c"]))
    v.setdefault("c", v["f"] * v["c_prev"] + v["i"] * v["c_tilde"])
    v.setdefault("h", v["o"] * xp.tanh(v["c"]))
    return v


class Differentiation:
    """One LSTM step at given inputs and weights (`letters`): its values, and the Jacobians between them.

    `through` lists the gates, from "fico", that may pass a change on; the net of every other gate is held fixed.
    """

    def __init__(self, given: Mapping[str, Array]) -> None:
        self.given = given
        self._known: dict[tuple[str, str, str], Array] = {}

    @cached_property
    def values(self) -> dict[str, Array]:
        """The value of every letter, computed with PyTorch, and the h and x halves of each W."""
        values = {name: value.numpy() for name, value in step(_given(self.given, torch), torch).items()}
        H = len(values["h_prev"])
        for g in "fico":
            values |= {f"W_{g}h": values[f"W_{g}"][:, :H], f"W_{g}x": values[f"W_{g}"][:, H:]}
        return values

    def automatic(self, of: str, by: str, through: str = "fico") -> Array:
        """Return ∂of/∂by by automatic differentiation; its shape is the shape of `of`, then the shape of `by`."""
        key = (of, by, through)
        if key not in self._known:
            self._known[key] = automatic_jacobian(self._function(*key, torch), self.values[by])
        return self._known[key]

    def central(self, of: str, by: str, through: str = "fico") -> Array:
        """Return ∂of/∂by by central differences, in the shape that `automatic` returns."""
        return central_differences(self._function(of, by, through, np), self.values[by])

    def _function(self, of: str, by: str, through: str, xp: Any) -> Callable[[Any], Any]:
        fixed = {f"net_{g}": self.values[f"net_{g}"] for g in "fico" if g not in through}
        given = _given({**self.given, **fixed}, xp)
        return lambda value: step(given | {by: value}, xp)[of]


def last_step(steps: Sequence[Mapping[str, Array]], changed: Mapping[str, Any], xp: Any) -> dict[str, Any]:
    """Run consecutive steps (`letters`) with some letters of the first changed; return the last step."""
    v = step({**_given(steps[0], xp), **changed}, xp)
    for given in steps[1:]:
        v = step(_given(given, xp) | {"h_prev": v["h"], "c_prev": v["c"]}, xp)
    return v


def state_derivative(caches: Sequence[StepCache], places: Array) -> tuple[Array, Array]:
    """Differentiate [h_t, c_t] by [h_k, c_k]: chosen rows with PyTorch, the same columns with central differences.

    Given the caches of the steps k+1 … t and n places in the state, return rows (n, 2H) and columns (2H, n).
    """
    steps = [letters(cache) for cache in caches]
    start = np.concatenate([caches[0].h_prev[0], caches[0].c_prev[0]])

    def last_state(state: Any, xp: Any) -> Any:
        H = len(start) // 2
        v = last_step(steps, {"h_prev": state[:H], "c_prev": state[H:]}, xp)
        return xp.concatenate([v["h"], v["c"]])

    def moved(values: Array) -> Array:
        state = start.copy()
        state[places] = values
        return state

    rows = automatic_jacobian(lambda state: last_state(state, torch)[places], start)
    return rows, central_differences(lambda values: last_state(moved(values), np), start[places])


def automatic_jacobian(function: Callable[[Any], Any], start: Array) -> Array:
    """Return the Jacobian of a function of a tensor, by reverse-mode automatic differentiation."""
    return torch.autograd.functional.jacobian(function, torch.from_numpy(start)).numpy()


def central_differences(function: Callable[[Array], Array], start: Array) -> Array:
    """Return the Jacobian of a function of an array: (f(x + δ) - f(x - δ)) / 2δ, one entry of x at a time."""
    columns = []
    for entry in np.ndindex(start.shape):
        move = np.zeros_like(start)
        move[entry] = MOVE
        columns.append((function(start + move) - function(start - move)) / (2 * MOVE))
    by_entry: Array = np.stack(columns, axis=-1)
    return by_entry.reshape(*by_entry.shape[:-1], *start.shape)


def relative_error(actual: Array, reference: Array, whole: Array | None = None) -> float:
    """Return the distance between two Jacobians, divided by the norm of the reference.

    If the reference is zero, the distance is divided by the norm of `whole`, when that is given.
    An array with one axis fewer than the reference is read as a diagonal: v as diag[v], v z^T as δ_{kl} v_k z_m.
    The error of an array of any other shape is infinite.
    """
    if 1 <= actual.ndim == reference.ndim - 1:
        actual = np.einsum("kl,k...->kl...", np.eye(len(actual)), actual)
    if actual.shape != reference.shape:
        return np.inf
    scale = reference if whole is None or reference.any() else whole
    return float(np.linalg.norm(actual - reference) / np.linalg.norm(scale))


def _given(arrays: Mapping[str, Array], xp: Any) -> dict[str, Any]:
    return {name: xp.asarray(array) for name, array in arrays.items()}
