"""Average the weights over all steps, for evaluation and for the saved model.

    average <- d·average + (1 - d)·weights,    d = min(decay, (1 + t) / (10 + t)) after step t,

so that the poor weights of the first steps soon lose influence (Polyak & Juditsky 1992; Tarvainen & Valpola 2017).
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Average:
    """The moving average of a model's weights; with a decay of 0, the weights themselves, at no cost."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model, self.decay = model, decay
        self.updates = 0
        """Number of averaged steps, including the steps of the run from which this one started."""
        named = model.named_parameters() if decay else ()
        self.tensors = {name: parameter.detach().clone() for name, parameter in named}

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
        own = {name: parameter.data for name, parameter in self.model.named_parameters()}
        try:
            self._set(self.tensors)
            yield
        finally:
            self._set(own)

    def _set(self, tensors: dict[str, Tensor]) -> None:
        parameters = dict(self.model.named_parameters())
        for name, tensor in tensors.items():
            parameters[name].data = tensor
