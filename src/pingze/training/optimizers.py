"""Optimizers, the learning rate's schedule, and clipping: what happens between a gradient and a weight."""

import math
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


def rate_factor(step: int, total: int, configuration: TrainingConfiguration) -> float:
    """The schedule at `step` of `total` (from 0) as a share of the peak: linear warm-up, then a half cosine to 0."""
    warmup = configuration.warmup_steps
    if step < warmup:
        return (step + 1) / warmup
    if not configuration.decay:
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup)))


def clip(parameters: Iterable[nn.Parameter], configuration: TrainingConfiguration) -> Tensor:
    """Clip the gradients in place, by their global norm or entry by entry; returns the norm before clipping."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = nn.utils.get_total_norm(gradients)
    if configuration.clip_norm is not None:
        nn.utils.clip_grads_with_norm_(parameters, configuration.clip_norm, norm)
    if configuration.clip_value is not None:
        nn.utils.clip_grad_value_(parameters, configuration.clip_value)
    return norm
