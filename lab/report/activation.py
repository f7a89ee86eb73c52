"""Compare tanh, ReLU and leaky ReLU as cell activations, with and without clipping: which explode, and which learn."""

import math
from itertools import product

from lab.report import plan
from lab.report.charts import cap
from lab.report.course import diagnose, train
from lab.report.experiment import Figures, Judged, Measured, Rows, Setup, Trial
from pingze.derivation.charts import by_step, panels

TANH, *OTHERS = ACTIVATIONS = ("tanh", "relu", "leaky_relu")
RATES = tuple(plan("activation")["rates"])
CLIPS = (None, plan("activation")["clip_norm"])
BACK = 16
LARGE = 10.0
"""A network explodes if its largest gradient norm is above `LARGE` times that of the tanh network."""


def _name(activation: str, rate: float, clip: float | None) -> str:
    return f"{activation}, rate {rate:g}, {'clipped' if clip else 'not clipped'}"


def trials(setup: Setup, rows: Rows) -> list[Trial]:
    """List two trials per activation and rate: clipped and not clipped.

    Trials for the claim `vanishing` are longer.
    """
    found = []
    for activation, rate, clip in product(ACTIVATIONS, RATES, CLIPS):
        steps = plan("activation")[
            "back_steps" if (rate, clip) == (RATES[0], CLIPS[1]) else "steps"
        ]
        settings = {"activation": activation, "learning_rate": rate, "clip_norm": clip}
        found.append(Trial(_name(activation, rate, clip), settings | {"steps": setup.steps(steps)}))
    return found


def measure(setup: Setup, trial: Trial) -> Measured:
    """Train a network, then measure how far back its gradient reaches."""
    course = train(setup, trial.settings, looks=4)
    _, reach = diagnose(course.trainer.model, course.trainer.dev_sequences)
    return course.measured({"reach": reach.tolist()}, share_back=float(reach[BACK] / reach[0]))


def judge(rows: Rows) -> Judged:
    """Compute the numbers by which each claim is judged."""
    tanh, *shares = (
        rows[_name(each, RATES[0], CLIPS[1])].figures["share_back"] or 0.0 for each in ACTIVATIONS
    )
    ratios = [share / tanh if tanh else math.inf for share in shares]
    exploded = 0
    for activation, rate in product(OTHERS, RATES):
        row, usual = (
            rows[_name(activation, rate, None)],
            rows[_name(TANH, rate, None)].number("largest_norm"),
        )
        exploded += row.figures["diverged"] or row.number("largest_norm") > LARGE * usual
    return {
        "vanishing": {"ratio": min(ratios), "either": max(ratios)},
        "exploding": {"exploded": exploded},
    }


def figures(rows: Rows) -> Figures:
    """Draw the gradient norms of the trials without clipping, and the dev loss of every trial."""
    norms, (axes,) = panels(xlabel="step", ylabel="norm of the gradient", yscale="log")
    dev, every = panels(4, xlabel="step", ylabel="dev, nats per token")
    for (number, activation), (dash, rate) in product(
        enumerate(ACTIVATIONS), zip(("-", "--"), RATES, strict=True)
    ):
        curve = rows[_name(activation, rate, None)].curve("norm")
        by_step(axes, curve, f"C{number}{dash}", label=f"{activation}, {rate:g}")
    for panel, (rate, clip) in zip(every, product(RATES, CLIPS), strict=True):
        for activation in ACTIVATIONS:
            row = rows[_name(activation, rate, clip)]
            panel.plot(row.curve("looks"), row.curve("dev"), label=activation)
        panel.set_title(f"rate {rate:g}, {'clipped' if clip else 'not clipped'}")
    cap(every, 1 + max(row.curve("dev")[0] for row in rows.values()))
    return [norms, dev]
