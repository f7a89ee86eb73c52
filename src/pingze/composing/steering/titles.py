"""Which title a poem was written to: a judge that counts, and knows nothing of any language model.

Characters of titles and characters of their poems keep company: 雪 with 梅, 漁 with 舟. From a corpus's counts, how
much likelier b is in a poem whose title holds a than in any poem is

    A[a, b] = ln((n(a, b) + k p(b)) / ((n(a) + k) p(b))),    k = PRIOR,

n(a) the poems whose title holds a, n(a, b) those of them that hold b, p(b) the share of all poems that do. A title's
score for a poem is the mean of A over its own characters, summed over the poem's (naive Bayes with a Dirichlet prior).
"""

from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np

from pingze.arrays import Array, Float, Int
from pingze.verse.characters import only_han

PRIOR = 100.0
"""As many poems as the expectation p(b) weighs in each estimate."""
CANDIDATES = 20
"""Titles among which a poem's own is to be found."""


class TitleJudge:
    """Counts of a corpus. pairs: each poem's title and text."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        pairs = [(_distinct(title), _distinct(text)) for title, text in pairs]
        self._of_title = _numbered(title for title, _ in pairs)
        self._of_text = _numbered(text for _, text in pairs)
        self._poems = len(pairs)
        titles = [self._ids(title, self._of_title) for title, _ in pairs]
        texts = [self._ids(text, self._of_text) for _, text in pairs]
        self._in_titles = np.bincount(_joined(titles), minlength=len(self._of_title))
        self._in_texts = np.bincount(_joined(texts), minlength=len(self._of_text))
        together = _joined(
            [(a[:, None] * len(self._of_text) + b).ravel() for a, b in zip(titles, texts, strict=True)]
        )
        self._pairs, self._together = np.unique(together, return_counts=True)

    @cached_property
    def _association(self) -> Float[Array, "titles texts"]:
        together = np.zeros((len(self._of_title), len(self._of_text)), np.float32)
        together.ravel()[self._pairs] = self._together
        share = self._in_texts / self._poems
        expected = (self._in_titles[:, None] + PRIOR) * share
        association: Array = np.log((together + PRIOR * share) / expected)
        return association

    def score(self, title: str, text: str) -> float:
        """How well a title suits a poem; 0 where nothing is known of either."""
        a, b = self._ids(_distinct(title), self._of_title), self._ids(_distinct(text), self._of_text)
        return float(self._association[np.ix_(a, b)].sum() / len(a)) if len(a) else 0.0

    def identified(self, poems: Sequence[tuple[str, str]]) -> float:
        """The share of poems whose own title scores highest of `CANDIDATES`, its own characters masked in the poem.

        poems: titles and texts, at least `CANDIDATES` of different titles; the other titles are the next ones in order.
        """
        found = 0
        for at, (title, text) in enumerate(poems):
            masked = "".join(c for c in text if c not in title)
            others = [poems[(at + n) % len(poems)][0] for n in range(1, CANDIDATES)]
            found += self.score(title, masked) > max(self.score(other, masked) for other in others)
        return found / len(poems)

    def _ids(self, text: str, numbers: dict[str, int]) -> Int[Array, "n"]:
        return np.array([numbers[c] for c in text if c in numbers], np.int64)


def _distinct(text: str) -> str:
    return "".join(dict.fromkeys(only_han(text)))


def _numbered(texts: Iterable[str]) -> dict[str, int]:
    return {character: n for n, character in enumerate(sorted({c for text in texts for c in text}))}


def _joined(parts: list[Int[Array, "_"]]) -> Int[Array, "n"]:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)
