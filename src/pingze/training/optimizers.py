"""Optimizers and clipping: what happens between a gradient and a weight."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from pingze.training.configuration import TrainingConfiguration


def make_optimizer(
    parameters: Iterable[nn.Parameter], configuration: TrainingConfiguration
) -> torch.optim.Optimizer:
    """PyTorch's Adam, AdamW or SGD with momentum, fused into one pass over the weights."""
    rate = configuration.learning_rate
    if configuration.optimizer == "sgd":
        return torch.optim.SGD(parameters, rate, momentum=configuration.momentum, fused=True)
    return torch.optim.AdamW(parameters, rate, weight_decay=configuration.weight_decay, fused=True)


def prepare(optimizer: torch.optim.Optimizer, tokens: float, configuration: TrainingConfiguration) -> Tensor:
    """Have the optimizer's next step take gradients, which are sums over `tokens`, for their mean, and clip it.

    The fused optimizers divide by `grad_scale` within their one pass over the weights, so that neither the mean nor
    the clipping by norm needs a pass of its own. Returns the norm of the mean before clipping.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
    norm = _total_norm([p.grad for p in parameters]) / tokens
    divisor = torch.full_like(norm, tokens)
    if configuration.clip_norm is not None:
        divisor *= (norm / configuration.clip_norm).clamp(min=1)
    if configuration.clip_value is not None:
        nn.utils.clip_grad_value_(parameters, configuration.clip_value * tokens)
    optimizer.grad_scale = divisor.float()  # type: ignore[attr-defined]  # as torch.amp.GradScaler sets it
    return norm


def _total_norm(gradients: list[Tensor]) -> Tensor:
    """The norm of all; in float64 where the sum of squares overflows float32, which it does long before an entry."""
    norm = nn.utils.get_total_norm(gradients)
    return norm if norm.isfinite() else nn.utils.get_total_norm([gradient.double() for gradient in gradients])
