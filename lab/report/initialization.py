"""Compare the gates, gradients and learning of five random initializations."""

import math
import time

import numpy as np

from lab.report.course import PlainTrainer, diagnose, train
from lab.report.experiment import Figures, Judged, Measured, Rows, Setup, Trial
from pingze.derivation.charts import panels
from pingze.lstm.initializers import initialize

STANDARD, GOOD = "standard normal", "orthogonal"
BACK = 16
"""Number of steps back at which the gradients of the initializations are compared."""
DRAWS = 5
"""Number of times that the drawing of the weights is timed. The shortest time counts."""


def measure(setup: Setup, trial: Trial) -> Measured:
    """Measure gates and gradients before and after training, and time the drawing of the weights."""
    untrained = PlainTrainer(setup, trial.settings)
    saturated_before, reach_before = diagnose(untrained.model, untrained.dev_sequences)
    started = time.process_time()
    course = train(setup, trial.settings)
    made, steps = course.trainer, trial.settings["steps"]
    epoch = (time.process_time() - started) / steps * made.steps_per_epoch
    saturated_after, reach_after = diagnose(made.model, made.dev_sequences)
    model, training = made.preset.model, made.preset.training
    sizes, seconds = (model.embedding_size, model.hidden_size), []
    for seed in range(DRAWS):
        rng, started = np.random.default_rng(seed), time.process_time()
        initialize(training.initialization, *sizes, rng, training.initialization_scale)
        seconds.append(time.process_time() - started)
    return course.measured(
        {"reach_before": reach_before.tolist(), "reach_after": reach_after.tolist()},
        saturated_before=saturated_before,
        saturated_after=saturated_after,
        reach_before=float(reach_before[BACK]),
        reach_after=float(reach_after[BACK]),
        at_once_before=float(reach_before[0]),
        draw_share=10.0 ** math.ceil(math.log10(min(seconds) / epoch)),
    )


def judge(rows: Rows) -> Judged:
    """Compute the numbers by which each claim is judged."""
    row, good, best = (
        rows[STANDARD],
        rows[GOOD],
        min(each.number("dev_nats") for each in rows.values()),
    )
    ratios = [row.number(name) / good.number(name) for name in ("first_norm", "reach_before")]
    excess = 100 * (row.number("dev_nats") / best - 1)
    return {
        "gradients": {"off": min(max(ratio, 1 / ratio) for ratio in ratios)},
        "convenient": {"share": row.number("draw_share"), "excess": excess},
    }


def figures(rows: Rows) -> Figures:
    """Draw the gradient by the number of steps back, before and after training.

    Draw the dev loss by training step.
    """
    reach, (axes,) = panels(xlabel="steps back", ylabel="norm of ∂L/∂x", yscale="log")
    dev, (below,) = panels(xlabel="step", ylabel="dev, nats per token")
    for number, (name, row) in enumerate(rows.items()):
        for when, style, label in (("before", "-", name), ("after", "--", None)):
            curve = row.curve(f"reach_{when}")
            axes.plot(np.where(curve, curve, math.nan), f"C{number}{style}", label=label)
        below.plot(row.curve("looks"), row.curve("dev"), f"C{number}o-", label=name)
    return [reach, dev]
