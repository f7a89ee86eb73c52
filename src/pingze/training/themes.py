"""Draw a theme from the words of a poem, so that a model learns to compose about themes that users name.

A theme consists of one to four words, each a character or two adjacent characters of a line. Rare words are more likely
(inverse document frequency, Spärck Jones 1972): 不 and 人 are seldom drawn. A theme is drawn each time a poem is read.
"""

from collections.abc import Iterable

import numpy as np

from pingze.arrays import Array, Float
from pingze.network.batches import Ids
from pingze.network.vocabulary import Vocabulary

LARGEST = 4
"""Maximum number of words in a theme."""


class Themes:
    """A sampler of themes from encoded texts.

    Args:
        texts: The encoded training texts, in which the words' rarity is counted.
        vocabulary: The vocabulary of the texts.
    """

    def __init__(self, texts: Iterable[Ids], vocabulary: Vocabulary) -> None:
        count, containing = 0, np.zeros(len(vocabulary))
        for text in texts:
            count += 1
            containing[np.unique(text)] += 1
        self._han = np.array([vocabulary.is_han(id_) for id_ in range(len(vocabulary))])
        self.rarity: Float[Array, V] = np.log((1 + count) / (1 + containing)) * self._han
        """Inverse document frequency of each Han character, ln((1 + texts) / (1 + texts with it)); 0 for others."""

    def draw(self, text: Ids, rng: np.random.Generator) -> Ids:
        """Draw a theme of an encoded text, as tokens in random order; empty if the text has no Han character."""
        weights = self.rarity[text]
        total = weights.sum()
        if not total:
            return text[:0]
        words = min(int(rng.integers(1, LARGEST + 1)), int((weights > 0).sum()))
        places = rng.choice(len(text), words, replace=False, p=weights / total)
        return np.concatenate([self._word(text, int(place), rng) for place in places])

    def _word(self, text: Ids, place: int, rng: np.random.Generator) -> Ids:
        """Take the character at a position; half the time, also the following one if it is in the same line."""
        paired = rng.random() < 0.5 and place + 1 < len(text) and self._han[text[place + 1]]
        return text[place : place + 1 + paired]
