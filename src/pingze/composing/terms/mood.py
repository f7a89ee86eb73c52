r"""Multiply each character's weight by a fixed factor, for a mood 情 or for `like` and `unlike`.

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
    """Return, for each mood, m(c) of every token c: the nats added to ln p of c.

    m(c) is 0 for a token without data.
    """
    values = np.zeros((len(MOODS), len(vocabulary)), np.float32)
    for token, cells in table("moods", "pingze.composing.terms").items():
        if token in vocabulary:
            values[:, vocabulary.ids[token]] = [float(cell) for cell in cells.split("\t")]
    return dict(zip(MOODS, values, strict=True))


def likeness(vocabulary: Vocabulary, like: str, unlike: str) -> Float32[Array, "V"]:
    """Return `NATS` for characters in `like`, -`NATS` for those in `unlike`, and 0 for others."""
    leaning = np.zeros(len(vocabulary), np.float32)
    for characters, nats in ((like, NATS), (unlike, -NATS)):
        for character in set(characters):
            if character in vocabulary:
                leaning[vocabulary.ids[character]] += nats
    return leaning


class Leaning(Term):
    """A term that adds a fixed number of nats to ln p of each character."""

    def __init__(self, leaning: Float32[Array, "V"]) -> None:
        self.leaning = leaning

    def before_draw(self, texts: Int[Array, "N P"], place: int) -> Float32[Array, "V"]:
        """Return the number of nats for each character, the same for all texts and positions."""
        return self.leaning
