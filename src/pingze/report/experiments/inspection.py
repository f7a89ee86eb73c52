"""Measure by `lstm.formulas` how saturated a model's gates are and how far its gradients reach."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from pingze.arrays import Array, Float
from pingze.lstm.formulas import Parameters, sequence_backward, sequence_forward
from pingze.network.batches import Ids
from pingze.network.model import LanguageModel

STEPS, POEMS = 24, 32
"""The first characters of so many poems are looked at."""
CLOSED, OPEN = 0.05, 0.95
"""A gate beyond these is saturated: its derivative σ(1 - σ) is below a fifth of its largest."""


class Diagnostics(NamedTuple):
    """Saturation and reach of one layer."""

    saturated: float
    """Share of the gates i, f, o, over all units, steps and poems, that are saturated."""
    reach: Float[Array, "T"]
    """Norm of ∂L/∂x_t, mean over the poems, the latest step first; L is -ln p of the last character alone."""


def diagnose(model: LanguageModel, sequences: Sequence[Ids]) -> Diagnostics:
    """Measure the gates and the gradient on the first `POEMS` sequences that are long enough, of at least one."""
    long_enough = [sequence for sequence in sequences if len(sequence) > STEPS][:POEMS]
    ids = np.array([sequence[: STEPS + 1] for sequence in long_enough]).T
    tensors = {name: tensor.astype(np.float64) for name, tensor in model.tensors().items()}
    parameters = Parameters(*(tensors[f"lstm.0.{name}"] for name in ("weight_ih", "weight_hh", "bias")))
    zeros = np.zeros((ids.shape[1], model.configuration.hidden_size))
    with np.errstate(all="ignore"):  # a network may have exploded
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
