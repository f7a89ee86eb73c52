"""Draw the files of `pingze derive --plots`: how much of a gradient survives back through time."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from pingze.arrays import Array
from pingze.derivation.charts import STYLE, by_step, legend, panels
from pingze.derivation.differentiation import run_layer, trained_layer, untrained_layer
from pingze.errors import InputError
from pingze.files import written
from pingze.lstm.formulas import StepCache, gate_weights
from pingze.lstm.jacobians import back_through_time

LINES: Mapping[str, dict[str, Any]] = {
    "normal": {"color": "C0"},
    "uniform": {"color": "C1"},
    "xavier": {"color": "C2", "linewidth": 3},  # wide, so that it shows behind orthogonal
    "orthogonal": {"color": "C3"},
    "trained": {"color": "black", "linewidth": 2.6},
}
"""The line style of each layer.

Zero initialisation is left out because no gradient passes through it.
"""
FORGET_BIASES = {0.0: "C0", 1.0: "C1", 3.0: "C2"}
"""The line colour of each bias of the forget gate."""
DISTANCES = (1, 2, 4, 8, 16, 32)
"""The distances t - k at which the singular values are drawn."""
GAIN: dict[str, Any] = {
    "xlabel": "$t - k$",
    "ylabel": "gain",
    "yscale": "log",
    "ylim": (1e-12, 1e5),
}
WIDE = (10.5, 5.4)


@dataclass(frozen=True)
class GradientFlow:
    """The gains and singular values of ∂h_t/∂h_k for t - k = 1 … T.

    A Jacobian's gain is its Frobenius norm divided by √H: how much the Jacobian stretches a random
    vector on average.
    """

    gains: Mapping[str, Array]
    """The gain of each part of the Jacobian at each distance. `whole` is ∂h_t/∂h_k.

    `hidden` and `cell` are defined by `jacobians.Products`. `missed` is `whole` - `hidden`,
    `missed_by_cell` is `whole` - `cell`, and `mixed` is `whole` - `hidden` - `cell`. A plain RNN
    has only `whole`.
    """
    spectra: Mapping[int, Array]
    """The singular values of ∂h_t/∂h_k at each distance, the largest first."""


def draw(folder: Path, model: str | Path = "report", steps: int = 48, seed: int = 0) -> list[Path]:
    """Draw four figures for a checkpoint's first layer, and return the paths of the PNG files.

    The largest t - k is `steps`. A layer of 512 units takes half a minute. Raises InputError if a
    file is not writable.
    """
    rng = np.random.default_rng(seed)
    # 1) Run the trained layer, and untrained layers on the same inputs. Measure each with the
    # LSTM's gates and without them.
    trained = trained_layer(model, steps)
    layers = {}
    for name in LINES:
        if name == "trained":
            layers[name] = trained
        else:
            layers[name] = untrained_layer(name, trained, rng)
    flows = {name: gradient_flow(layer) for name, layer in layers.items()}
    plain_flows = {name: plain_gradient_flow(layer) for name, layer in layers.items()}
    # 2) Run the layer of orthogonal weights with several biases of the forget gate. The bias is
    # copied, because it is changed, and `gate_weights` returns views.
    biased = {}
    x = np.stack([cache.x for cache in trained])  # (T, 1, E)
    orthogonal = layers["orthogonal"][0].parameters
    for bias in FORGET_BIASES:
        parameters = orthogonal._replace(bias=orthogonal.bias.copy())
        forget_gate = gate_weights(parameters)["f"]
        forget_gate.b[:] = bias
        biased[bias] = run_layer(parameters, x)
    # 3) Draw the pictures.
    with matplotlib.rc_context(STYLE):
        figures = {
            "gain.png": _gains(flows, plain_flows),
            "spectrum.png": _spectra(flows, plain_flows),
            "forget_gate.png": _forget_gates(biased, trained),
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
    """Measure ∂h_t/∂h_k in an LSTM: gains at every t - k, singular values at `distances`."""
    return _measure_flow(_parts_by_distance(caches), distances)


def _parts_by_distance(caches: Sequence[StepCache]) -> Iterator[dict[str, Array]]:
    """Yield the parts of ∂h_t/∂h_k by name, first for t - k = 1, then for t - k = 2 and so on.

    They are yielded distance by distance because the parts at all distances would fill 600 MB.
    """
    for products in back_through_time(caches):
        hidden = products.hidden[0]  # the only row of the batch
        cell = products.cell[0]
        H = len(hidden)
        whole = products.whole[0, :, :H]  # without the columns of c_k
        yield {
            "whole": whole,
            "hidden": hidden,
            "cell": cell,
            "missed": whole - hidden,
            "missed_by_cell": whole - cell,
            "mixed": whole - hidden - cell,
        }


def plain_gradient_flow(
    caches: Sequence[StepCache], distances: Collection[int] = DISTANCES
) -> GradientFlow:
    """Measure ∂h_t/∂h_k in a plain RNN with the weights of the LSTM's cell.

    The RNN is h_t = tanh(W_ch h_{t-1} + W_cx x_t + b_c), and its Jacobian of one step is
    ∂h_t/∂h_{t-1} = diag[1 - h_t²] W_ch.
    """
    # 1) Compute the Jacobian of each step.
    W_h, W_x, b = gate_weights(caches[0].parameters)["c"]
    h = np.zeros_like(b)
    jacobians = []
    for cache in caches:
        h = np.tanh(W_h @ h + W_x @ cache.x[0] + b)
        diagonal = 1 - h * h
        jacobians.append(diagonal[:, None] * W_h)
    # 2) Multiply them from the last step backwards, which gives ∂h_t/∂h_k for t - k = 1, 2, …
    products = accumulate(reversed(jacobians), np.matmul)
    parts_by_distance = ({"whole": product} for product in products)
    return _measure_flow(parts_by_distance, distances)


def _measure_flow(
    parts_by_distance: Iterable[Mapping[str, Array]], distances: Collection[int]
) -> GradientFlow:
    """Compute gains and singular values from the parts of ∂h_t/∂h_k, the smallest t - k first.

    Singular values are computed only at `distances`, because they take the longest.
    """
    gains: dict[str, list[float]] = {}
    spectra = {}
    for distance, parts in enumerate(parts_by_distance, start=1):
        for name, part in parts.items():
            gain = float(np.linalg.norm(part) / np.sqrt(len(part)))
            gains.setdefault(name, []).append(gain)
        if distance in distances:
            spectra[distance] = np.linalg.svd(parts["whole"], compute_uv=False)
    arrays = {name: np.array(values) for name, values in gains.items()}
    return GradientFlow(gains=arrays, spectra=spectra)


def _gains(flows: Mapping[str, GradientFlow], plain_flows: Mapping[str, GradientFlow]) -> Figure:
    """Draw the gain of ∂h_t/∂h_k of each layer, with the LSTM's gates and without them."""
    figure, (left, right) = panels(2, size=WIDE, **GAIN)
    figure.suptitle("How much of a change of $h_k$ reaches $h_t$; with zero weights, nothing")
    left.set_title("LSTM")
    right.set_title("without gates: a plain tanh RNN")
    for name, line in LINES.items():
        by_step(left, flows[name].gains["whole"], label=name, **line)
        by_step(right, plain_flows[name].gains["whole"], label=name, **line)
    return figure


