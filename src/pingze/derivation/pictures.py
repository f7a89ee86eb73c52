"""Draw the four PNG files of `pingze derive --plots`, which show how much of a gradient survives back through time."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from pingze.arrays import Array
from pingze.derivation.charts import STYLE, by_step, legend, panels
from pingze.derivation.differentiation import run_layer, trained_layer, untrained_layer
from pingze.errors import InputError
from pingze.files import written
from pingze.lstm.formulas import Parameters, StepCache, gate_weights
from pingze.lstm.jacobians import back_through_time

LINES: Mapping[str, dict[str, Any]] = {
    "normal": {"color": "C0"},
    "uniform": {"color": "C1"},
    "xavier": {"color": "C2", "linewidth": 3},  # wide, so that it shows behind orthogonal
    "orthogonal": {"color": "C3"},
    "trained": {"color": "black", "linewidth": 2.6},
}
"""The line style of each layer.

Zero initialization is left out because no gradient passes through it.
"""
FORGET_BIASES = {0.0: "C0", 1.0: "C1", 3.0: "C2"}
DISTANCES = (1, 2, 4, 8, 16, 32)
"""The distances t - k at which the singular values are drawn."""
GAIN: dict[str, Any] = {
    "xlabel": "$t - k$",
    "ylabel": "gain",
    "yscale": "log",
    "ylim": (1e-12, 1e5),
}
WIDE = (10.5, 5.4)


class GradientFlow(NamedTuple):
    """The gains and singular values of ∂h_t/∂h_k for t - k = 1 … T.

    A Jacobian's gain is its Frobenius norm divided by √H: how much the Jacobian stretches a random
    vector on average.
    """

    gains: Mapping[str, Array]
    """The gain of each part of the Jacobian at each distance. `whole` is ∂h_t/∂h_k.

    `hidden` and `cell` are defined by
    `jacobians.Products`. `missed` is `whole` - `hidden`, `missed_by_cell` is `whole` - `cell`, and
    `mixed` is `whole` - `hidden` - `cell`. A plain RNN has only `whole`."""
    spectra: Mapping[int, Array]
    """The singular values of ∂h_t/∂h_k at each distance, the largest first."""


def draw(folder: Path, model: str | Path = "report", steps: int = 48, seed: int = 0) -> list[Path]:
    """Draw four figures for a checkpoint's first layer, write them to a folder, and return the paths of the PNG files.

    The largest t - k is `steps`. A layer of 512 units takes half a minute. Raises InputError if a
    file is not writable.
    """
    # 1) The trained layer, and untrained layers on the same input, each with the LSTM's gates and
    # without them.
    trained, rng = trained_layer(model, steps), np.random.default_rng(seed)
    layers = {
        name: trained if name == "trained" else untrained_layer(name, trained, rng)
        for name in LINES
    }
    flows = {name: gradient_flow(layer) for name, layer in layers.items()}
    plain = {name: plain_gradient_flow(layer) for name, layer in layers.items()}
    # 2) Orthogonal weights with several biases of the forget gate.
    biased: dict[str, tuple[Sequence[StepCache], dict[str, Any]]] = {}
    x = np.stack([cache.x for cache in trained])
    for bias, colour in FORGET_BIASES.items():
        weights = Parameters(*(array.copy() for array in layers["orthogonal"][0].parameters))
        gate_weights(weights)["f"].b[:] = bias
        biased[f"orthogonal, $b_f$ = {bias:g}"] = (run_layer(weights, x), {"color": colour})
    # 3) The pictures.
    with matplotlib.rc_context(STYLE):
        figures = {
            "gain.png": _gains(flows, plain),
            "spectrum.png": _spectra(flows, plain),
            "forget_gate.png": _forget_gates({**biased, "trained": (trained, LINES["trained"])}),
            "products.png": _products(flows),
        }
        for name, figure in figures.items():
            legend(figure, columns=6)
            with written(folder / name, InputError) as partial:
                figure.savefig(partial, format="png", dpi=150)
    return [folder / name for name in figures]


def gradient_flow(
    caches: Sequence[StepCache], distances: Collection[int] = DISTANCES
) -> GradientFlow:
    """Return the gains of an LSTM's ∂h_t/∂h_k at every t - k, and the singular values at the t - k in `distances`."""

    # one distance at a time: with 512 units, all would fill 600 MB
    def parts() -> Iterator[dict[str, Array]]:
        for products in back_through_time(caches):
            hidden, cell = products.hidden[0], products.cell[0]
            whole = products.whole[0, :, : len(hidden)]
            missed = {
                "missed": whole - hidden,
                "missed_by_cell": whole - cell,
                "mixed": whole - hidden - cell,
            }
            yield {"whole": whole, "hidden": hidden, "cell": cell, **missed}

    return _flow(parts(), distances)


