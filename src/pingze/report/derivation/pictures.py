r"""Draw how much of a gradient remains on its way back through time, for `pingze derive --plots`: four PNG files.

Each picture shows a model's first layer on a verse of its own, and layers of the same sizes as `initialization` leaves
them on the same input; beside each LSTM the plain RNN without its gates, h_t = tanh(W_ch h_{t-1} + W_cx x_t + b_c).

The gain of a Jacobian is its Frobenius norm over √H: the root mean square of its singular values, the factor by which
it stretches a random vector on average.
"""

from collections.abc import Collection, Iterable, Mapping
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pingze.arrays import Array, Float
from pingze.errors import InputError
from pingze.files import written
from pingze.lstm.formulas import Parameters, gate_weights
from pingze.lstm.jacobians import Products, back_through_time
from pingze.report.derivation.sample_layers import SampleLayer, sample_layer, trained_layer, untrained_layer

COLOURS = {
    "normal": "#d55e00",
    "uniform": "#e69f00",
    "xavier": "#009e73",
    "orthogonal": "#0072b2",
    "trained": "black",
}
"""Every initialization but zero, which passes nothing on, and the trained layer."""
FORGET_BIASES = {0.0: "#8cc5e3", 1.0: "#0072b2", 3.0: "#08306b"}
DISTANCES = (1, 2, 4, 8, 16, 32)
"""The t - k whose spectra are drawn."""
LIMITS = (1e-12, 1e5)
"""The ends of the axes of gains and singular values."""


class GradientFlow(NamedTuple):
    """∂h_t/∂h_k for t - k = 1 … T."""

    gains: Mapping[str, Array]
    """`whole`; `hidden` and `cell`, the parts of `jacobians.Products`; `missed` and `missed_by_cell`, what these
    differ by from the whole; `mixed`, all other ways. A plain RNN has the whole alone."""
    spectra: Mapping[int, Array]
    """Singular values of the whole, the largest first, by distance."""


def draw(folder: Path, model: str | Path = "report", steps: int = 48, seed: int = 0) -> list[Path]:
    """Write the pictures and return their paths; a layer of 512 units takes half a minute.

    Args:
        folder: Where to write; made if missing.
        model: A checkpoint.
        steps: The largest t - k.
        seed: Of the first weights.

    Raises:
        InputError: The folder cannot be written to.
    """
    trained, rng = trained_layer(model, steps), np.random.default_rng(seed)
    layers = {name: trained if name == "trained" else untrained_layer(name, trained, rng) for name in COLOURS}
    flows = {name: gradient_flow(layer) for name, layer in layers.items()}
    plain = {name: plain_gradient_flow(layer) for name, layer in layers.items()}
    biased = {}
    for bias, colour in FORGET_BIASES.items():
        weights = Parameters(*(array.copy() for array in layers["orthogonal"].parameters))
        gate_weights(weights)["f"].b[:] = bias
        layer = sample_layer(weights, trained.x)
        biased[f"orthogonal, $b_f$ = {bias:g}"] = (layer, gradient_flow(layer), colour)
    biased["trained"] = (trained, flows["trained"], COLOURS["trained"])
    figures = {
        "gain.png": _gains(flows, plain),
        "spectrum.png": _spectra(flows, plain),
        "forget_gate.png": _forget_gates(biased),
        "products.png": _products(flows),
    }
    for name, figure in figures.items():
        with written(folder / name, InputError) as partial:
            figure.savefig(partial, format="png", dpi=150)
    return [folder / name for name in figures]


def gradient_flow(layer: SampleLayer, distances: Collection[int] = DISTANCES) -> GradientFlow:
    """Measure the gradient's way through an LSTM, with spectra at some distances."""
    H = layer.parameters.weight_hh.shape[1]

    def parts(products: Products) -> dict[str, Array]:
        whole, hidden, cell = products.whole[0, :, :H], products.hidden[0], products.cell[0]
        missed, missed_by_cell, mixed = whole - hidden, whole - cell, whole - hidden - cell
        ways = {"whole": whole, "hidden": hidden, "cell": cell}
        return ways | {"missed": missed, "missed_by_cell": missed_by_cell, "mixed": mixed}

    return _flow(map(parts, back_through_time(layer.caches)), distances)


def plain_gradient_flow(layer: SampleLayer, distances: Collection[int] = DISTANCES) -> GradientFlow:
    """Measure it in the layer without gates: ∂h_i/∂h_{i-1} = diag[1 - h_i²] W_ch."""
    W_h, W_x, b = gate_weights(layer.parameters)["c"]
    h, factors = np.zeros_like(b), []
    for cache in layer.caches:
        h = np.tanh(W_h @ h + W_x @ cache.x[0] + b)
        factors.append((1 - h * h)[:, None] * W_h)
    return _flow(({"whole": product} for product in accumulate(reversed(factors), np.matmul)), distances)


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
    """Draw gain against distance, with gates and without."""
    figure, left, right = _two_panels("How much of a change of $h_k$ reaches $h_t$", sharey=True)
    for axes, each in ((left, flows), (right, plain)):
        for name, colour in COLOURS.items():
            values = each[name].gains["whole"]
            _line(axes, values, colour, name)
            if values[-1] > LIMITS[1]:  # write where the line leaves the picture how far it goes
                at, text = (int(np.argmax(values > LIMITS[1])) + 1, LIMITS[1]), f"on to {values[-1]:.0e}"
                axes.annotate(text, at, (8, -6), textcoords="offset points", va="top", color=colour)
    _gain_axes(left, "LSTM")
    _gain_axes(right, "without gates: a plain tanh RNN")
    right.set_ylabel("")
    left.plot([], [], color="none", label="zero: 0 at\nevery distance")
    figure.legend(*left.get_legend_handles_labels(), title="weights", loc="outside right center")
    return figure


