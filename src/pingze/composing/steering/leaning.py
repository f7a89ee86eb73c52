"""Weigh the characters of other poems: more if the poem should be like them, less if it should be unlike them."""

import numpy as np

from pingze.arrays import Array, Float32, Int
from pingze.composing.steering.term import Term
from pingze.network.vocabulary import Vocabulary

NATS = 1.5
"""How much is added to or taken from ln p of such a character while a text is drawn."""


class Leaning(Term):
    """A term that adds `NATS` for each character to use, and takes `NATS` for each character to avoid."""

    def __init__(self, vocabulary: Vocabulary, like: str, unlike: str) -> None:
        self.leaning = np.zeros(len(vocabulary), np.float32)
        for characters, nats in ((like, NATS), (unlike, -NATS)):
            for each in {*characters} & vocabulary.ids.keys():
                self.leaning[vocabulary.ids[each]] += nats

    def before_draw(self, texts: Int[Array, "N P"], place: int) -> Float32[Array, "V"]:
        """Return what is added for each character, the same for all texts."""
        return self.leaning
