"""What a poem is about, drawn from its own words: so a model learns to write to a theme that a person names.

A theme is one to four characters or pairs of neighbours of one line, the rarer the likelier (by the inverse document
frequency of Spärck Jones 1972): telling ones come often, 不 and 人 seldom. It is drawn anew each time that a poem is
read.
"""

from collections.abc import Iterable

import numpy as np

from pingze.arrays import Array, Float
from pingze.network.batches import Ids
from pingze.network.vocabulary import Vocabulary

LARGEST = 4
"""Words of a theme at most."""


class Themes:
    """Draws themes from encoded texts.

    texts: the training texts, encoded.
    vocabulary: theirs.
    """

    def __init__(self, texts: Iterable[Ids], vocabulary: Vocabulary) -> None:
        count, containing = 0, np.zeros(len(vocabulary))
        for text in texts:
            count += 1
            containing[np.unique(text)] += 1
        self._han = np.array([vocabulary.is_han(id_) for id_ in range(len(vocabulary))])
        self.telling: Float[Array, V] = np.log((1 + count) / (1 + containing)) * self._han
        """How telling a token is: ln of the texts over those that hold it; 0 for all but Han characters."""

    def draw(self, text: Ids, rng: np.random.Generator) -> Ids:
        """The tokens of a theme of an encoded text, in an order of their own; none where it has no Han character."""
        weights = self.telling[text]
        total = weights.sum()
        if not total:
            return text[:0]
        words = min(int(rng.integers(1, LARGEST + 1)), int((weights > 0).sum()))
        places = rng.choice(len(text), words, replace=False, p=weights / total)
        return np.concatenate([self._word(text, int(place), rng) for place in places])

    def _word(self, text: Ids, place: int, rng: np.random.Generator) -> Ids:
        """The character at a place, or every other time it and the next one of its line."""
        paired = rng.random() < 0.5 and place + 1 < len(text) and self._han[text[place + 1]]
        return text[place : place + 1 + paired]
