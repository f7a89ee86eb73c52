"""ReLU and leaky ReLU in the cell, with and without clipping, against tanh: what explodes, and what learns."""

import math
from collections.abc import Mapping, Sequence
from itertools import product

from matplotlib.figure import Figure

from pingze.report.experiments.charts import cap, panels
from pingze.report.experiments.claims import Numbers, plan
from pingze.report.experiments.course import train
from pingze.report.experiments.experiment import Measured, Row, Rows, Trial
from pingze.report.experiments.inspection import diagnose
from pingze.report.experiments.setup import Setup

ACTIVATIONS = ("tanh", "relu", "leaky_relu")
RATES = tuple(plan("activation")["rates"])
CLIPS = (None, plan("activation")["clip_norm"])
BACK = 16
LOOKS = 4
LARGE = 10.0
"""A network explodes when its norm is so many times tanh's."""


def _name(activation: str, rate: float, clip: float | None) -> str:
    return f"{activation}, rate {rate:g}, {'clipped' if clip else 'not clipped'}"


def trials(setup: Setup, rows: Rows) -> list[Trial]:
    """List each activation at each rate, clipped and not; longer if the gradient is measured afterwards."""
    steps, back_steps = (setup.steps(plan("activation")[name]) for name in ("steps", "back_steps"))
    return [
        Trial(
            _name(activation, rate, clip),
            {"activation": activation, "learning_rate": rate, "clip_norm": clip},
            back_steps if (rate, clip) == (RATES[0], CLIPS[1]) else steps,
        )
        for activation, rate, clip in product(ACTIVATIONS, RATES, CLIPS)
    ]


def measure(setup: Setup, trial: Trial) -> Measured:
    """Train, and measure how far back the gradient reaches afterwards."""
    course = train(setup, trial.settings, trial.steps, looks=LOOKS)
    reach = diagnose(course.trainer.model, course.trainer.dev_sequences).reach
    measured = course.measured(share_back=float(reach[BACK] / reach[0]))
    return Measured(measured.figures, {**measured.curves, "reach": reach.tolist()})


def judge(rows: Rows) -> Mapping[str, Numbers]:
    """Compute the numbers of each claim."""

    def explodes(row: Row, tanh: Row) -> bool:
        return row.figures["diverged"] or row.number("largest_norm") > LARGE * tanh.number("largest_norm")

    shares = [rows[_name(each, RATES[0], CLIPS[1])].figures["share_back"] or 0.0 for each in ACTIVATIONS]
    exploded = sum(
        explodes(rows[_name(activation, rate, None)], rows[_name("tanh", rate, None)])
        for activation, rate in product(ACTIVATIONS[1:], RATES)
    )
    ratios = [share / shares[0] if shares[0] else math.inf for share in shares[1:]]
    return {
        "vanishing": {"ratio": min(ratios), "either": max(ratios)},
        "exploding": {"exploded": exploded},
    }


def figures(rows: Rows) -> Sequence[Figure]:
    """Draw the norms without clipping, and dev of all."""
    norms, (axes,) = panels(xlabel="step", ylabel="norm of the gradient", yscale="log")
    dev, every = panels(4, xlabel="step", ylabel="dev, nats per token")
    for (number, activation), (dash, rate) in product(
        enumerate(ACTIVATIONS), zip(("-", "--"), RATES, strict=True)
    ):
        curve = rows[_name(activation, rate, None)].curve("norm")
        axes.plot(range(1, len(curve) + 1), curve, f"C{number}{dash}", label=f"{activation}, {rate:g}")
    for panel, (rate, clip) in zip(every, product(RATES, CLIPS), strict=True):
        for activation in ACTIVATIONS:
            row = rows[_name(activation, rate, clip)]
            panel.plot(row.curve("looks"), row.curve("dev"), label=activation)
        panel.set_title(f"rate {rate:g}, {'clipped' if clip else 'not clipped'}", fontsize=11)
    cap(every, 1 + max(row.curve("dev")[0] for row in rows.values()))
    return [norms, dev]
