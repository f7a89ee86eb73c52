"""What makes a text worth more to a reader than the model's probability tells.

While a text is drawn its weight is multiplied, token by token, by e to the power of the request's `taste` times

    − UNLIKELY · what ln p of the token lacks of LIKELY
    − WORN · by how much drafts use the pair that it ends too often (`lapses.worn`)
    + NAMED, the first time that it is one of the title's or the theme's characters.

A reader is stopped by a character that does not fit; how likely the others are does not matter to her, and to ask for
it brings what stands in every poem. Blind readings gave the terms and their weights (docs/sampling.md). At the end the
text with the largest sum is the poem; one with words of two seasons, or of day and night, comes after all others.
"""

import numpy as np

from pingze.arrays import Array, Bool, Float, Int
from pingze.characters import only_han
from pingze.composing.lapses import contradicts, worn
from pingze.composing.poem import in_lines
from pingze.composing.request import Request
from pingze.vocabulary import Vocabulary

LIKELY = -3.0
"""The ln p from which on a token is as good as one that is likelier."""
UNLIKELY = 1.5
WORN = 0.9
NAMED = 4.0
"""For each character of up to four; those of a longer title share what four would have."""


class WornPairs:
    """How worn the pairs of a vocabulary are."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary, ids = vocabulary, vocabulary.ids
        known = sorted(
            (ids[pair[0]] * len(vocabulary) + ids[pair[1]], excess)
            for pair, excess in worn().items()
            if pair[0] in vocabulary and pair[1] in vocabulary
        )
        self.keys = np.array([key for key, _ in known], np.int64)
        self.excess = np.array([excess for _, excess in known])

    def of(self, before: Int[Array, "rows"], ids: Int[Array, "rows"]) -> Float[Array, "rows"]:
        """By how much each pair is used too often, 0 where it is not worn."""
        if not len(self.keys):
            return np.zeros(len(ids))
        keys = before.astype(np.int64) * len(self.vocabulary) + ids
        found = np.searchsorted(self.keys, keys).clip(max=len(self.keys) - 1)
        excess: Array = np.where(self.keys[found] == keys, self.excess[found], 0.0)
        return excess


class Taste:
    """The taste of a request."""

    def __init__(self, worn_pairs: WornPairs, request: Request) -> None:
        self.worn_pairs, self.vocabulary = worn_pairs, worn_pairs.vocabulary
        self.strength, self.width = request.taste, request.form.width
        words = set(only_han((request.title or "") + (request.about or "")))
        self.named: Bool[Array, V] = np.zeros(len(self.vocabulary), bool)
        self.named[[self.vocabulary.ids[word] for word in words if word in self.vocabulary]] = True
        self.gain = NAMED * min(1.0, 4 / max(1, len(words)))

    def of_token(self, log_p: Float[Array, "rows"]) -> Float[Array, "rows"]:
        """What is added to the logarithm of each text's weight for the ln p of a token."""
        added: Array = self.strength * UNLIKELY * np.minimum(0.0, log_p - LIKELY)
        return added

    def of_character(self, texts: Int[Array, "rows P"], place: int) -> Float[Array, "rows"]:
        """What is added beside it for the character that was just written at a place of each text."""
        ids = texts[:, place]
        new = ~(texts[:, :place] == ids[:, None]).any(axis=1)
        added = self.gain * (self.named[ids] & new)
        if place % self.width:
            added = added - WORN * self.worn_pairs.of(texts[:, place - 1], ids)
        result: Array = self.strength * added
        return result

    def best(self, texts: Int[Array, "rows P"], scores: Float[Array, "rows"]) -> int:
        """The row that becomes the poem."""
        ranked: list[int] = np.argsort(-scores, kind="stable").tolist()
        lines = (in_lines(self.vocabulary.decode(texts[row]), self.width) for row in ranked)
        return next(
            (row for row, each in zip(ranked, lines, strict=True) if not contradicts(each)), ranked[0]
        )
