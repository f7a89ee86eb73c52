"""Build the optimizer, clip gradients, compute the learning rate, and average the weights."""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from pingze.training.presets import TrainingConfiguration


def make_optimizer(
    parameters: Iterable[nn.Parameter], configuration: TrainingConfiguration
) -> torch.optim.Optimizer:
    """Build the configured optimizer: Adam, AdamW or SGD with momentum, fused by PyTorch."""
    rate = configuration.learning_rate
    if configuration.optimizer == "sgd":
        return torch.optim.SGD(parameters, rate, momentum=configuration.momentum, fused=True)
    return torch.optim.AdamW(parameters, rate, weight_decay=configuration.weight_decay, fused=True)


def clip(
    optimizer: torch.optim.Optimizer, tokens: float, configuration: TrainingConfiguration
) -> Tensor:
    """Clip the mean gradient over `tokens` tokens, and return its norm before clipping.

    The stored gradients are sums over the tokens. They are divided only by the step of the fused
    optimizer, which divides them by `optimizer.grad_scale`. This function sets that number.
    """
    parameters: list[nn.Parameter] = []  # those with a gradient
    for group in optimizer.param_groups:
        parameters.extend(p for p in group["params"] if p.grad is not None)
    gradients: list[Any] = [p.grad for p in parameters]
    norm = nn.utils.get_total_norm(gradients)
    if not norm.isfinite():  # a sum of squares overflows float32 long before any entry does
        norm = nn.utils.get_total_norm([gradient.double() for gradient in gradients])
    norm = norm / tokens
    divisor = torch.full_like(norm, tokens)
    if configuration.clip_norm is not None:
        # 1 unless the norm exceeds the maximum, so that a small gradient is not enlarged
        excess = (norm / configuration.clip_norm).clamp(min=1)
        divisor *= excess
    if configuration.clip_value is not None:
        # the stored sums are `tokens` times the mean gradient, whose entries are limited
        nn.utils.clip_grad_value_(parameters, configuration.clip_value * tokens)
    # as torch.amp.GradScaler sets it
    optimizer.grad_scale = divisor.float()  # type: ignore[attr-defined]
    return norm


def rate_factor(
    step: int, total: int, configuration: TrainingConfiguration, falling: int | None = None
) -> float:
    """Compute the learning rate as a share of the peak rate.

    `step` counts from 0; `total` is the number of steps.

    After a linear warm-up, the rate falls to 0 along a half cosine. If `falling` is given, the rate
    stays constant and then falls linearly over the last `falling` steps, so that a run can be ended
    after any step (Hu et al. 2024).
    """
    warmup = configuration.warmup_steps
    if step < warmup:
        return (step + 1) / warmup  # + 1, so that the first step has a rate above 0
    if not configuration.decay:
        return 1.0
    if falling is not None:
        remaining = (total - step) / falling  # above 1 until the fall begins
        return min(1.0, remaining)
    # from 0 at the end of the warm-up to π at the end of the run; `max` avoids a division by 0
    angle = math.pi * (step - warmup) / max(1, total - warmup)
    return 0.5 * (1 + math.cos(angle))


class Average:
    """A moving average of a model's weights. The average is evaluated and saved.

    With decay 0, it equals the weights.

    average <- d·average + (1 - d)·weights,    d = min(decay, (1 + t) / (10 + t)) after step t.

    The early weights are poor, and a small d soon forgets them (Polyak & Juditsky 1992; Tarvainen &
    Valpola 2017).
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = model
        self.decay = decay
        self.updates = 0
        """Number of steps in the average.

        If the average was copied from another run, that run's steps count too.
        """
        self.tensors = {}
        """The averaged weights by name; empty if `decay` is 0."""
        if decay:
            for name, parameter in model.named_parameters():
                self.tensors[name] = parameter.detach().clone()

    @torch.no_grad()
    def update(self) -> None:
        """Update the average with the weights after one more step."""
        self.updates += 1
        if self.decay:
            weight = 1 - min(self.decay, (1 + self.updates) / (10 + self.updates))
            torch._foreach_lerp_(list(self.tensors.values()), list(self.model.parameters()), weight)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Replace the model's weights with the average while the block runs."""
        replaced = [self.model.get_parameter(name) for name in self.tensors]
        weights = [parameter.data for parameter in replaced]
        try:
            for parameter, tensor in zip(replaced, self.tensors.values(), strict=True):
                parameter.data = tensor
            yield
        finally:
            for parameter, tensor in zip(replaced, weights, strict=True):
                parameter.data = tensor
