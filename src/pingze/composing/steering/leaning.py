"""Weigh each character by a fixed number: as the mood asks (`mood`), or as the characters of other poems."""

import numpy as np

from pingze.arrays import Array, Float32, Int
from pingze.composing.steering.term import Term
from pingze.network.vocabulary import Vocabulary

NATS = 1.5
"""How much is added to or taken from ln p of a character of another poem while a text is drawn."""


class Leaning(Term):
    """A term that adds a number of nats for each character."""

    def __init__(self, leaning: Float32[Array, "V"]) -> None:
        self.leaning = leaning

    def before_draw(self, texts: Int[Array, "N P"], place: int) -> Float32[Array, "V"]:
        """Return what is added for each character, the same for all texts."""
        return self.leaning


def likeness(vocabulary: Vocabulary, like: str, unlike: str) -> Float32[Array, "V"]:
    """Return `NATS` for each character of the poems to resemble, and -`NATS` for each of those not to resemble."""
    leaning = np.zeros(len(vocabulary), np.float32)
    for characters, nats in ((like, NATS), (unlike, -NATS)):
        for each in {*characters} & vocabulary.ids.keys():
            leaning[vocabulary.ids[each]] += nats
    return leaning