def _spectra(flows: Mapping[str, GradientFlow], plain: Mapping[str, GradientFlow]) -> Figure:
    """Draw singular values at some distances, a panel for each layer, without those that are rounding errors."""
    figure = Figure(figsize=(13, 5.8), layout="constrained")
    figure.suptitle(r"Singular values of $\partial h_t/\partial h_k$, the largest first")
    rows = figure.subplots(2, len(COLOURS), sharex=True, sharey=True)
    spectra = ({name: each[name].spectra for name in COLOURS} for each in (flows, plain))
    for row, kind, by_layer in zip(rows, ("LSTM", "plain RNN"), spectra, strict=True):
        for axes, name in zip(row, COLOURS, strict=True):
            for distance, values in by_layer[name].items():
                colour = colormaps["viridis_r"]((DISTANCES.index(distance) + 1) / len(DISTANCES))
                share = np.arange(1, len(values) + 1) / len(values)
                known = values > values[0] * len(values) * np.finfo(values.dtype).eps
                axes.semilogy(share[known], values[known], color=colour, label=str(distance))
            axes.set(title=f"{kind}, {name}", ylim=LIMITS)
            axes.grid(alpha=0.3)
        row[0].set_ylabel("singular value")
    for axes in rows[-1]:
        axes.set_xlabel("share of the singular values")
    figure.legend(*rows[0, 0].get_legend_handles_labels(), title="$t - k$", loc="outside right center")
    return figure


def _forget_gates(layers: Mapping[str, tuple[SampleLayer, GradientFlow, str]]) -> Figure:
    """Draw the way along the cell alone, which the forget gate keeps open, and how open the gates are."""
    figure, left, right = _two_panels("The forget gate's part")
    for label, (layer, each, colour) in layers.items():
        _line(left, each.gains["whole"], colour, label)
        _line(left, each.gains["cell"], colour, None, "--")
        f = np.sort(np.mean([cache.gates.f[0] for cache in layer.caches], axis=0))
        right.plot(np.arange(1, len(f) + 1) / len(f), f, color=colour, label=label, linewidth=_width(label))
    _gain_axes(left, "solid: all ways; dashed: along the cell alone")
    left.set_ylim(1e-6, 10)
    right.set(xlabel="share of the units", ylabel="$f_t$, mean over the verse", ylim=(0, 1), xlim=(0, 1))
    right.set_title("forget gates, the most closed first")
    right.grid(alpha=0.3)
    right.legend(loc="lower right")
    return figure


def _products(flows: Mapping[str, GradientFlow]) -> Figure:
    """Draw the report's product beside ∂h_t/∂h_k."""
    title = r"$\partial h_t/\partial h_k$ and the report's $\prod\,\partial h_{i+1}/\partial h_i$"
    figure, left, right = _two_panels(title)
    for name, colour in COLOURS.items():
        _line(left, flows[name].gains["whole"], colour, name)
        _line(left, flows[name].gains["hidden"], colour, None, ":")
        _line(right, flows[name].gains["missed"] / flows[name].gains["whole"], colour, name)
    _gain_axes(left, r"solid: $\partial h_t/\partial h_k$; dotted: the report's product")
    right.set(xlabel="$t - k$", ylabel="norm of the difference / norm of the whole", ylim=(0, None))
    right.set_title("how far the report's product is off")
    right.grid(alpha=0.3)
    right.legend(title="weights", loc="lower right")
    return figure


def _two_panels(title: str, *, sharey: bool = False) -> tuple[Figure, Axes, Axes]:
    figure = Figure(figsize=(10.5, 4.8), layout="constrained")
    figure.suptitle(title)
    left, right = figure.subplots(1, 2, sharey=sharey)
    return figure, left, right


def _line(axes: Axes, values: Float[Array, "T"], colour: str, label: str | None, style: str = "-") -> None:
    """Draw values against t - k = 1, 2, …."""
    places = np.arange(1, len(values) + 1)
    axes.plot(places, values, style, color=colour, label=label, linewidth=_width(label))


def _width(label: str | None) -> float:
    """Choose a width at which xavier shows behind orthogonal."""
    return {"trained": 2.6, "xavier": 3.0}.get(label or "", 1.6)


def _gain_axes(axes: Axes, title: str) -> None:
    axes.set(title=title, xlabel="$t - k$", ylabel="gain", yscale="log", ylim=LIMITS)
    axes.grid(alpha=0.3)
