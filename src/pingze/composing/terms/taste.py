"""Weigh a text by a prediction of readers' scores, which depend on more than its probability.

While a text is drawn, each token multiplies the text's weight by exp(`taste` · s), where `taste` is
the request's strength of taste and s is the sum

    LIKELY · ln p of the token
    + NAMED, if the token is a character of the title or theme that is new in the text
    − WORN · w, if the token completes a character pair that composed poems overuse by w nats
      (`worn`), and if neither character of the pair is in the title or theme; half as much in 詞
    + REWARD · r·h, where h is the model's state after the token and r the reward vector learned
    from readers' scores.

r (`checkpoint.Checkpoint.reward`) has the coefficients of h in a ridge regression of readers'
scores on the mean h over a text, the mean ln p, and the share of the title's characters in the text
(lab/experiments/reward.py). So r·h, summed over a text, predicts the readers' score.
docs/sampling.md explains how the terms were found. At the end, the text with the highest sum of s
becomes the poem. A text whose words, with its title and theme, name seasons or hours that differ
ranks below all others.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np

from pingze.arrays import Array, Float
from pingze.composing.request import Request
from pingze.composing.terms import Term, Token
from pingze.files import table
from pingze.network.vocabulary import Vocabulary
from pingze.verse.characters import only_han

LIKELY = 1.3
WORN = 0.45
NAMED = 4.0
"""The nats for using a character of title or theme.

If there are n > 4 of them, each is worth 4 · `NAMED` / n.
"""
REWARD = 2.5  # nats per token for each point of score that the reward predicts
KINDS = (
    frozenset({"spring", "summer", "autumn", "winter"}),
    frozenset({"dawn", "day", "evening", "night"}),
)
"""The seasons, and the hours."""
CONTRADICTION = 1e6
"""The penalty of a contradictory text, in nats; more than any text gains."""


@cache
def worn() -> dict[str, float]:
    """Load the character pairs that composed poems overuse, each with its overuse in nats."""
    return {pair: float(excess) for pair, excess in table("worn", "pingze.composing.terms").items()}


@dataclass(frozen=True)
class Naming:
    """The words that name a season or an hour."""

    times: frozenset[str]
    """The seasons or hours at which such a word can stand; a cricket is of summer or autumn."""
    words: list[str]
    """The words of poems."""
    title: re.Pattern[str] | None
    """What names these times in a title."""


@cache
def times() -> list[Naming]:
    """Load the words that name a season or an hour.

    A word has the times under whose titles real poems have it (lab/experiments/times.py). A poem's
    春 alone is not in the table, since it also means years and youth; in a title it means the
    season.
    """
    rows = []
    # a row of the table: times, words of poems, and a regular expression for titles, if any
    for names_of_times, cells in table("times", "pingze.composing.terms").items():
        words, _, title_pattern = cells.partition("\t")
        naming = Naming(
            times=frozenset(names_of_times.split()),
            words=words.split(),
            title=re.compile(title_pattern) if title_pattern else None,
        )
        rows.append(naming)
    return rows


def times_of_title(title: str, kind: frozenset[str]) -> frozenset[str]:
    """Return the times of one of `KINDS` that a title allows.

    All times are allowed if the title names no time, or two times that differ.
    """
    left = kind
    for row in times():
        if row.times <= kind and row.title and row.title.search(title):
            left &= row.times
    return left or kind


def contradicts(lines: Sequence[str], title: str = "") -> bool:
    """Check whether a poem's words, with its title, name seasons or hours that differ."""
    text = "\n".join(lines)
    for kind in KINDS:
        left = times_of_title(title, kind)
        for row in times():
            if row.times <= kind and any(word in text for word in row.words):
                left &= row.times
        if not left:
            return True
    return False


@lru_cache(maxsize=4)
def worn_pairs(vocabulary: Vocabulary) -> dict[tuple[int, int], float]:
    """Map each overused character pair of `worn`, as token ids, to its nats.

    Pairs with a character that the vocabulary lacks are left out.
    """
    pairs = {}
    for pair, excess in worn().items():
        if pair[0] in vocabulary and pair[1] in vocabulary:
            pairs[vocabulary.ids[pair[0]], vocabulary.ids[pair[1]]] = excess
    return pairs


class Taste(Term):
    """A term that predicts a reader's score.

    `reward` has a coefficient for each of the H hidden units, or is None.
    """

    def __init__(
        self, vocabulary: Vocabulary, request: Request, reward: Float[Array, "H"] | None = None
    ) -> None:
        self.title = request.subject
        characters = set(only_han(self.title))
        self.named = np.zeros(len(vocabulary), bool)
        for character in characters:
            if character in vocabulary:
                self.named[vocabulary.ids[character]] = True
        # A title of more than four characters is worth no more than one of four.
        self.gain = NAMED * min(1.0, 4 / max(1, len(characters)))
        self.strength = request.taste
        self.reward = reward
        self.starts = request.form.layout(request.lines).starts
        self.worn = worn_pairs(vocabulary)
        # The pairs were counted in 詩; 詞 reads worse if they weigh as much there (lab/LOG.md).
        self.worn_factor = WORN / 2 if request.form.tune else WORN

    def after_token(self, token: Token) -> Float[Array, "N"]:
        """Return `taste` times the sum s of the module's docstring, for each text's new token."""
        # 1) the model's probability
        s = LIKELY * token.log_p
        if token.place is not None:
            # 2) characters of the title
            ids = token.texts[:, token.place]
            before = token.texts[:, : token.place]  # (text, earlier place)
            occurs_before = (before == ids[:, None]).any(axis=1)
            is_new = ~occurs_before
            s += self.gain * (self.named[ids] & is_new)
            # 3) overused pairs within a line; the first character of a line ends no pair
            if token.place not in self.starts:
                previous = before[:, -1]
                pairs = zip(previous.tolist(), ids.tolist(), strict=True)
                excess = np.array([self.worn.get(pair, 0.0) for pair in pairs])
                # the user may want a pair that has a character of the title
                excess[self.named[previous] | self.named[ids]] = 0.0
                s -= self.worn_factor * excess
        # 4) readers' scores
        if token.h is not None and self.reward is not None:
            # not a matrix product: BLAS adds in an order that depends on the processor
            s += REWARD * (token.h * self.reward).sum(axis=1)
        return self.strength * s

    def of_text(self, lines: Sequence[str]) -> float:
        """Return a penalty that ranks a contradictory text below all others, otherwise 0."""
        if contradicts(lines, self.title):
            return -CONTRADICTION
        return 0.0
