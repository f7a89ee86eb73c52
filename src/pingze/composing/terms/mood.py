r"""Multiply each character's weight by a fixed factor, from the poem's mood 情 or from the options `like` and `unlike`.

While a text of a mood is drawn, the weight of each character c is multiplied by exp m(c), where

    m(c) = ln (n + PRIOR) / (e + PRIOR)

Here n is the number of times that poems of this mood use c, and e is the number expected from the
frequency of c in poems of the other two moods. PRIOR keeps m(c) near 0 for a rare character. Only
poems of the train split are counted, and only if the title shows a mood: such titles congratulate,
speak of leisure, or mourn (tools/moods.py).
"""

from functools import lru_cache

import numpy as np

from pingze.arrays import Array, Float32, Int
from pingze.composing.options import MOODS
from pingze.composing.terms import Term
from pingze.files import table
from pingze.network.vocabulary import Vocabulary

PRIOR = 3
NATS = 1.5  # added to ln p of characters to prefer, and taken from ln p of characters to use less


@lru_cache(maxsize=4)
def leanings(vocabulary: Vocabulary) -> dict[str, Float32[Array, "V"]]:
    """Return, for each mood, m(c) of every token c: the nats added to ln p of c. m(c) is 0 for a token without data."""
    cells = table("moods", "pingze.composing.terms")
    rows = [
        cells[token].split("\t") if token in cells else [0.0] * len(MOODS)
        for token in vocabulary.tokens
    ]
    return dict(zip(MOODS, np.array(rows, np.float64).astype(np.float32).T, strict=True))


def likeness(vocabulary: Vocabulary, like: str, unlike: str) -> Float32[Array, "V"]:
    """Return `NATS` for characters only in `like`, -`NATS` for characters only in `unlike`, and 0 for all others."""
    leaning = np.zeros(len(vocabulary), np.float32)
    for characters, nats in ((like, NATS), (unlike, -NATS)):
        for each in {*characters} & vocabulary.ids.keys():
            leaning[vocabulary.ids[each]] += nats
    return leaning


class Leaning(Term):
    """A term that adds a fixed number of nats to ln p of each character."""

    def __init__(self, leaning: Float32[Array, "V"]) -> None:
        self.leaning = leaning

    def before_draw(self, texts: Int[Array, "N P"], place: int) -> Float32[Array, "V"]:
        """Return the number of nats for each character, the same for all texts and positions."""
        return self.leaning
