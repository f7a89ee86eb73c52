"""ReLU and leaky ReLU in the cell, with and without clipping, against tanh: what explodes, what learns."""

import math
from itertools import product

from pingze.report.charts import Chart, Line
from pingze.report.claims import plan
from pingze.report.diagnostics import diagnose
from pingze.report.experiment import Experiment, Judged, Measured, Row, Rows, Trial
from pingze.report.setup import Setup
from pingze.report.training import train

ACTIVATIONS = ("tanh", "relu", "leaky_relu")
RECTIFIERS = ACTIVATIONS[1:]
RATES = tuple(plan("activation")["rates"])
CLIPS = (None, plan("activation")["clip_norm"])
BACK = 16
LOOKS = 4
LARGE = 10.0


def trial_name(activation: str, rate: float, clip: float | None) -> str:
    """The name of a trial."""
    return f"{activation}, rate {rate:g}, {'clipped' if clip else 'not clipped'}"


def trials(setup: Setup) -> list[Trial]:
    """Each activation at each rate, clipped and not; longer where the gradient is looked at afterwards."""
    steps, back_steps = (setup.steps(plan("activation")[name]) for name in ("steps", "back_steps"))
    return [
        Trial(
            trial_name(activation, rate, clip),
            {"activation": activation, "learning_rate": rate, "clip_norm": clip},
            back_steps if (rate, clip) == (RATES[0], CLIPS[1]) else steps,
        )
        for activation, rate, clip in product(ACTIVATIONS, RATES, CLIPS)
    ]


def measure(setup: Setup, trial: Trial) -> Measured:
    """Train; see how far back the gradient reaches afterwards."""
    course = train(setup, trial.settings, trial.steps, looks=LOOKS)
    reach = diagnose(course.trainer.model, course.trainer.dev_sequences).reach
    measured = course.measured(share_back=float(reach[BACK] / reach[0]))
    return Measured(measured.figures, {**measured.curves, "reach": reach.tolist()})


def _vanishing(rows: Rows) -> Judged:
    found = [rows[trial_name(activation, RATES[0], CLIPS[1])] for activation in ACTIVATIONS]
    tanh, *rectified = (row.figures["share_back"] or 0.0 for row in found)
    shares = ", ".join(f"{name} {share:.3g}" for name, share in zip(RECTIFIERS, rectified, strict=True))
    sentence = (
        f"Of the gradient at the last character, {BACK} steps back this share arrives: tanh {tanh:.3g}, "
        f"{shares} (trained at the rate {RATES[0]:g}, clipped)."
    )
    return Judged({"ratio": min(rectified) / tanh if tanh else math.inf}, sentence, found)


def _explodes(row: Row, tanh: Row) -> bool:
    return bool(row.figures["diverged"]) or row.number("largest_norm") > LARGE * tanh.number("largest_norm")


def _exploding(rows: Rows) -> Judged:
    pairs = {
        f"{activation} at {rate:g}": (
            rows[trial_name(activation, rate, None)],
            rows[trial_name("tanh", rate, None)],
        )
        for rate in RATES
        for activation in RECTIFIERS
    }
    exploded = [name for name, pair in pairs.items() if _explodes(*pair)]
    norms = "; ".join(f"{name} {_norm(row)} (tanh {_norm(tanh)})" for name, (row, tanh) in pairs.items())
    clipped = {
        f"{activation} at {rate:g}": rows[trial_name(activation, rate, CLIPS[1])]
        for activation, rate in product(ACTIVATIONS, RATES)
    }
    learnt = ", ".join(f"{name} {row.number('dev_nats'):.3f}" for name, row in clipped.items())
    sentence = (
        f"Without clipping, {len(exploded)} of {len(pairs)} "
        f"explode{': ' if exploded else ''}{', '.join(exploded)}. Largest norm of the gradient: {norms}. With "
        f"the norm clipped, dev ends at: {learnt} nats per token."
    )
    return Judged(
        {"exploded": len(exploded)},
        sentence,
        [*(row for pair in pairs.values() for row in pair), *clipped.values()],
    )


def _norm(row: Row) -> str:
    return (
        f"not finite at step {row.figures['failed_at']}"
        if row.figures["failed_at"]
        else f"{row.number('largest_norm'):.3g}"
    )


def charts(rows: Rows) -> list[Chart]:
    """Norms without clipping; dev of all."""
    norms = [
        Line(
            f"{activation}, {rate:g}",
            range(1, len(row.curves["norm"]) + 1),
            row.curves["norm"],
            ACTIVATIONS.index(activation),
            RATES.index(rate),
        )
        for activation, rate in product(ACTIVATIONS, RATES)
        for row in [rows[trial_name(activation, rate, None)]]
    ]
    dev = [
        Line(
            activation,
            row.curves["looks"],
            row.curves["dev"],
            ACTIVATIONS.index(activation),
            panel=f"rate {rate:g}, {'clipped' if clip else 'not clipped'}",
        )
        for rate, clip, activation in product(RATES, CLIPS, ACTIVATIONS)
        for row in [rows[trial_name(activation, rate, clip)]]
    ]
    top = max(row.curves["dev"][0] or 0 for row in rows.values()) + 1
    return [
        Chart(
            "The gradient without clipping",
            "Norm of each step's gradient, by activation and rate. A line that stops ends in numbers "
            "that are not finite. Logarithmic.",
            "step",
            "norm of the gradient",
            norms,
            y_scale="log",
        ),
        Chart("What is learnt", "Dev by step.", "step", "dev, nats per token", dev, y_limits=(None, top)),
    ]


EXPERIMENT = Experiment(
    name="activation",
    title="ReLU and leaky ReLU in the cell",
    about=(
        "The candidate c̃ and the output φ(c) go through tanh, ReLU or leaky ReLU (slope 0.01), all else "
        "equal, at two rates of Adam, with the gradient's norm clipped at 1 and not clipped."
    ),
    trials=trials,
    measure=measure,
    judges={"vanishing": _vanishing, "exploding": _exploding},
    charts=charts,
)
