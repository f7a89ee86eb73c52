"""Random initialization: gates, gradients and learning under five kinds of first weights."""

import math
import time
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from pingze.lstm.initializers import initialize
from pingze.report.experiments.charts import panels
from pingze.report.experiments.claims import Numbers
from pingze.report.experiments.course import train
from pingze.report.experiments.experiment import Measured, Rows, Trial
from pingze.report.experiments.inspection import diagnose
from pingze.report.experiments.setup import Setup

STANDARD, GOOD = "standard normal", "orthogonal"
BACK = 16
"""Steps back at which the gradient that arrives is compared."""
DRAWS = 5
"""How often the weights are drawn to take the time; the least counts."""


def measure(setup: Setup, trial: Trial) -> Measured:
    """Measure gates and gradients before and after a training, and the time that drawing the weights takes."""
    before = train(setup, trial.settings, 0).trainer
    first = diagnose(before.model, before.dev_sequences)
    started = time.process_time()
    course = train(setup, trial.settings, trial.steps)
    epoch = (time.process_time() - started) / trial.steps * course.trainer.steps_per_epoch
    last = diagnose(course.trainer.model, course.trainer.dev_sequences)
    model, training = course.trainer.preset.model, course.trainer.preset.training
    sizes, seconds = (model.embedding_size, model.hidden_size), []
    for seed in range(DRAWS):
        rng, started = np.random.default_rng(seed), time.process_time()
        initialize(training.initialization, *sizes, rng, training.initialization_scale)
        seconds.append(time.process_time() - started)
    measured = course.measured(
        saturated_before=first.saturated,
        saturated_after=last.saturated,
        reach_before=float(first.reach[BACK]),
        reach_after=float(last.reach[BACK]),
        at_once_before=float(first.reach[0]),
        draw_share=10.0 ** math.ceil(math.log10(min(seconds) / epoch)),
    )
    reaches = {"reach_before": first.reach.tolist(), "reach_after": last.reach.tolist()}
    return Measured(measured.figures, {**measured.curves, **reaches})


def judge(rows: Rows) -> Mapping[str, Numbers]:
    """Compute the numbers of each claim."""
    row, good = rows[STANDARD], rows[GOOD]
    best = min(each.number("dev_nats") for each in rows.values())
    excess = 100 * (row.number("dev_nats") / best - 1)
    ratios = [row.number(name) / good.number(name) for name in ("first_norm", "reach_before")]
    return {
        "gradients": {"off": min(max(ratio, 1 / ratio) for ratio in ratios)},
        "convenient": {"share": row.number("draw_share"), "excess": excess},
    }


def figures(rows: Rows) -> Sequence[Figure]:
    """Draw the gradient by distance, before and after, and dev by step."""
    reach, (axes,) = panels(xlabel="steps back", ylabel="norm of ∂L/∂x", yscale="log")
    dev, (below,) = panels(xlabel="step", ylabel="dev, nats per token")
    for number, (name, row) in enumerate(rows.items()):
        axes.plot([value or math.nan for value in row.curve("reach_before")], f"C{number}", label=name)
        axes.plot([value or math.nan for value in row.curve("reach_after")], f"C{number}--")
        below.plot(row.curve("looks"), row.curve("dev"), f"C{number}o-", label=name)
    return [reach, dev]
