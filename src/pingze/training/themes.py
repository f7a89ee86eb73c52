"""Draw a poem's theme from its own words, so that a model learns to write about a theme that a person names.

A theme is one to four words, each a character or two neighbours of one line. Rare words are likelier (inverse document
frequency, Spärck Jones 1972): 不 and 人 are seldom drawn. Each reading of a poem draws its theme again.
"""

from collections.abc import Iterable

import numpy as np

from pingze.arrays import Array, Float
from pingze.network.batches import Ids
from pingze.network.vocabulary import Vocabulary

LARGEST = 4
"""Words of a theme at most."""


class Themes:
    """Draw themes from encoded texts.

    texts: the training texts, encoded.
    vocabulary: their vocabulary.
    """

    def __init__(self, texts: Iterable[Ids], vocabulary: Vocabulary) -> None:
        count, containing = 0, np.zeros(len(vocabulary))
        for text in texts:
            count += 1
            containing[np.unique(text)] += 1
        self._han = np.array([vocabulary.is_han(id_) for id_ in range(len(vocabulary))])
        self.rarity: Float[Array, V] = np.log((1 + count) / (1 + containing)) * self._han
        """Inverse document frequency of each token: ln of the texts over those that contain it; 0 unless Han."""

    def draw(self, text: Ids, rng: np.random.Generator) -> Ids:
        """Draw the tokens of a theme of an encoded text, in random order; none if it has no Han character."""
        weights = self.rarity[text]
        total = weights.sum()
        if not total:
            return text[:0]
        words = min(int(rng.integers(1, LARGEST + 1)), int((weights > 0).sum()))
        places = rng.choice(len(text), words, replace=False, p=weights / total)
        return np.concatenate([self._word(text, int(place), rng) for place in places])

    def _word(self, text: Ids, place: int, rng: np.random.Generator) -> Ids:
        """Take the character at a place, and every other time the next one if it is in the same line."""
        paired = rng.random() < 0.5 and place + 1 < len(text) and self._han[text[place + 1]]
        return text[place : place + 1 + paired]
