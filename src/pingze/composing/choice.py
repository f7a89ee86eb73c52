"""Which of several finished drafts becomes the poem.

    score = ln p(text | given) + RELEVANCE · (ln p(text | given) − ln p(text | given but title and theme))

The first term prefers what the model finds natural, the second what it finds natural because of the title or the
theme: their pointwise mutual information. A draft with words of two seasons, or of day and night, comes after all
others. Blind readings chose the terms and the weight (docs/sampling.md).
"""

from collections.abc import Sequence

import numpy as np

from pingze.arrays import Array, Float, Int
from pingze.composing.lapses import Lines, contradicts
from pingze.composing.numpy_network import NumpyNetwork, log_softmax

RELEVANCE = 1.0


def best(drafts: Sequence[Lines], given: Float[Array, "D"], plain: Float[Array, "D"]) -> int:
    """Which of D drafts has the best score, from their ln p under all that was given, and without title and theme."""
    scores = given + RELEVANCE * (given - plain)
    return max(range(len(drafts)), key=lambda n: (not contradicts(drafts[n]), scores[n]))


def log_probabilities(
    network: NumpyNetwork, texts: Int[Array, "D T"], prefix: Sequence[int]
) -> Float[Array, "D"]:
    """Ln p of texts of one length after a prefix, read side by side; `<eos>` counts where it stands in them."""
    state, rows = network.start(len(texts), prefix), np.arange(len(texts))
    total = np.zeros(len(texts))
    for at, ids in enumerate(texts.T):
        total += log_softmax(network.logits(state))[rows, ids]
        if at + 1 < texts.shape[1]:
            state = network.step(state, ids)
    return total
