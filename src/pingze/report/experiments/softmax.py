r"""Softmax before cross-entropy: the bound, the stall at every rate, and the gradient that vanishes.

PyTorch's cross-entropy takes logits. Given probabilities p instead, it takes their softmax once more:

    loss = ln Σ_v e^{p_v} - p_target.

Where p is even, it is ln V; where all of it is on the target, ln(V - 1 + e) - 1, and no loss is less, since
∂loss/∂p_target < 0 < ∂loss/∂p_v. Between these two ends lies less than one nat.
"""

import math
from statistics import mean

import torch
from torch import Tensor, nn

from pingze.report.charts import Chart, Line, smoothed
from pingze.report.claims import plan
from pingze.report.experiment import Experiment, Judged, Measured, Row, Rows, Trial
from pingze.report.setup import Setting, Setup
from pingze.report.training import PlainTrainer, train

LOOKS = 4


def bound(classes: int) -> float:
    """The least loss of softmax before cross-entropy: all probability on the target."""
    return math.log(classes - 1 + math.e) - 1


class SoftmaxTwice(PlainTrainer):
    """The report's mistake: the output goes through softmax, and then into cross-entropy, which has its own."""

    def loss_sum(self, inputs: Tensor, targets: Tensor, sizes: Tensor) -> Tensor:
        """The loss as `torch.nn.CrossEntropyLoss` gives it for probabilities."""
        logits = self.model.output(self.model(inputs, sizes))
        return nn.functional.cross_entropy(torch.softmax(logits, dim=1), targets, reduction="sum")


def trials(setup: Setup) -> list[Trial]:
    """The rates with two softmaxes, and those that learn with one."""
    grid = plan("softmax")
    settings: dict[str, dict[str, Setting]] = {
        **{f"softmax, Adam, rate {rate:g}": {"learning_rate": rate} for rate in grid["twice_adam"]},
        **{
            f"softmax, SGD, rate {rate:g}": {"optimizer": "sgd", "learning_rate": rate}
            for rate in grid["twice_sgd"]
        },
        **{f"plain, Adam, rate {rate:g}": {"learning_rate": rate} for rate in grid["plain_adam"]},
    }
    return [
        Trial(name, each | {"precision": "float32"}, setup.steps(grid["steps"]))
        for name, each in settings.items()
    ]


def measure(setup: Setup, trial: Trial) -> Measured:
    """Train with one of the losses; dev is measured by the model's own probabilities in both cases."""
    trainer = SoftmaxTwice if trial.name.startswith("softmax") else PlainTrainer
    course = train(setup, trial.settings, trial.steps, looks=LOOKS, trainer=trainer)
    means = [value for value in smoothed(course.losses) if value is not None]
    return course.measured(
        first_loss=course.losses[0],
        least_loss=min(means),
        fall=course.losses[0] - min(means),
        bound=bound(setup.vocabulary_size),
        ln_vocabulary=math.log(setup.vocabulary_size),
    )


def _of(rows: Rows, kind: str) -> dict[str, Row]:
    return {name.removeprefix(f"{kind}, "): row for name, row in rows.items() if name.startswith(f"{kind}, ")}


def _late_fall(row: Row) -> float:
    """By how much the mean loss of the last quarter of the steps is below that of the quarter before it.

    0 where the training ended in its first steps.
    """
    losses = [value for value in row.curves["loss"] if value is not None]
    quarter = len(losses) // 4
    return mean(losses[-2 * quarter : -quarter]) - mean(losses[-quarter:]) if quarter else 0.0


def _stalls(rows: Rows) -> Judged:
    twice, plain = _of(rows, "softmax"), _of(rows, "plain")
    falls = ", ".join(f"{row.number('fall'):.2g} ({name})" for name, row in twice.items())
    late = max(map(_late_fall, twice.values()))
    best = max((_late_fall(row) for row in plain.values() if not row.figures["diverged"]), default=0.0)
    any_row = next(iter(twice.values()))
    sentence = (
        f"The loss starts at {any_row.number('first_loss'):.3f} (ln V = "
        f"{any_row.number('ln_vocabulary'):.3f}), cannot pass {any_row.number('bound'):.3f}, and falls by "
        f"{falls}. From the third quarter of the steps to the last it falls by {late:.1g} at most, where that "
        f"with one softmax falls by up to {best:.2g}."
    )
    whole, whole_best = (
        max(row.number("fall") for row in found.values() if not row.figures["failed_at"])
        for found in (twice, plain)
    )
    numbers = {
        "late": late,
        "late_share": _share(late, best),
        "whole": whole,
        "whole_share": _share(whole, whole_best),
    }
    return Judged(numbers, sentence, list(rows.values()))


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.inf


def _mends(rows: Rows) -> Judged:
    twice, plain = _of(rows, "softmax"), _of(rows, "plain")
    best = {
        kind: min(row.number("best_dev_nats") for row in found.values())
        for kind, found in (("twice", twice), ("plain", plain))
    }
    name = next(iter(plain))
    ratio = plain[name].number("first_norm") / twice[name].number("first_norm")
    sentence = (
        f"Best dev by the model's own probabilities: {best['plain']:.3f} nats per token with one softmax, "
        f"{best['twice']:.3f} with two. The first gradient is {ratio:,.0f} times as large with one."
    )
    return Judged({"ratio": best["plain"] / best["twice"]}, sentence, [*plain.values(), *twice.values()])


def charts(rows: Rows) -> list[Chart]:
    """The loss with two softmaxes, between its start and its bound; gradients with one and with two."""
    twice, plain = _of(rows, "softmax"), _of(rows, "plain")
    any_row = next(iter(twice.values()))
    losses = [
        Line(name, range(1, len(row.curves["loss"]) + 1), smoothed(row.curves["loss"]), n, n % 3)
        for n, (name, row) in enumerate(twice.items())
    ]
    norms = [
        Line(f"{kind}, {name}", range(1, len(row.curves["norm"]) + 1), row.curves["norm"], n, style)
        for style, (kind, found) in enumerate((("two", twice), ("one", plain)))
        for n, (name, row) in enumerate(found.items())
        if name.startswith("Adam")
    ]
    top = any_row.number("ln_vocabulary")
    return [
        Chart(
            "The stall",
            "Training loss with two softmaxes, mean of sixteen steps, at every rate tried; dotted, the "
            "value for even probabilities and the bound.",
            "step",
            "loss, nats per token",
            losses,
            y_limits=(any_row.number("bound") - 0.15, top + 0.15),
            marks=[(any_row.number("bound"), "bound: ln(V − 1 + e) − 1"), (top, "even: ln V")],
        ),
        Chart(
            "The gradient that vanishes",
            "Norm of each step's gradient with two softmaxes (solid) and with one (dashed). Logarithmic.",
            "step",
            "norm of the gradient",
            norms,
            y_scale="log",
        ),
    ]


EXPERIMENT = Experiment(
    name="softmax",
    title="Softmax before cross-entropy",
    about=(
        "The output goes through softmax before PyTorch's cross-entropy, which takes the softmax of what "
        "it is given, at four rates of Adam and three of SGD; beside them, without it, two of Adam. The doubled "
        "loss is about ln(V − 1 + e) − E[p(correct)]: it starts at ln V and cannot pass ln(V − 1 + e) − "
        "1."
    ),
    trials=trials,
    measure=measure,
    judges={"stalls": _stalls, "mended": _mends},
    charts=charts,
)
