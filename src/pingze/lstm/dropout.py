"""Apply dropout in training, with a mask for each token, sequence (locked), character (type) or batch (DropConnect).

Every kind divides the kept values by the share that is kept, which preserves the expectation.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn


@dataclass(frozen=True)
class Dropout:
    """The shares of a language model's features and weights to drop in training."""

    inputs: float = 0.0
    """Share of the inputs of each layer."""
    outputs: float = 0.0
    """Share of the top layer's outputs."""
    types: float = 0.0
    """Share of the vocabulary's characters, which are dropped at all their positions in a batch."""
    weights: float = 0.0
    """Share of the recurrent weights: DropConnect (Wan et al. 2013; applied to LSTMs by Merity et al. 2018)."""
    locked: bool = False
    """Whether the same inputs and outputs of a sequence are dropped at all its steps."""

    def features(self, data: Float[Tensor, "N D"], sizes: Int64[Tensor, "T"], share: float) -> Tensor:
        """Drop a share of the features of packed sequences, by locked dropout if `locked` is set."""
        if self.locked and share:
            return locked_dropout(data, sizes, share)
        return nn.functional.dropout(data, share)


def locked_dropout(data: Float[Tensor, "N D"], sizes: Int64[Tensor, "T"], share: float) -> Float[Tensor, "N D"]:
    """Drop the same features of a sequence at all its steps (Gal & Ghahramani 2016)."""
    return data * _mask((int(sizes[0]), data.shape[1]), share, data)[sequence_of_rows(sizes)]


def sequence_of_rows(sizes: Int64[Tensor, "T"]) -> Int64[Tensor, "N"]:
    """Return, for each row of a packed batch, the index of its sequence: row r of a step belongs to sequence r."""
    return torch.cat([torch.arange(size) for size in sizes.tolist()])


def type_dropout(embedded: Float[Tensor, "N E"], ids: Int64[Tensor, "N"], types: int, share: float) -> Tensor:
    """Drop a share of a vocabulary's `types` tokens, each at all its positions (Gal & Ghahramani 2016)."""
    return embedded * _mask((types, 1), share, embedded)[ids]


def _mask(shape: tuple[int, ...], share: float, like: Tensor) -> Tensor:
    return like.new_empty(shape).bernoulli_(1 - share).div_(1 - share)
