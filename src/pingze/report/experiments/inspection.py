"""Measure with `lstm.formulas` how saturated a model's gates are and how far back its gradients reach."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from pingze.arrays import Array, Float
from pingze.lstm.formulas import Parameters, sequence_backward, sequence_forward
from pingze.network.batches import Ids
from pingze.network.model import LanguageModel

STEPS, POEMS = 24, 32
"""The first `STEPS` characters of `POEMS` poems are inspected."""
CLOSED, OPEN = 0.05, 0.95
"""A gate below `CLOSED` or above `OPEN` is saturated: its derivative σ(1 - σ) is below a fifth of its largest value."""


class Diagnostics(NamedTuple):
    """The saturation of a layer's gates and the reach of its gradient."""

    saturated: float
    """The share of saturated gates among the gates i, f and o of all units, steps and poems."""
    reach: Float[Array, "T"]
    """The norm of ∂L/∂x_t averaged over poems, the latest step first; L is the -ln p of the last character alone."""


def diagnose(model: LanguageModel, sequences: Sequence[Ids]) -> Diagnostics:
    """Measure gates and gradient on the first `POEMS` sequences longer than `STEPS`; there must be at least one."""
    long_enough = [sequence for sequence in sequences if len(sequence) > STEPS][:POEMS]
    ids = np.array([sequence[: STEPS + 1] for sequence in long_enough]).T
    tensors = {name: tensor.astype(np.float64) for name, tensor in model.tensors().items()}
    parameters = Parameters(*(tensors[f"lstm.0.{name}"] for name in ("weight_ih", "weight_hh", "bias")))
    zeros = np.zeros((ids.shape[1], model.configuration.hidden_size))
    with np.errstate(all="ignore"):  # the weights may have exploded
        (hs, h_T, _), caches = sequence_forward(
            tensors["embedding.weight"][ids[:-1]], zeros, zeros, parameters, model.configuration.activation
        )
        logits = h_T @ tensors["output.weight"].T + tensors["output.bias"]
        dlogits = torch.softmax(torch.from_numpy(logits), dim=1).numpy()
        dlogits[np.arange(len(dlogits)), ids[-1]] -= 1
        dx = sequence_backward(np.zeros_like(hs), dlogits @ tensors["output.weight"], zeros, caches)[0]
    gates = np.array([[cache.gates.i, cache.gates.f, cache.gates.o] for cache in caches])
    saturated = float(((gates < CLOSED) | (gates > OPEN)).mean())
    return Diagnostics(saturated, np.linalg.norm(dx, axis=2).mean(axis=1)[::-1])
