"""Train for a fixed number of steps, record the curves, and measure gates and gradients with `lstm.formulas`."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from lab.report.experiment import Measured, Setup
from pingze.arrays import Array, Float
from pingze.errors import TrainingError
from pingze.lstm.formulas import Parameters, sequence_backward, sequence_forward
from pingze.network.batches import Ids
from pingze.network.model import LanguageModel
from pingze.training.evaluation import evaluate_sequences
from pingze.training.optimization import rate_factor
from pingze.training.texts import Texts
from pingze.training.trainer import Taken, Trainer

SPIKE, BEFORE = 1.1, 10
"""A step spikes if its loss is above `SPIKE` times the mean loss of the `BEFORE` steps before it."""


class PlainTrainer(Trainer):
    """A trainer on the setup's texts.

    The setting `poems` limits the training texts, not the vocabulary.
    """

    def __init__(self, setup: Setup, settings: Mapping[str, Any]) -> None:
        super().__init__(setup.preset(settings), Texts(setup.train, setup.dev))
        self.train_examples = self.train_examples[: settings.get("poems")]
        self.steps_per_epoch = -(-len(self.train_examples) // self.configuration.batch_size)

    def train_nats(self, count: int) -> float:
        """Return the mean -ln p of the tokens in the first `count` training texts (see `nats`)."""
        return self.nats([example.text for example in self.train_examples[:count]])

    def nats(self, sequences: Sequence[Ids]) -> float:
        """Return the mean -ln p of the predicted tokens, or infinity if the mean is not finite."""
        nats = evaluate_sequences(self.model, sequences, self.vocabulary).nats_per_token
        return nats if math.isfinite(nats) else math.inf


@dataclass
class Course:
    """One training run."""

    trainer: PlainTrainer
    curves: dict[str, list[float]] = field(
        default_factory=lambda: {"loss": [], "norm": [], "looks": [], "dev": []}
    )
    """`loss` and `norm` have a value for each step: the batch's nats per token before the update, and the gradient norm
    before clipping. `looks` and `dev` have a value for each evaluation on the dev texts: the number
    of training steps taken before the evaluation, and the nats per token."""
    failed_at: int | None = None
    """The step, counted from 1, at which the loss or the gradient was not finite.

    None if there was no such step.
    """

    def measured(
        self, curves: Mapping[str, Sequence[float]] | None = None, **figures: object
    ) -> Measured:
        """Return the figures and curves of this run: those that every run has, and those passed as arguments."""
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
    start: Callable[[LanguageModel], None] = lambda model: None,
    look: Callable[[PlainTrainer], None] = lambda trainer: None,
    after_step: Callable[[PlainTrainer, Taken], None] = lambda trainer, taken: None,
) -> Course:
    """Train for as many steps as the setting `steps` (default 0).

    Stop early if a loss or gradient is not finite.

    `start` may change the initial weights. The dev loss is measured before training and `looks`
    times during it. `look` is called after each measurement, and `after_step` after each step.
    """
    made, steps = trainer(setup, settings), settings.get("steps", 0)
    with torch.no_grad():
        start(made.model)
    course, every = Course(made), max(1, steps // looks)
    for number in range(steps + 1):
        if number % every == 0 or number == steps:
            course.curves["looks"].append(number)
            course.curves["dev"].append(made.nats(made.dev_sequences))
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
        after_step(made, taken)
    return course


def spikes(losses: Sequence[float]) -> int:
    """Count the steps whose loss spikes (see `SPIKE`)."""
    means = (sum(losses[at - BEFORE : at]) / BEFORE for at in range(BEFORE, len(losses)))
    return sum(loss > SPIKE * mean for loss, mean in zip(losses[BEFORE:], means, strict=True))


def smoothed(values: Sequence[float | None], window: int = 16) -> list[float]:
    """Return the mean of the `window` values up to each position. None is ignored.

    The mean of no values is NaN.
    """
    windows = (values[max(0, end - window) : end] for end in range(1, len(values) + 1))
    finite = ([value for value in each if value is not None] for each in windows)
    return [sum(each) / len(each) if each else math.nan for each in finite]


STEPS, POEMS = 24, 32
"""`diagnose` inspects the first `STEPS` characters of `POEMS` poems."""
CLOSED, OPEN = 0.05, 0.95
"""A gate σ below `CLOSED` or above `OPEN` is saturated: its derivative σ(1 - σ) is below a fifth of the maximum 1/4."""


def diagnose(model: LanguageModel, sequences: Sequence[Ids]) -> tuple[float, Float[Array, "T"]]:
    """Measure gates and gradients on the first `POEMS` sequences longer than `STEPS`.

    At least one must be longer.

    Returns:
        First, the share of saturated gates among the gates i, f and o of all units, steps and
        poems. Second, the norms of ∂L/∂x_t from the latest step t to the earliest, averaged over
        the poems. L is -ln p of the last character.
    """
    ids = np.array(
        [sequence[: STEPS + 1] for sequence in sequences if len(sequence) > STEPS][:POEMS]
    ).T
    tensors = {name: tensor.astype(np.float64) for name, tensor in model.tensors().items()}
    parameters = Parameters(*(tensors[f"lstm.0.{name}"] for name in Parameters._fields))
    x, zeros = (
        tensors["embedding.weight"][ids[:-1]],
        np.zeros((ids.shape[1], model.configuration.hidden_size)),
    )
    with np.errstate(all="ignore"):  # the weights may have exploded
        (hs, h_T, _), caches = sequence_forward(
            x, zeros, zeros, parameters, model.configuration.activation
        )
        logits = h_T @ tensors["output.weight"].T + tensors["output.bias"]
        dlogits = torch.softmax(torch.from_numpy(logits), dim=1).numpy()
        dlogits[np.arange(len(dlogits)), ids[-1]] -= 1
        dx = sequence_backward(
            np.zeros_like(hs), dlogits @ tensors["output.weight"], zeros, caches
        )[0]
    gates = np.array([[cache.gates.i, cache.gates.f, cache.gates.o] for cache in caches])
    saturated = float(((gates < CLOSED) | (gates > OPEN)).mean())
    return saturated, np.linalg.norm(dx, axis=2).mean(axis=1)[::-1]
