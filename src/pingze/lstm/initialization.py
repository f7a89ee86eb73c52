"""First weights of an LSTM layer: zero, normal, uniform, Xavier, orthogonal.

The report asks why not zero, and how else; each answer is a function here. Biases are zero (the report: "which
will not cause any troubles") but for the forget gate under `orthogonal`.
"""

from collections.abc import Callable

import numpy as np

from pingze.arrays import Array, Float
from pingze.errors import InputError
from pingze.lstm.formulas import Parameters, gate_weights

Fill = Callable[[tuple[int, int], np.random.Generator], Array]


def initialize(
    name: str, input_size: int, hidden_size: int, rng: np.random.Generator, scale: float = 1.0
) -> Parameters:
    """One layer's weights, float32.

    Args:
        name: One of the five:

            - ``zero``: every weight 0 (each hidden unit then stays equal to every other);
            - ``normal``: normal of standard deviation `scale` (1: the report's "standard normal distribution");
            - ``uniform``: uniform on ±1/√H, PyTorch's own;
            - ``xavier``: uniform on ±√(6 / (rows + columns)) for each gate (Glorot & Bengio 2010);
            - ``orthogonal``: recurrent weights orthogonal for each gate (Saxe et al. 2014), input weights as
              ``xavier``, forget bias 1 (Jozefowicz et al. 2015).
        input_size: E, from 1.
        hidden_size: H, from 1.
        rng: What the weights are drawn from.
        scale: The standard deviation under `normal`; unused elsewhere.

    Raises InputError on another name.
    """
    H = hidden_size
    bound = 1 / np.sqrt(H)
    fills: dict[str, tuple[Fill, Fill]] = {
        "zero": (_zero, _zero),
        "normal": (lambda shape, r: scale * r.standard_normal(shape),) * 2,
        "uniform": (lambda shape, r: r.uniform(-bound, bound, shape),) * 2,
        "xavier": (_xavier, _xavier),
        "orthogonal": (_xavier, _orthogonal),
    }
    if name not in fills:
        raise InputError(f"initialization {name!r} is unknown; choose one of {', '.join(fills)}")
    fill_x, fill_h = fills[name]
    parameters = Parameters(
        np.zeros((4 * H, input_size), np.float32),
        np.zeros((4 * H, H), np.float32),
        np.zeros(4 * H, np.float32),
    )
    for letter, gate in gate_weights(parameters).items():
        gate.W_x[:] = fill_x(gate.W_x.shape, rng)
        gate.W_h[:] = fill_h(gate.W_h.shape, rng)
        if name == "orthogonal" and letter == "f":
            gate.b[:] = 1
    return parameters


def _zero(shape: tuple[int, int], rng: np.random.Generator) -> Float[Array, "rows columns"]:
    return np.zeros(shape)


def _xavier(shape: tuple[int, int], rng: np.random.Generator) -> Float[Array, "rows columns"]:
    bound = np.sqrt(6 / sum(shape))
    return rng.uniform(-bound, bound, shape)


def _orthogonal(shape: tuple[int, int], rng: np.random.Generator) -> Float[Array, "n n"]:
    """Uniform over the orthogonal matrices: QR of a normal matrix, with R's signs taken out (Mezzadri 2007)."""
    q, r = np.linalg.qr(rng.standard_normal(shape))
    return q * np.sign(np.diag(r))
