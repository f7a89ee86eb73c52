"""What makes a text worth more to a reader than the model's probability tells.

While a text is drawn its weight is multiplied, token by token, by e to the power of the request's `taste` times

    − UNLIKELY · what ln p of the token lacks of LIKELY
    − WORN · by how much drafts use the pair that it ends too often (`lapses.overused`)
    + NAMED, the first time that it is one of the title's or the theme's characters.

A reader is stopped by a character that does not fit; how likely the others are does not matter to her, and to ask for
it brings what stands in every poem. Blind readings gave the terms and their weights (docs/sampling.md). At the end the
text with the largest sum is the poem; one with words of two seasons, or of day and night, comes after all others.
"""

import numpy as np

from pingze.arrays import Array, Bool, Float, Int
from pingze.characters import only_han
from pingze.composing.lapses import contradicts, overused
from pingze.composing.request import Request
from pingze.vocabulary import Vocabulary

LIKELY = -3.0
"""The ln p from which on a token is as good as one that is likelier."""
UNLIKELY = 1.5
WORN = 0.9
NAMED = 4.0
"""For each character of up to four; those of a longer title share what four would have."""


class Taste:
    """The taste of a request, for a vocabulary of V tokens."""

    def __init__(self, vocabulary: Vocabulary, request: Request) -> None:
        self.vocabulary, self.strength, self.width = vocabulary, request.taste, request.form.width
        known = {
            vocabulary.ids[pair[0]] * len(vocabulary) + vocabulary.ids[pair[1]]: excess
            for pair, excess in overused().items()
            if pair[0] in vocabulary and pair[1] in vocabulary
        }
        self.pairs = np.array(sorted(known), np.int64)
        self.excess = np.array([known[pair] for pair in sorted(known)])
        words = set(only_han((request.title or "") + (request.about or "")))
        self.named: Bool[Array, V] = np.isin(vocabulary.tokens, list(words))
        self.gain = NAMED * min(1.0, 4 / max(1, len(words)))

    def of_mark(self, log_p: Float[Array, "rows"]) -> Float[Array, "rows"]:
        """What is added to the logarithm of each text's weight for a mark."""
        added: Array = self.strength * UNLIKELY * np.minimum(0.0, log_p - LIKELY)
        return added

    def of_character(
        self, log_p: Float[Array, "rows"], texts: Int[Array, "rows P"], place: int
    ) -> Float[Array, "rows"]:
        """The same for the character that was just written at a place of each text."""
        ids = texts[:, place]
        new = ~(texts[:, :place] == ids[:, None]).any(axis=1)
        added = self.gain * (self.named[ids] & new)
        if place % self.width:
            added = added - WORN * self._excess(texts[:, place - 1], ids)
        result: Array = self.of_mark(log_p) + self.strength * added
        return result

    def _excess(self, before: Int[Array, "rows"], ids: Int[Array, "rows"]) -> Float[Array, "rows"]:
        if not len(self.pairs):
            return np.zeros(len(ids))
        pairs = before.astype(np.int64) * len(self.vocabulary) + ids
        found = np.searchsorted(self.pairs, pairs).clip(max=len(self.pairs) - 1)
        excess: Array = np.where(self.pairs[found] == pairs, self.excess[found], 0.0)
        return excess

    def best(self, texts: Int[Array, "rows P"], scores: Float[Array, "rows"]) -> int:
        """The row that becomes the poem."""
        ranked: list[int] = np.argsort(-scores, kind="stable").tolist()
        return next((row for row in ranked if not contradicts(self._lines(texts[row]))), ranked[0])

    def _lines(self, ids: Int[Array, "P"]) -> list[str]:
        text = self.vocabulary.decode(ids)
        return [text[start : start + self.width] for start in range(0, len(text), self.width)]
