"""Find the characters that would copy a line of the corpus, for poems that must be original.

A substring is copied if it occurs in a line of the corpus and is longer than the request allows. Every such substring
contains a substring that is exactly one character too long, so only substrings of that length are looked up. Each is
looked up when a character is chosen for the last of its free positions.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from pingze.arrays import Array, Bool, Int
from pingze.composing.constraints import FREE
from pingze.composing.constraints.feasibility import Demands, Fixes, Histories
from pingze.network.vocabulary import Vocabulary
from pingze.verse.forms import Layout

if TYPE_CHECKING:  # avoids importing SQLite at run time
    from pingze.corpus.suffix_array import SuffixArray


class Copying:
    """An index of the substrings of `longest` + 1 characters that occur in the corpus.

    Texts are given as vocabulary ids, and `layout` divides them into lines.
    """

    dead_end = "unfinished"  # the code of the error that is raised when no text can be continued

    def __init__(self, corpus: "SuffixArray", vocabulary: Vocabulary, layout: Layout, longest: int) -> None:
        self.corpus, self.layout, self.size = corpus, layout, longest + 1
        single = "".join(token if len(token) == 1 else "\0" for token in vocabulary.tokens)
        self.codes = corpus.encode(single)
        self.ids = np.zeros(len(corpus.characters) + 2, int)
        self.ids[self.codes] = np.arange(len(vocabulary))
        self.known = np.isin(np.arange(len(self.ids)), self.codes)
        self.completing = lru_cache(maxsize=1 << 14)(self._completing)

    def holds(self, fixed: Sequence[int]) -> bool:
        """Check whether the fixed characters of a poem, or the characters of a word, contain a copied substring."""
        line = self.layout.line if len(fixed) == len(self.layout.line) else [0] * len(fixed)  # a poem, or a word
        starts = (at for at in range(len(fixed) - self.size + 1) if line[at] == line[at + self.size - 1])
        parts = (fixed[at : at + self.size] for at in starts)
        return any(FREE not in part and len(self.corpus.places(self._codes(part))) for part in parts)

    def leaves(self, demands: Demands, fixed: Fixes) -> Bool[Array, "#T #G"]:
        """Return a mask of the hypotheses under which the fixed characters of a poem copy nothing: all or none."""
        return np.array([[not self.holds(fixed)]])

    def forbidden(self, demands: Demands, histories: Histories, place: int) -> Bool[Array, "N V"]:
        """Return a mask of the characters that would copy the corpus at the given position of each text."""
        return self.copied(histories.texts, place)

    def copied(self, texts: Int[Array, "N P"], place: int) -> Bool[Array, "N V"]:
        """Return a mask of the characters that would complete a copied substring at the given position of each text."""
        line = self.layout.places(self.layout.line[place])
        copied = np.zeros((len(texts), len(self.codes)), bool)
        before = texts[:, max(line.start, place + 1 - self.size) : place].tolist()
        after = texts[:, place + 1 : min(line.stop, place + self.size)].tolist()
        for row, (written, given) in enumerate(zip(before, after, strict=True)):
            until = given.index(FREE) if FREE in given else len(given)
            copied[row, self.completing(tuple(written), tuple(given[:until]))] = True
        return copied

    def _completing(self, before: tuple[int, ...], after: tuple[int, ...]) -> Int[Array, "n"]:
        """Return the ids of the characters that complete a copied substring between `before` and `after`."""
        found = [np.zeros(0, int)]
        for taken in range(max(0, self.size - 1 - len(after)), min(len(before), self.size - 1) + 1):
            near = before[len(before) - taken :]
            found.append(self.corpus.between(self._codes(near), self._codes(after[: self.size - 1 - taken])))
        codes = np.concatenate(found)
        return self.ids[codes[self.known[codes]]]

    def _codes(self, ids: Sequence[int]) -> list[int]:
        return [self.codes[id_] for id_ in ids]
