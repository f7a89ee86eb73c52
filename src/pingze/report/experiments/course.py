"""Train for a fixed number of steps, record the curves, and measure gates and gradients with `lstm.formulas`."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from pingze.arrays import Array, Float
from pingze.errors import TrainingError
from pingze.lstm.formulas import Parameters, sequence_backward, sequence_forward
from pingze.network.batches import Ids
from pingze.network.model import LanguageModel
from pingze.report.experiments.experiment import Measured, Setup
from pingze.training.evaluation import evaluate_sequences
from pingze.training.optimization import rate_factor
from pingze.training.texts import Texts
from pingze.training.trainer import Taken, Trainer

SPIKE, BEFORE = 1.1, 10
"""A step spikes if its loss is above `SPIKE` times the mean loss of the `BEFORE` steps before it."""


class PlainTrainer(Trainer):
    """A trainer on the first `poems` texts of a setup (all by default), with the vocabulary of the whole setup."""

    def __init__(self, setup: Setup, settings: Mapping[str, Any]) -> None:
        super().__init__(setup.preset(settings), Texts(setup.train, setup.dev))
        self.train_examples = self.train_examples[: settings.get("poems")]
        self.steps_per_epoch = -(-len(self.train_examples) // self.configuration.batch_size)

    def train_nats(self, count: int) -> float:
        """Return the `nats` of the first `count` training texts."""
        return self.nats([example.text for example in self.train_examples[:count]])

    def nats(self, sequences: Sequence[Ids]) -> float:
        """Return the mean -ln p of the predicted tokens, or infinity if it is not finite."""
        nats = evaluate_sequences(self.model, sequences, self.vocabulary).nats_per_token
        return nats if math.isfinite(nats) else math.inf


@dataclass
class Course:
    """One training run."""

    trainer: PlainTrainer
    curves: dict[str, list[float]] = field(default_factory=lambda: {"loss": [], "norm": [], "looks": [], "dev": []})
    """For each step, `loss` is the nats per token of its batch before the step, and `norm` is the norm of its gradient
    before clipping. For each look at dev, `looks` is the number of steps before it, and `dev` the nats per token."""
    failed_at: int | None = None
    """The number, from 1, of the step whose loss or gradient was not finite; None if all were finite."""

    def measured(self, curves: Mapping[str, Sequence[float]] | None = None, **figures: object) -> Measured:
        """Combine the figures and curves of every training run with the given additional ones."""
        norms, dev = self.curves["norm"], self.curves["dev"]
        last = math.inf if self.failed_at else dev[-1]
        common = {
            "dev_nats": last,
            "best_dev_nats": min(dev),
            "dev_nats_per_48": 48 * last,
            "diverged": self.failed_at is not None or not dev[-1] <= dev[0],
            "failed_at": self.failed_at,
            "first_norm": norms[0] if norms else math.inf,
            "largest_norm": math.inf if self.failed_at else max(norms),
            "spikes": spikes(self.curves["loss"]),
        }
        return Measured(common | figures, {**self.curves, **(curves or {})})


def train(
    setup: Setup,
    settings: Mapping[str, Any],
    *,
    looks: int = 8,
    trainer: type[PlainTrainer] = PlainTrainer,
    start: Callable[[LanguageModel], None] | None = None,
    look: Callable[[PlainTrainer], None] | None = None,
    after_step: Callable[[PlainTrainer, Taken], None] | None = None,
) -> Course:
    """Train for the number of steps in the settings, by default 0, or until a loss or gradient is not finite.

    `start` may change the initial weights. Dev is measured before the training and `looks` times during it; `look` is
    called each time, `after_step` after each step.
    """
    made, steps = trainer(setup, settings), settings.get("steps", 0)
    if start:
        with torch.no_grad():
            start(made.model)
    course, every = Course(made), max(1, steps // looks)
    for number in range(steps + 1):
        if number % every == 0 or number == steps:
            course.curves["looks"].append(number)
            course.curves["dev"].append(made.nats(made.dev_sequences))
            if look:
                look(made)
        if number == steps:
            break
        rate = made.configuration.learning_rate * rate_factor(number, steps, made.configuration)
        try:
            taken = made.step(number, rate)
        except TrainingError:
            course.failed_at = number + 1
            break
        course.curves["loss"].append(taken.loss / taken.tokens)
        course.curves["norm"].append(taken.norm)
        if after_step:
            after_step(made, taken)
    return course


def spikes(losses: Sequence[float]) -> int:
    """Count the steps that spike, as `SPIKE` defines it."""
    means = (sum(losses[at - BEFORE : at]) / BEFORE for at in range(BEFORE, len(losses)))
    return sum(loss > SPIKE * mean for loss, mean in zip(losses[BEFORE:], means, strict=True))


def smoothed(values: Sequence[float | None], window: int = 16) -> list[float]:
    """Return, for each value, the mean of the finite values among the last `window` up to it; NaN if there is none."""
    windows = (values[max(0, end - window) : end] for end in range(1, len(values) + 1))
    finite = ([value for value in each if value is not None] for each in windows)
    return [sum(each) / len(each) if each else math.nan for each in finite]


STEPS, POEMS = 24, 32
"""The first `STEPS` characters of `POEMS` poems are inspected."""
CLOSED, OPEN = 0.05, 0.95
"""A gate below `CLOSED` or above `OPEN` is saturated: its derivative σ(1 - σ) is below a fifth of its largest value."""


def diagnose(model: LanguageModel, sequences: Sequence[Ids]) -> tuple[float, Float[Array, "T"]]:
    """Measure gates and gradient on the first `POEMS` sequences longer than `STEPS`; there must be at least one.

    Returns:
        The share of saturated gates among the gates i, f and o of all units, steps and poems, and the reach of the
        gradient: the norm of ∂L/∂x_t averaged over poems, the latest step first, where L is the -ln p of the last
        character alone.
    """
    ids = np.array([sequence[: STEPS + 1] for sequence in sequences if len(sequence) > STEPS][:POEMS]).T
    tensors = {name: tensor.astype(np.float64) for name, tensor in model.tensors().items()}
    parameters = Parameters(*(tensors[f"lstm.0.{name}"] for name in Parameters._fields))
    x, zeros = tensors["embedding.weight"][ids[:-1]], np.zeros((ids.shape[1], model.configuration.hidden_size))
    with np.errstate(all="ignore"):  # the weights may have exploded
        (hs, h_T, _), caches = sequence_forward(x, zeros, zeros, parameters, model.configuration.activation)
        logits = h_T @ tensors["output.weight"].T + tensors["output.bias"]
        dlogits = torch.softmax(torch.from_numpy(logits), dim=1).numpy()
        dlogits[np.arange(len(dlogits)), ids[-1]] -= 1
        dx = sequence_backward(np.zeros_like(hs), dlogits @ tensors["output.weight"], zeros, caches)[0]
    gates = np.array([[cache.gates.i, cache.gates.f, cache.gates.o] for cache in caches])
    saturated = float(((gates < CLOSED) | (gates > OPEN)).mean())
    return saturated, np.linalg.norm(dx, axis=2).mean(axis=1)[::-1]
