"""Draw the pictures of docs/training-explained.md, from stored rows or computed here.

python tools/training_pictures.py [NAME ...]
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pingze.arrays import Array
from pingze.derivation.differentiation import VERSE, trained_layer, untrained_layer
from pingze.derivation.pictures import gradient_flow, plain_gradient_flow
from pingze.lstm.initializers import initialize

DOCS = Path(__file__).parents[1] / "docs"
ROWS = Path(__file__).parents[1] / "lab" / "report" / "results" / "results.json"
FOLDER = DOCS / "training-explained"
BLUE = "#0072b2"
ORANGE = "#e69f00"
GREEN = "#009e73"
RED = "#d55e00"
GREY = "#777777"
SEED = 11
"""The first of the five seeds, where a picture shows a single one."""
STYLE: Any = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "pingze",
    "axes.grid": True,
    "grid.alpha": 0.3,
    "font.size": 10,
    "legend.fontsize": 9,
}


def rows() -> dict[str, Any]:
    """The measured rows of lab/report/results, by name."""
    read: dict[str, Any] = json.loads(ROWS.read_text(encoding="utf-8"))["rows"]
    return read


def curve(name: str, y: str, x: str | None = None) -> tuple[Array, Array]:
    """A measured curve; x counts from 1 unless another curve is named."""
    curves = rows()[name]["curves"]
    values = np.array([np.nan if value is None else value for value in curves[y]], dtype=float)
    if x:
        return np.array(curves[x]), values
    return np.arange(1, len(values) + 1), values


def smooth(values: Array, over: int = 16) -> Array:
    """Mean of the last `over` values, fewer at the start."""
    return np.array([values[max(0, n - over) : n].mean() for n in range(1, len(values) + 1)])


def panels(count: int, width: float = 8.6) -> tuple[Figure, Any]:
    """A figure with one row of axes."""
    figure = Figure(figsize=(width, 3.4), layout="constrained")
    return figure, figure.subplots(1, count)


def name_axes(axes: Axes, title: str, x: str, y: str) -> None:
    """Set the three texts of a panel."""
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def zero() -> Figure:
    """What networks learn whose LSTM starts at zero."""
    figure, axes = panels(1, 7)
    shown = {
        "all": ("all weights zero", RED),
        "equal": ("LSTM zero, output equal for all units", ORANGE),
        "equal-dropout": ("the same, with dropout", GREY),
        "output": ("LSTM zero, output random", BLUE),
        "biases": ("Xavier weights, zero biases", GREEN),
    }
    for name, (label, colour) in shown.items():
        steps, loss = curve(f"zero/{name}, seed {SEED}", "loss")
        axes.plot(steps[:128], smooth(loss[:128]), color=colour, label=label)
    floor = rows()[f"zero/unigram, seed {SEED}"]["figures"]["train_entropy"]
    axes.axhline(floor, color="black", ls=":", label=f"entropy of single characters, {floor:.2f}")
    name_axes(axes, "Networks whose weights start at zero", "step", "training loss, nats per token")
    axes.legend()
    return figure


WEIGHTS = {
    "normal, 1": RED,
    "normal, 0.1": ORANGE,
    "normal, 0.01": GREY,
    "Xavier": GREEN,
    "orthogonal": BLUE,
}


def recurrent(name: str, rng: np.random.Generator, size: int = 512) -> Array:
    """One recurrent matrix (H, H)."""
    kind, _, scale = name.lower().partition(", ")
    drawn = initialize(kind, 1, size, rng, float(scale or 1)).weight_hh[:size]
    return drawn.astype(np.float64)


def variance() -> Figure:
    """Size of a vector carried forward, and of a gradient carried back, by a tanh RNN."""
    figure, (left, right) = panels(2)
    for name, colour in WEIGHTS.items():
        # 1) Forward.
        rng = np.random.default_rng(0)
        W = recurrent(name, rng)
        h = rng.standard_normal(512)
        states = []
        for _ in range(48):
            h = np.tanh(W @ h)
            states.append(h)
        # 2) Back; the gradient is brought to length 1 after each step, so that none vanishes.
        dh = rng.standard_normal(512)
        back = [1.0]
        for h in states[::-1]:
            before = np.linalg.norm(dh)
            dh = W.T @ ((1 - h * h) * dh)
            back.append(float(back[-1] * np.linalg.norm(dh) / before))
            dh /= np.linalg.norm(dh)
        # 3) The curves.
        sizes = [np.sqrt((h * h).mean()) for h in states]
        left.semilogy(range(1, 49), sizes, color=colour, label=name)
        right.semilogy(range(49), back, color=colour, label=name)
    left.set_ylim(1e-8, 3)
    right.set_ylim(1e-12, 1e12)
    name_axes(left, "forward: size of h", "step", "root mean square")
    name_axes(right, "back: size of the gradient", "steps back", "beside the last step's")
    left.legend(title="weights")
    return figure


def time() -> Figure:
    """How much of a change of h_k reaches h_t, with gates and without; the marks of the verse."""
    figure, (left, right) = panels(2)
    trained = trained_layer("report", 48)
    layers = {
        "trained": (trained, "black"),
        "orthogonal": (untrained_layer("orthogonal", trained, np.random.default_rng(0)), BLUE),
        "Xavier": (untrained_layer("xavier", trained, np.random.default_rng(0)), GREEN),
    }
    for name, (layer, colour) in layers.items():
        gated = gradient_flow(layer, ())
        plain = plain_gradient_flow(layer, ())
        left.semilogy(range(1, 49), gated.gains["whole"], color=colour, label=name)
        right.semilogy(range(1, 49), plain.gains["whole"], color=colour)
    for axes in (left, right):
        axes.set_ylim(1e-10, 3)
        for place, character in enumerate(VERSE[:47], start=1):
            # step `place` + 1 reads it, and is the first factor after h of step `place`
            if character in "，。":
                axes.axvline(48 - place, color=GREY, lw=0.7, ls=":")
    left.plot([], [], color=GREY, lw=0.7, ls=":", label="the next step reads a mark")
    name_axes(left, "LSTM", "t − k", "gain of ∂h_t/∂h_k")
    name_axes(right, "without gates: plain tanh RNN", "t − k", "")
    left.legend()
    return figure


def clipping() -> Figure:
    """Norm of each gradient, unclipped and clipped at 1: SGD with momentum, Adam with ReLU."""
    figure, axes = panels(2)
    shown = {
        "tanh, momentum": "SGD with momentum, rate 1",
        "ReLU, Adam": "Adam, ReLU in the cell, rate 0.02",
    }
    for panel, (name, title) in zip(axes, shown.items(), strict=True):
        for setting, colour, label in (
            ("none", RED, "not clipped"),
            ("norm 1", BLUE, "norm clipped at 1"),
        ):
            steps, norms = curve(f"clipping/{name}, {setting}, seed 13", "norm")
            panel.semilogy(steps, norms, color=colour, label=label)
        name_axes(panel, title, "step", "norm of the gradient, before clipping")
        panel.axhline(1, color=GREY, ls=":")
    axes[0].legend()
    return figure


def perplexity() -> Figure:
    """Where the product of 1/p overflows float32, for the dev poems and for even probabilities."""
    figure, axes = panels(1, 6)
    shares = rows()["perplexity/model"]["curves"]["overflowed"]
    axes.plot(range(len(shares)), shares, color=BLUE, label="dev poems, model `report`")
    even = rows()["perplexity/arithmetic"]["figures"]["even_overflows_at"]
    axes.axvline(even, color=GREY, ls="--", label=f"even probabilities: at character {even}")
    name_axes(
        axes, "The product of 1/p in float32", "characters multiplied", "share that is infinite"
    )
    axes.legend()
    return figure


def softmax() -> Figure:
    """Two softmaxes: where the probability goes, and the loss beside its approximation."""
    figure, (left, right) = panels(2)
    size = 5851
    for name, colour in {"Adam, rate 0.01": BLUE, "SGD, rate 10000": ORANGE}.items():
        looks, largest = curve(f"saturation/{name}", "p_largest", "looks")
        _, correct = curve(f"saturation/{name}", "p_correct", "looks")
        _, twice = curve(f"saturation/{name}", "twice", "looks")
        left.plot(looks, largest, color=colour, label=f"{name}: largest p")
        left.plot(looks, correct, color=colour, ls="--", label="p of the right token")
        right.plot(looks, twice, color=colour, label=name)
        right.plot(looks, np.log(size - 1 + np.e) - correct, "x", color=colour)
    right.plot([], [], "x", color=GREY, label="ln(V − 1 + e) − E[p(right)]")
    right.axhline(np.log(size - 1 + np.e) - 1, color="black", ls=":", label="where all is right")
    name_axes(left, "probabilities given on dev", "step", "mean")
    name_axes(right, "the loss with two softmaxes", "step", "nats per token")
    left.legend(loc="center right")
    right.legend(loc="center right")
    return figure


def overfitting() -> Figure:
    """Dev and training poems, by step, for 2,048 and for 16,384 training poems."""
    figure, axes = panels(1, 7)
    for name, colour, label in (("few", RED, "2,048 poems"), ("many", BLUE, "16,384 poems")):
        looks, dev = curve(f"data/{name}, seed {SEED}", "dev", "looks")
        _, train = curve(f"data/{name}, seed {SEED}", "train", "looks")
        axes.plot(looks, dev, color=colour, label=f"{label}: dev")
        axes.plot(looks, train, color=colour, ls="--", label="read in training")
    name_axes(axes, "The same network on few and on many poems", "step", "nats per token")
    axes.legend(loc="lower right")
    return figure


VALLEY = np.array([0.01, 1.0])
"""Curvatures along and across: the loss is half the sum of curvature × position squared."""
START = np.array([-8.0, 1.5])


def descend(optimizer: str, rate: float, steps: int) -> Array:
    """The places that an optimizer's steps reach in the valley."""
    w = START.copy()
    m = np.zeros(2)
    v = np.zeros(2)
    path = [START.copy()]
    for n in range(1, steps + 1):
        d = VALLEY * w
        if optimizer == "Adam":
            m = 0.9 * m + 0.1 * d
            v = 0.999 * v + 0.001 * d * d
            w = w - rate * (m / (1 - 0.9**n)) / (np.sqrt(v / (1 - 0.999**n)) + 1e-8)
        else:
            m = (0.9 if optimizer == "momentum" else 0.0) * m + d
            w = w - rate * m
        path.append(w)
    return np.array(path)


