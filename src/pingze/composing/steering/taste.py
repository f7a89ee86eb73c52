"""What makes a text worth more to a reader than the model's probability tells.

While a text is drawn its weight is multiplied, token by token, by e to the power of the request's `taste` times

    LIKELY · ln p of the token
    − WORN · by how much poems use the pair that it ends too often (`lapses.worn`), unless the title has a half of it
    + NAMED, the first time that it is one of the title's or the theme's characters
    + REWARD · r·h, h being the model's state after the token and r the reward that readings taught.

The reward (`checkpoint.Checkpoint.reward`) is a ridge regression of the scores of blind readings on the mean state over
a text, beside ln p and the title's characters (experiments/reward.py): a text's sum is about what a reader would give
it. docs/sampling.md tells how the terms were found. At the end the text with the largest sum is the poem; one with
words of two seasons, or of day and night, comes after all others.
"""

import numpy as np

from pingze.arrays import Array, Bool, Float, Int
from pingze.composing.poem import in_lines
from pingze.composing.request.request import Request
from pingze.composing.steering.lapses import contradicts, worn
from pingze.network.vocabulary import Vocabulary
from pingze.verse.characters import only_han

LIKELY = 1.3
WORN = 0.45
NAMED = 13.0
"""For each character of up to four; those of a longer title share what four would have."""
REWARD = 2.5
"""Nats a token for a point of the mean score."""


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
    """The taste of a request.

    worn_pairs: Of the model's vocabulary.
    request: Whose title, theme and strength of taste count.
    reward: The model's, (H); None where it has none.
    """

    def __init__(
        self, worn_pairs: WornPairs, request: Request, reward: Float[Array, "H"] | None = None
    ) -> None:
        self.worn_pairs, self.vocabulary = worn_pairs, worn_pairs.vocabulary
        self.strength, self.width = request.taste, request.form.width
        words = set(only_han((request.title or "") + (request.about or "")))
        self.named: Bool[Array, V] = np.zeros(len(self.vocabulary), bool)
        self.named[[self.vocabulary.ids[word] for word in words if word in self.vocabulary]] = True
        self.gain = NAMED * min(1.0, 4 / max(1, len(words)))
        self.reward = reward

    def of_token(self, log_p: Float[Array, "rows"]) -> Float[Array, "rows"]:
        """What is added to the logarithm of each text's weight for the ln p of a token."""
        added: Array = self.strength * LIKELY * log_p
        return added

    def of_character(self, texts: Int[Array, "rows P"], place: int) -> Float[Array, "rows"]:
        """What is added beside it for the character that was just written at a place of each text."""
        ids = texts[:, place]
        new = ~(texts[:, :place] == ids[:, None]).any(axis=1)
        added = self.gain * (self.named[ids] & new)
        if place % self.width:
            before = texts[:, place - 1]
            free = self.named[before] | self.named[ids]
            added = added - WORN * np.where(free, 0.0, self.worn_pairs.of(before, ids))
        result: Array = self.strength * added
        return result

    def of_state(self, h: Float[Array, "rows H"]) -> Float[Array, "rows"]:
        """What is added for the model's state after a token."""
        if self.reward is None:
            return np.zeros(len(h))
        added: Array = self.strength * REWARD * (h * self.reward).sum(axis=1)  # BLAS adds in other orders
        return added

    def best(self, texts: Int[Array, "rows P"], scores: Float[Array, "rows"]) -> int:
        """The row that becomes the poem."""
        ranked: list[int] = np.argsort(-scores, kind="stable").tolist()
        lines = (in_lines(self.vocabulary.decode(texts[row]), self.width) for row in ranked)
        return next(
            (row for row, each in zip(ranked, lines, strict=True) if not contradicts(each)), ranked[0]
        )
