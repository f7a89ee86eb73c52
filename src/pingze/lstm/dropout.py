"""Apply dropout to features, characters or recurrent weights.

A mask is drawn per token, per sequence (locked), per character (type) or per weight (DropConnect).
Each kind divides the kept values by the share that is kept, which preserves the expectation.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn


@dataclass(frozen=True)
class Dropout:
    """The shares of features and weights that dropout sets to 0 in training."""

    inputs: float = 0.0
    """Share of the inputs of each layer."""
    outputs: float = 0.0
    """Share of the top layer's outputs."""
    types: float = 0.0
    """Share of the characters in the vocabulary.

    A dropped character is dropped wherever it occurs in a batch.
    """
    weights: float = 0.0
    """Share of the recurrent weights.

    DropConnect (Wan et al. 2013; applied to LSTMs by Merity et al. 2018).
    """
    locked: bool = False
    """Whether dropout of inputs and outputs uses the same mask at all steps of a sequence."""

    def features(
        self, data: Float[Tensor, "N D"], sizes: Int64[Tensor, "T"], share: float
    ) -> Tensor:
        """Drop a share of the features of packed sequences.

        If `locked`, the same features are dropped at all steps of a sequence (Gal & Ghahramani
        2016).
        """
        # PyTorch's dropout draws a new mask for each row, which is a step of a sequence.
        if not self.locked or not share:
            return nn.functional.dropout(data, share)
        sequence_count = int(sizes[0])  # all sequences run at the first step
        mask = _mask((sequence_count, data.shape[1]), share, data)
        mask_of_rows = mask[sequence_of_rows(sizes)]  # (N, D)
        return data * mask_of_rows


def sequence_of_rows(sizes: Int64[Tensor, "T"]) -> Int64[Tensor, "N"]:
    """Return the index of the sequence that each row of a packed batch belongs to.

    Row r of each step belongs to sequence r, because the sequences are sorted by length.
    """
    return torch.cat([torch.arange(size) for size in sizes.tolist()])


def type_dropout(
    embedded: Float[Tensor, "N E"], ids: Int64[Tensor, "N"], types: int, share: float
) -> Tensor:
    """Drop each of `types` tokens with probability `share` (Gal & Ghahramani 2016).

    The rows of a dropped token become 0.
    """
    return embedded * _mask((types, 1), share, embedded)[ids]


def _mask(shape: tuple[int, ...], share: float, like: Tensor) -> Tensor:
    """Draw a mask of 0 and 1 / (1 - share), with the type and device of `like`."""
    return like.new_empty(shape).bernoulli_(1 - share).div_(1 - share)
