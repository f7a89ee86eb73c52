"""Weigh a text by the likely judgement of a reader, who wants more than the model's probability.

While a text is drawn its weight is multiplied, token by token, by e to the power of the request's `taste` times

    LIKELY · ln p of the token
    + NAMED, the first time that it is one of the title's or the theme's characters
    − WORN · ln of how much too often poems use the pair that it ends (`worn`), unless the title has a half of it
    + REWARD · r·h, where h is the model's state after the token and r the reward that readings taught.

The reward (`checkpoint.Checkpoint.reward`) is a ridge regression of the scores of blind readings on the mean state over
a text, beside ln p and the title's characters (experiments/reward.py): the sum over a text predicts a reader's score.
docs/sampling.md explains how the terms were found. At the end the text with the largest sum is the poem; a text with
words of two seasons, or of day and night, ranks after all others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np

from pingze.arrays import Array, Bool, Float, Int
from pingze.composing.request.request import Request
from pingze.composing.steering.term import Term, Token
from pingze.network.vocabulary import Vocabulary
from pingze.verse.characters import only_han
from pingze.verse.tables import table

LIKELY = 1.3
WORN = 0.45
NAMED = 13.0
"""For each of up to four characters; those of a longer title share four times this."""
REWARD = 2.5
"""Nats a token for a point of the mean score."""
CONTRADICTION = 1e6
"""More nats than any text gains."""


@cache
def worn() -> dict[str, float]:
    """The worn pairs, which poems use too often, by the logarithm of how much too often."""
    return {pair: float(excess) for pair, excess in table("worn", "pingze.composing.steering").items()}


@cache
def times() -> dict[str, dict[str, list[str]]]:
    """Words that name a season, and an hour: kind -> time -> words.

    Each is plain enough by itself: 春 alone is not, since it also means years and youth.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for time, cells in table("times", "pingze.composing.steering").items():
        kind, words = cells.split("\t")
        found.setdefault(kind, {})[time] = words.split()
    return found


def contradicts(lines: Sequence[str]) -> bool:
    """Check whether a poem has words of two seasons, or of day and night."""
    return any(
        sum(any(word in line for line in lines for word in words) for words in of_kind.values()) > 1
        for of_kind in times().values()
    )


class WornPairs:
    """The worn pairs of a vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary, ids = vocabulary, vocabulary.ids
        known = sorted(
            (ids[pair[0]] * len(ids) + ids[pair[1]], excess)
            for pair, excess in worn().items()
            if pair[0] in ids and pair[1] in ids
        )
        self.keys = np.array([*(key for key, _ in known), np.iinfo(np.int64).max])
        self.excess = np.array([*(excess for _, excess in known), 0.0])

    def of(self, before: Int[Array, "rows"], ids: Int[Array, "rows"]) -> Float[Array, "rows"]:
        """Look up the logarithm of how much too often each pair is used; 0 where it is not worn."""
        keys = before.astype(np.int64) * len(self.vocabulary) + ids
        place = np.searchsorted(self.keys, keys)
        excess: Array = np.where(self.keys[place] == keys, self.excess[place], 0.0)
        return excess


worn_pairs = lru_cache(maxsize=4)(WornPairs)


def taste_terms(
    vocabulary: Vocabulary, request: Request, reward: Float[Array, "H"] | None = None
) -> list[Term]:
    """List the terms of taste.

    Args:
        vocabulary: The model's.
        request: Whose title, theme and strength of taste count.
        reward: The model's; None where it has none.
    """
    words, ids = set(only_han((request.title or "") + (request.about or ""))), vocabulary.ids
    named: Bool[Array, V] = np.zeros(len(ids), bool)
    named[[ids[word] for word in words if word in ids]] = True
    gain, strength = NAMED * min(1.0, 4 / max(1, len(words))), request.taste
    return [
        Likely(strength),
        Named(strength, named, gain),
        Worn(strength, worn_pairs(vocabulary), named, request.form.width),
        *([] if reward is None else [Reward(strength, reward)]),
        Consistent(),
    ]


@dataclass
class Likely(Term):
    """ln p of each token."""

    strength: float

    def after_token(self, token: Token) -> Float[Array, "N"]:
        """Weigh the token by ln p."""
        added: Array = self.strength * LIKELY * token.log_p
        return added


@dataclass
class Named(Term):
    """Characters of title and theme, each the first time."""

    strength: float
    named: Bool[Array, "V"]
    gain: float

    def after_token(self, token: Token) -> Float[Array, "N"] | None:
        """Weigh the character if it is named and new."""
        if token.place is None:
            return None
        ids = token.texts[:, token.place]
        new = ~(token.texts[:, : token.place] == ids[:, None]).any(axis=1)
        added: Array = self.strength * (self.gain * (self.named[ids] & new))
        return added


@dataclass
class Worn(Term):
    """Worn pairs within a line, unless the title or the theme has a half of them."""

    strength: float
    pairs: WornPairs
    named: Bool[Array, "V"]
    width: int

    def after_token(self, token: Token) -> Float[Array, "N"] | None:
        """Weigh the pair that the character ends."""
        if token.place is None or token.place % self.width == 0:
            return None
        before, ids = token.texts[:, token.place - 1], token.texts[:, token.place]
        free = self.named[before] | self.named[ids]
        return -self.strength * (WORN * np.where(free, 0.0, self.pairs.of(before, ids)))


@dataclass
class Reward(Term):
    """The reward that readings taught."""

    strength: float
    reward: Float[Array, "H"]

    def after_token(self, token: Token) -> Float[Array, "N"] | None:
        """Weigh the model's state after the token."""
        if token.h is None:
            return None
        # BLAS adds in other orders.
        added: Array = self.strength * REWARD * (token.h * self.reward).sum(axis=1)
        return added


class Consistent(Term):
    """Words of two seasons, or of day and night."""

    def of_text(self, lines: Sequence[str]) -> float:
        """Put a text that contradicts itself after all others."""
        return -CONTRADICTION if contradicts(lines) else 0.0
