"""Measure how often clipping by norm or by value changes a gradient, and which training runs it saves."""

import math

import numpy as np

from lab.report.charts import cap
from lab.report.course import PlainTrainer, train
from lab.report.experiment import Figures, Judged, Measured, Row, Rows, Setup, Trial
from pingze.derivation.charts import by_step, panels
from pingze.training.trainer import Taken

PLAIN, *NEAR = ("tanh, Adam", "ReLU, Adam", "tanh, momentum")
"""The names of a plain network and of two that nearly explode.

Trials add a clipping, as in "ReLU, Adam, norm 1".
"""
START_PLAIN = "report's start, Adam"
START_SLOW = "report's start, momentum at 1"
START_FAST = "report's start, momentum at 4"
"""The names of the networks that begin as the report's does, with Xavier weights and zero biases."""
NONE = "none"


def measure(setup: Setup, trial: Trial) -> Measured:
    """Train, and measure the share of steps in which clipping acts."""
    acted: list[bool] = []
    course = train(
        setup,
        trial.settings,
        looks=4,
        after_step=lambda made, taken: acted.append(acts(made, taken)),
    )
    return course.measured(acts=sum(acted) / max(1, len(acted)))


def acts(trainer: PlainTrainer, taken: Taken) -> bool:
    """Return whether clipping changed the gradient of a step.

    Clipping by norm acts if the norm before clipping is above the threshold. Clipping by value acts
    if the largest entry of `grad` equals the threshold: a fused optimizer leaves the clipped mean
    gradient over the tokens in `grad`.
    """
    configuration = trainer.configuration
    if configuration.clip_value is None:
        return configuration.clip_norm is not None and taken.norm > configuration.clip_norm
    largest = max(
        float(p.grad.abs().max()) for p in trainer.model.parameters() if p.grad is not None
    )
    return largest >= configuration.clip_value * (1 - 1e-6)


def judge(rows: Rows) -> Judged:
    """Compute the numbers by which each claim is judged."""
    plain = rows[f"{PLAIN}, {NONE}"].number("largest_norm")
    bare_relu, bare_momentum = bare = [rows[f"{network}, {NONE}"] for network in NEAR]
    clipped = [
        _clipped(rows, network, "norm") + _clipped(rows, network, "value") for network in NEAR
    ]
    relu, momentum = ([row.number("largest_norm") / plain for row in each] for each in clipped)
    seconds = [_norm(row, 1) / _norm(bare_relu, 1) for row in clipped[0]]
    every = clipped[0] + clipped[1]
    saved = [
        [not _fails(row) for row in each]
        for each, alone in zip(clipped, bare, strict=True)
        if _fails(alone)
    ]
    numbers = {
        "most": max(*relu, *momentum),
        "momentum": min(momentum),
        "momentum_most": max(momentum),
        "momentum_unclipped": bare_momentum.number("largest_norm") / plain,
        "relu": min(relu),
        "relu_second": max(seconds, key=lambda ratio: abs(ratio - 1)),
        "relu_last": max(_norm(row, -1) for row in clipped[0]) / plain,
        "relu_last_unclipped": _norm(bare_relu, -1) / plain,
        "worse": max(min(relu), min(momentum)),
        "learning": sum(not row.figures["diverged"] for row in every) / len(every),
        "saved": float(np.mean(saved)) if saved else 0.0,
        "saved_some": float(np.mean(np.any(saved, axis=1))) if saved else 0.0,
    }
    # The same from the report's start.
    plain = rows[f"{START_PLAIN}, {NONE}"].number("largest_norm")
    clipped_there = _clipped(rows, START_FAST, "norm") + _clipped(rows, START_FAST, "value")
    norms = [row.number("largest_norm") / plain for row in clipped_there]
    learning = sum(not row.figures["diverged"] for row in clipped_there)
    numbers |= {
        "start_unclipped_1": rows[f"{START_SLOW}, {NONE}"].number("largest_norm") / plain,
        "start_unclipped": rows[f"{START_FAST}, {NONE}"].number("largest_norm") / plain,
        "start": min(norms),
        "start_most": max(norms),
        "start_learning": learning / len(clipped_there),
    }
    return {"gradient": numbers}


def _norm(row: Row, step: int) -> float:
    """Return the norm of a step's gradient, or infinity if the training failed."""
    value = None if row.figures["failed_at"] else row.curves["norm"][step]
    return math.inf if value is None else value


def _clipped(rows: Rows, network: str, kind: str) -> list[Row]:
    return [row for name, row in rows.items() if name.startswith(f"{network}, {kind}")]


def _fails(row: Row) -> bool:
    return bool(row.figures["diverged"] or row.figures["spikes"])


def figures(rows: Rows) -> Figures:
    """Draw the share of steps in which each threshold acts, and the losses with and without clipping."""
    shares, every = panels(
        2, xlabel="threshold", ylabel="share of the steps", xscale="log", ylim=(-0.03, 1.03)
    )
    for axes, kind in zip(every, ("norm", "value"), strict=True):
        axes.set_title(f"threshold of the {kind}")
        for network in NEAR:
            found = _clipped(rows, network, kind)
            limits, acted = (
                [row.settings[f"clip_{kind}"] for row in found],
                [row.figures["acts"] for row in found],
            )
            axes.plot(limits, acted, "o-", label=network)
    saved, every = panels(2, xlabel="step", ylabel="nats per token")
    for axes, network in zip(every, NEAR, strict=True):
        axes.set_title(network)
        for clip in (NONE, "norm 1"):
            by_step(axes, rows[f"{network}, {clip}"].curve("loss"), label=clip)
    cap(every, 3 + max(row.curve("dev")[0] for row in rows.values()))
    return [shares, saved]
