"""Draw the initial weights of an LSTM layer: zero, normal, uniform, Xavier or orthogonal.

Biases are 0 (the report: "which will not cause any troubles"), but ``orthogonal`` sets the forget
gate's bias to 1.
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
    """Draw the weights of one layer in float32.

    Args:
        name: One of five initializations:

            - ``zero``: all weights are 0 (all hidden units then remain equal to each other);
            - ``normal``: normal with standard deviation `scale`; 1 gives the report's "standard
              normal distribution";
            - ``uniform``: uniform within ±1/√H, PyTorch's default;
            - ``xavier``: uniform within ±√(6 / (rows + columns)) for each gate (Glorot & Bengio
              2010);
            - ``orthogonal``: an orthogonal recurrent matrix for each gate (Saxe et al. 2014), input
              weights as in ``xavier``, and a forget bias of 1 (Jozefowicz et al. 2015).
        input_size: E, at least 1.
        hidden_size: H, at least 1.
        rng: The random number generator.
        scale: The standard deviation of ``normal``; the other initializations ignore it.

    Raises InputError if the name is unknown.
    """
    # 1) Choose how to fill W_x and W_h. Only W_h can be orthogonal, because W_x is not square.
    H = hidden_size
    bound = H**-0.5
    fills: dict[str, Fill] = {
        "zero": lambda shape, r: np.zeros(shape),
        "normal": lambda shape, r: scale * r.standard_normal(shape),
        "uniform": lambda shape, r: r.uniform(-bound, bound, shape),
        "xavier": _xavier,
        "orthogonal": _xavier,
    }
    if name not in fills:
        raise InputError("choice", field="initialization", has=name, choices=list(fills))
    fill_x = fills[name]
    fill_h = _orthogonal if name == "orthogonal" else fill_x
    # 2) Fill the weights of each gate, whose arrays are views of the stacked weights.
    parameters = Parameters(
        weight_ih=np.zeros((4 * H, input_size), np.float32),
        weight_hh=np.zeros((4 * H, H), np.float32),
        bias=np.zeros(4 * H, np.float32),
    )
    for letter, gate in gate_weights(parameters).items():
        gate.W_x[:] = fill_x(gate.W_x.shape, rng)
        gate.W_h[:] = fill_h(gate.W_h.shape, rng)
        # A forget gate that begins open lets gradients pass through the cell from the start.
        if name == "orthogonal" and letter == "f":
            gate.b[:] = 1
    return parameters


def _xavier(shape: tuple[int, int], rng: np.random.Generator) -> Float[Array, "rows columns"]:
    """Draw a matrix uniformly within ±√(6 / (rows + columns))."""
    bound = np.sqrt(6 / sum(shape))
    return rng.uniform(-bound, bound, shape)


def _orthogonal(shape: tuple[int, int], rng: np.random.Generator) -> Float[Array, "n n"]:
    """Draw a matrix uniformly from the orthogonal matrices.

    It is the Q of the QR decomposition of a normal matrix. The signs of R's diagonal, which LAPACK
    chooses, are moved to Q: otherwise Q would not be uniform (Mezzadri 2007).
    """
    q, r = np.linalg.qr(rng.standard_normal(shape))
    return q * np.sign(np.diag(r))
