"""Make LSTM layers with random, initial or trained weights, on which derivatives are measured."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

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
