"""The learning rate's schedule: warm-up, decay, and the last leg of a run that is ended where it stands."""

import math

from pingze.training.configuration import TrainingConfiguration


def rate_factor(
    step: int, total: int, configuration: TrainingConfiguration, falling: int | None = None
) -> float:
    """The schedule at `step` of `total` (from 0) as a share of the peak.

    A linear warm-up, then a half cosine to 0; or, with `falling` steps of a last leg, constant and then straight to 0
    (warm-up, stable, decay: Hu et al. 2024), so that a run may be ended well from wherever it stands.
    """
    warmup = configuration.warmup_steps
    if step < warmup:
        return (step + 1) / warmup
    if not configuration.decay:
        return 1.0
    if falling is not None:
        return min(1.0, (total - step) / falling)
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup)))