def plain_gradient_flow(
    caches: Sequence[StepCache], distances: Collection[int] = DISTANCES
) -> GradientFlow:
    """Measure ∂h_t/∂h_k in the plain RNN h_t = tanh(W_ch h_{t-1} + W_cx x_t + b_c), with weights of the LSTM's cell.

    The RNN's Jacobian of one step is ∂h_t/∂h_{t-1} = diag[1 - h_t²] W_ch.
    """
    W_h, W_x, b = gate_weights(caches[0].parameters)["c"]
    h, factors = np.zeros_like(b), []
    for cache in caches:
        h = np.tanh(W_h @ h + W_x @ cache.x[0] + b)
        factors.append((1 - h * h)[:, None] * W_h)
    return _flow(
        ({"whole": product} for product in accumulate(reversed(factors), np.matmul)), distances
    )


def _flow(jacobians: Iterable[Mapping[str, Array]], distances: Collection[int]) -> GradientFlow:
    gains: dict[str, list[float]] = {}
    spectra = {}
    for distance, parts in enumerate(jacobians, start=1):
        for name, part in parts.items():
            gains.setdefault(name, []).append(float(np.linalg.norm(part) / np.sqrt(len(part))))
        if distance in distances:
            spectra[distance] = np.linalg.svd(parts["whole"], compute_uv=False)
    return GradientFlow({name: np.array(values) for name, values in gains.items()}, spectra)


def _gains(flows: Mapping[str, GradientFlow], plain: Mapping[str, GradientFlow]) -> Figure:
    figure, every = panels(2, size=WIDE, **GAIN)
    figure.suptitle("How much of a change of $h_k$ reaches $h_t$; with zero weights, nothing")
    titles = ("LSTM", "without gates: a plain tanh RNN")
    for axes, title, each in zip(every, titles, (flows, plain), strict=True):
        axes.set_title(title)
        for name, line in LINES.items():
            by_step(axes, each[name].gains["whole"], label=name, **line)
    return figure


def _spectra(flows: Mapping[str, GradientFlow], plain: Mapping[str, GradientFlow]) -> Figure:
    """Draw the singular values at each distance, one panel per layer.

    Values that are rounding errors are left out.
    """
    labels = {
        **GAIN,
        "xlabel": "share of the values",
        "ylabel": "singular value",
        "xticks": (0, 0.5, 1),
    }
    figure, every = panels(2 * len(LINES), columns=len(LINES), size=(14, 7), **labels)
    figure.suptitle(r"Singular values of $\partial h_t/\partial h_k$, the largest first")
    kinds = [
        (kind, name, each[name])
        for kind, each in (("LSTM", flows), ("RNN", plain))
        for name in LINES
    ]
    for axes, (kind, name, flow) in zip(every, kinds, strict=True):
        axes.set_title(f"{kind}, {name}")
        for distance, values in flow.spectra.items():
            share = np.arange(1, len(values) + 1) / len(values)
            known = values > values[0] * len(values) * np.finfo(values.dtype).eps
            axes.plot(share[known], values[known], label=f"$t - k$ = {distance}")
    return figure


def _forget_gates(layers: Mapping[str, tuple[Sequence[StepCache], dict[str, Any]]]) -> Figure:
    """Draw the gain of ∂h_t/∂h_k, the gain along the cell states alone, and the mean of each unit's forget gate."""
    figure, (left, right) = panels(2, size=WIDE, sharey=False, ylim=(0, 1))
    left.set(
        **{**GAIN, "title": "solid: all paths; dashed: along the cell alone", "ylim": (1e-6, 10)}
    )
    right.set(title="forget gates, the most closed first", xlabel="share of the units")
    right.set_ylabel("$f_t$, mean over the verse")
    for label, (layer, line) in layers.items():
        gains = gradient_flow(layer, ()).gains
        by_step(left, gains["whole"], label=label, **line)
        by_step(left, gains["cell"], "--", **line)
        f = np.sort(np.mean([cache.gates.f[0] for cache in layer], axis=0))
        right.plot(np.arange(1, len(f) + 1) / len(f), f, **line)
    return figure


def _products(flows: Mapping[str, GradientFlow]) -> Figure:
    """Draw the gains of ∂h_t/∂h_k and of the report's product ∏ ∂h_{i+1}/∂h_i, and the product's relative error."""
    figure, (left, right) = panels(2, size=WIDE, sharey=False, xlabel="$t - k$")
    left.set(title=r"solid: $\partial h_t/\partial h_k$; dotted: the report's product", **GAIN)
    for name, line in LINES.items():
        gains = flows[name].gains
        by_step(left, gains["whole"], label=name, **line)
        by_step(left, gains["hidden"], ":", **line)
        by_step(right, gains["missed"] / gains["whole"], **line)
    right.set(title="how far the report's product is off", ylim=(0, None))
    right.set_ylabel("norm of the difference / norm of the whole")
    return figure
