"""Random initialization: gates, gradients and learning under five kinds of first weights."""

import math
import time

import numpy as np

from pingze.lstm.initialization import initialize
from pingze.report.charts import Chart, Line
from pingze.report.claims import plan
from pingze.report.diagnostics import diagnose
from pingze.report.experiment import Experiment, Judged, Measured, Row, Rows, Trial
from pingze.report.setup import Setting, Setup
from pingze.report.training import Course, train

STANDARD, GOOD = "standard normal", "orthogonal"
SETTINGS: dict[str, dict[str, Setting]] = {
    STANDARD: {"initialization": "normal", "initialization_scale": 1.0},
    "normal 0.01": {"initialization": "normal", "initialization_scale": 0.01},
    "uniform": {"initialization": "uniform"},
    "xavier": {"initialization": "xavier"},
    GOOD: {"initialization": "orthogonal"},
}
BACK = 16
"""Steps back at which the gradient that arrives is compared."""
DRAWS = 5
"""How often the weights are drawn to take the time of it; the least counts."""


def trials(setup: Setup) -> list[Trial]:
    """A network for each kind."""
    steps = setup.steps(plan("initialization")["steps"])
    return [Trial(name, settings, steps) for name, settings in SETTINGS.items()]


def measure(setup: Setup, trial: Trial) -> Measured:
    """Look inside before and after a training."""
    before = train(setup, trial.settings, 0).trainer
    first = diagnose(before.model, before.dev_sequences)
    started = time.process_time()
    course = train(setup, trial.settings, trial.steps)
    epoch = (time.process_time() - started) / trial.steps * course.trainer.steps_per_epoch
    last = diagnose(course.trainer.model, course.trainer.dev_sequences)
    measured = course.measured(
        saturated_before=first.saturated,
        saturated_after=last.saturated,
        reach_before=float(first.reach[BACK]),
        reach_after=float(last.reach[BACK]),
        at_once_before=float(first.reach[0]),
        draw_share=10.0 ** math.ceil(math.log10(_drawing_seconds(course) / epoch)),
    )
    reaches = {"reach_before": first.reach.tolist(), "reach_after": last.reach.tolist()}
    return Measured(measured.figures, {**measured.curves, **reaches})


def _drawing_seconds(course: Course) -> float:
    """The least time to draw the LSTM's weights as a training's settings have it."""
    preset, seconds = course.trainer.preset, []
    for seed in range(DRAWS):
        started = time.process_time()
        initialize(
            preset.training.initialization,
            preset.model.embedding_size,
            preset.model.hidden_size,
            np.random.default_rng(seed),
            preset.training.initialization_scale,
        )
        seconds.append(time.process_time() - started)
    return min(seconds)


def _gradients(rows: Rows) -> Judged:
    row, good = rows[STANDARD], rows[GOOD]
    total = row.number("first_norm") / good.number("first_norm")
    back = row.number("reach_before") / good.number("reach_before")
    saturated = ", ".join(
        f"{name} {row.number('saturated_before'):.0%} → {row.number('saturated_after'):.0%}"
        for name, row in rows.items()
    )
    sentence = (
        f"Before training, standard normal weights give a gradient {total:.2g} times that of orthogonal "
        f"ones, and {BACK} steps back {back:.2g} times as much arrives. Saturated gates, before → after "
        f"training: {saturated}."
    )
    off = min(max(ratio, 1 / ratio) for ratio in (total, back))
    return Judged({"off": off}, sentence, list(rows.values()))


def _convenient(rows: Rows) -> Judged:
    row = rows[STANDARD]
    shares = ", ".join(f"{name} {_draw_share(row):g}" for name, row in rows.items())
    dev = ", ".join(f"{name} {row.number('dev_nats'):.3f}" for name, row in rows.items())
    sentence = (
        f"Drawing the LSTM's weights takes less than this share of an epoch: {shares}. That the network then "
        f"learns fast is another question: dev after equal steps, in nats per token: {dev}."
    )
    return Judged({"share": _draw_share(row)}, sentence, list(rows.values()))


def _draw_share(row: Row) -> float:
    return row.number("draw_share")


def charts(rows: Rows) -> list[Chart]:
    """Gradient by distance, before and after; dev by step."""
    reach = [
        Line(
            name + suffix, range(len(row.curves[key])), [value or None for value in row.curves[key]], n, style
        )
        for n, (name, row) in enumerate(rows.items())
        for key, suffix, style in (("reach_before", "", 0), ("reach_after", ", trained", 1))
    ]
    dev = [
        Line(name, row.curves["looks"], row.curves["dev"], n, marked=True)
        for n, (name, row) in enumerate(rows.items())
    ]
    return [
        Chart(
            "How far back the gradient reaches",
            "Norm of the gradient of the last character's loss at the input so many steps before it; "
            "solid before, dashed after training. Logarithmic.",
            "steps back",
            "norm of ∂L/∂x",
            reach,
            y_scale="log",
        ),
        Chart("What is learnt", "Dev by step, from each start.", "step", "dev, nats per token", dev),
    ]


EXPERIMENT = Experiment(
    name="initialization",
    title="Random initialization",
    about=(
        "The LSTM's weights start as standard normal numbers, as normal ones of standard deviation 0.01, "
        "uniform on ±1/√H, after Xavier Glorot, or orthogonal with Xavier's input weights and a forget "
        "bias of 1; embedding and output start alike. A gate is saturated below 0.05 or above 0.95."
    ),
    trials=trials,
    measure=measure,
    judges={"gradients": _gradients, "convenient": _convenient},
    charts=charts,
)