def valley() -> Figure:
    """Three optimizers in a narrow valley, and two of them on poems."""
    figure, (left, right) = panels(2, 9.4)
    # 1) The valley's contours, and the optimizers' ways.
    angle = np.linspace(0, 2 * np.pi, 60)
    for level in (0.05, 0.3, 0.8, 1.5):
        across = np.sqrt(2 * level / VALLEY)
        left.plot(across[0] * np.cos(angle), across[1] * np.sin(angle), color="#cccccc", lw=0.8)
    for name, rate, colour in (("SGD", 1.8, GREY), ("momentum", 0.5, ORANGE), ("Adam", 0.3, BLUE)):
        path = descend(name, rate, 40)
        label = f"{name}, rate {rate}"
        left.plot(path[:, 0], path[:, 1], ".-", ms=3, lw=1, color=colour, label=label)
    left.plot(0, 0, "k*")
    left.set_xlim(-9, 4)
    name_axes(left, "40 steps in a valley 100 times as steep across", "along", "across")
    left.legend()
    # 2) The measured curves.
    for name, colour in (("SGD with momentum", ORANGE), ("Adam", BLUE)):
        for seed in range(11, 16):
            looks, dev = curve(f"optimizers/{name}, race, seed {seed}", "dev", "looks")
            right.plot(looks, dev, color=colour, lw=0.9, label=name if seed == SEED else None)
    for target in (6.2, 6.0, 5.8):
        right.axhline(target, color=GREY, ls=":", lw=0.8)
    name_axes(
        right, "on poems: five seeds, each at its best setting", "step", "dev, nats per token"
    )
    right.set_ylim(4.8, 9)
    right.legend()
    return figure


PICTURES = (zero, variance, time, clipping, perplexity, softmax, overfitting, valley)


def main(names: list[str]) -> None:
    """Draw all pictures, or those named."""
    for draw in PICTURES:
        if not names or draw.__name__ in names:
            path = FOLDER / f"{draw.__name__}.svg"
            with rc_context(STYLE):
                draw().savefig(path, metadata={"Date": None})
            svg = path.read_text(encoding="utf-8")
            # hundredths of a point suffice
            path.write_text(re.sub(r"(\.\d\d)\d+", r"\1", svg), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
