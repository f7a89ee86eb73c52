"""The learning-rate finder: the loss at each of a range of rising rates.

Smith 2017, "Cyclical learning rates for training neural networks", section 3.3: the rate rises from step to step by
the same factor. A good rate lies where the loss, smoothed, falls fastest; soon after, training diverges.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pingze.errors import TrainingError
from pingze.training.trainer import Taken

SMOOTHING = 0.9
"""Weight of the steps before in the moving average of the loss."""
SKIPPED = 10
"""So many steps at the beginning tell more of the average than of the loss."""
DIVERGED = 1.5
"""So many times its smallest value so far, the smoothed loss ends the search."""


@dataclass(frozen=True)
class Search:
    """What the finder saw; one rate a step, rising."""

    rates: list[float]
    nats_per_token: list[float]
    """The loss before the step at that rate, smoothed."""
    suggestion: float
    """The rate at which it fell fastest."""


def find_rate(
    step: Callable[[int, float], Taken], *, steps: int = 150, lowest: float = 1e-6, highest: float = 1.0
) -> Search:
    """Take `steps` of a trainer from `lowest` to `highest`, or until the loss grows; its model is spent afterwards.

    Raises TrainingError when it grows before there is anything to see.
    """
    average, losses = 0.0, []
    rates = np.geomspace(lowest, highest, steps).tolist()
    for number, rate in enumerate(rates):
        try:
            taken = step(number, rate)
        except TrainingError:  # no longer finite
            break
        average += (1 - SMOOTHING) * (taken.loss / taken.tokens - average)
        losses.append(average / (1 - SMOOTHING ** (number + 1)))  # as if it had not begun at 0
        if losses[-1] > DIVERGED * min(losses):
            break
    if len(losses) < SKIPPED + 2:
        raise TrainingError(
            f"the loss grows from the first steps, at a rate of {lowest}: something else is wrong"
        )
    return Search(rates[: len(losses)], losses, rates[_steepest(losses)])


def _steepest(losses: list[float]) -> int:
    """The step, after those skipped, at which the losses fall fastest against the logarithm of the rate."""
    return SKIPPED + int(np.gradient(losses)[SKIPPED:].argmin())
