"""Measure what softmax applied twice does: how low the loss can get, whether it stalls, and how large gradients are."""

import math
from statistics import mean

import numpy as np
import torch
from torch import Tensor, nn

from lab.report.charts import level
from lab.report.course import PlainTrainer, smoothed, train
from lab.report.experiment import Figures, Judged, Measured, Row, Rows, Setup, Trial
from pingze.derivation.charts import by_step, panels


def bound(classes: int) -> float:
    """Return the least loss that two softmaxes over V classes allow.

    For probabilities p, the loss is ln Σ_v e^{p_v} - p_target. It is least if p_target = 1. It is
    ln V if p is uniform.
    """
    return math.log(classes - 1 + math.e) - 1


class SoftmaxTwice(PlainTrainer):
    """A trainer with the report's mistake: softmax before a cross-entropy that applies softmax itself."""

    def loss_sum(self, inputs: Tensor, targets: Tensor, sizes: Tensor) -> Tensor:
        """Return the summed loss of `torch.nn.CrossEntropyLoss` when it is given probabilities instead of logits."""
        logits = self.model.output(self.model(inputs, sizes))
        return nn.functional.cross_entropy(torch.softmax(logits, dim=1), targets, reduction="sum")


def measure(setup: Setup, trial: Trial) -> Measured:
    """Train with one softmax or with two. The dev loss is always measured with one softmax."""
    trainer = SoftmaxTwice if trial.name.startswith("softmax") else PlainTrainer
    course = train(setup, trial.settings, looks=4, trainer=trainer)
    first, least = course.curves["loss"][0], float(np.nanmin(smoothed(course.curves["loss"])))
    return course.measured(
        first_loss=first,
        least_loss=least,
        fall=first - least,
        bound=bound(setup.vocabulary_size),
        ln_vocabulary=math.log(setup.vocabulary_size),
    )


def _of(rows: Rows, kind: str) -> dict[str, Row]:
    return {
        name.removeprefix(f"{kind}, "): row
        for name, row in rows.items()
        if name.startswith(f"{kind}, ")
    }


def _late_fall(row: Row) -> float:
    """Return how much the mean loss falls from the third quarter of the steps to the last; 0 if fewer than 4 steps."""
    losses = [value for value in row.curves["loss"] if value is not None]
    quarter = len(losses) // 4
    return mean(losses[-2 * quarter : -quarter]) - mean(losses[-quarter:]) if quarter else 0.0


def judge(rows: Rows) -> Judged:
    """Compute the numbers by which each claim is judged."""
    twice, plain = _of(rows, "softmax"), _of(rows, "plain")
    late = max(map(_late_fall, twice.values()))
    late_plain = max(
        (_late_fall(row) for row in plain.values() if not row.figures["diverged"]), default=0.0
    )
    both = twice.values(), plain.values()
    whole, whole_plain = (
        max(row.number("fall") for row in found if not row.figures["failed_at"]) for found in both
    )
    best_twice, best = (min(row.number("best_dev_nats") for row in found) for found in both)
    late_share, whole_share = (
        part / plain if plain > 0 else math.inf
        for part, plain in ((late, late_plain), (whole, whole_plain))
    )
    stalls = {"late": late, "late_share": late_share, "whole": whole, "whole_share": whole_share}
    return {"stalls": stalls, "mended": {"ratio": best / best_twice}}


def figures(rows: Rows) -> Figures:
    """Draw the loss with two softmaxes. Draw the gradient norms with one softmax and with two."""
    twice, plain = _of(rows, "softmax"), _of(rows, "plain")
    stall, (axes,) = panels(xlabel="step", ylabel="loss, nats per token")
    for number, (name, row) in enumerate(twice.items()):
        by_step(axes, smoothed(row.curves["loss"]), ("-", "--", ":")[number % 3], label=name)
    least, even = (next(iter(twice.values())).number(name) for name in ("bound", "ln_vocabulary"))
    level(axes, least, "bound: ln(V − 1 + e) − 1")
    level(axes, even, "even: ln V")
    axes.set_ylim(least - 0.15, even + 0.15)
    norms, (axes,) = panels(xlabel="step", ylabel="norm of the gradient", yscale="log")
    for dash, kind, found in (("-", "two", twice), ("--", "one", plain)):
        for number, (name, row) in enumerate(found.items()):
            if name.startswith("Adam"):
                by_step(axes, row.curve("norm"), f"C{number}{dash}", label=f"{kind}, {name}")
    return [stall, norms]