def _spectra(flows: Mapping[str, GradientFlow], plain_flows: Mapping[str, GradientFlow]) -> Figure:
    """Draw the singular values at each distance, one panel per layer.

    Values that are rounding errors are left out.
    """
    labels = {
        **GAIN,
        "xlabel": "share of the values",
        "ylabel": "singular value",
        "xticks": (0, 0.5, 1),
    }
    figure, all_axes = panels(2 * len(LINES), columns=len(LINES), size=(14, 7), **labels)
    figure.suptitle(r"Singular values of $\partial h_t/\partial h_k$, the largest first")
    flow_by_title = {f"LSTM, {name}": flows[name] for name in LINES}
    flow_by_title |= {f"RNN, {name}": plain_flows[name] for name in LINES}
    for axes, (title, flow) in zip(all_axes, flow_by_title.items(), strict=True):
        axes.set_title(title)
        for distance, values in flow.spectra.items():
            share = np.arange(1, len(values) + 1) / len(values)
            # Smaller singular values are rounding errors (NumPy's `matrix_rank` has this bound).
            rounding_error = values[0] * len(values) * np.finfo(values.dtype).eps
            is_reliable = values > rounding_error
            axes.plot(share[is_reliable], values[is_reliable], label=f"$t - k$ = {distance}")
    return figure


def _forget_gates(
    biased: Mapping[float, Sequence[StepCache]], trained: Sequence[StepCache]
) -> Figure:
    """Draw the gain of ∂h_t/∂h_k, along all ways and along the cell, and the mean forget gates.

    `biased` has a layer for each bias of the forget gate.
    """
    figure, (left, right) = panels(2, size=WIDE, sharey=False, ylim=(0, 1))
    left.set(**GAIN)
    # These gains span fewer powers of ten than those of the other figures.
    left.set(title="solid: all ways; dashed: along the cell alone", ylim=(1e-6, 10))
    right.set(title="forget gates, the most closed first", xlabel="share of the units")
    right.set_ylabel("$f_t$, mean over the verse")

    def draw_layer(label: str, layer: Sequence[StepCache], line: Mapping[str, Any]) -> None:
        gains = gradient_flow(layer, distances=()).gains  # no singular values
        by_step(left, gains["whole"], label=label, **line)
        by_step(left, gains["cell"], "--", **line)
        mean_f = np.mean([cache.gates.f[0] for cache in layer], axis=0)  # over the steps, (H)
        H = len(mean_f)
        share_of_units = np.arange(1, H + 1) / H
        right.plot(share_of_units, np.sort(mean_f), **line)

    for bias, colour in FORGET_BIASES.items():
        draw_layer(f"orthogonal, $b_f$ = {bias:g}", biased[bias], {"color": colour})
    draw_layer("trained", trained, LINES["trained"])
    return figure


def _products(flows: Mapping[str, GradientFlow]) -> Figure:
    """Draw the gains of ∂h_t/∂h_k and of the report's product ∏ ∂h_{i+1}/∂h_i, and its error."""
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
