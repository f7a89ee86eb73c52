"""Forbid the characters that would copy too many in a row from a line of the corpus."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from pingze.arrays import Array, Bool, Int
from pingze.composing.constraints.feasibility import CompiledRequest, Fixes, PartialTexts
from pingze.composing.lexicon import FREE
from pingze.network.vocabulary import Vocabulary
from pingze.verse.forms import Layout

if TYPE_CHECKING:  # avoids importing SQLite at run time
    from pingze.corpus.suffix_array import SuffixArray


class CorpusCodes:
    """The ids of a vocabulary as codes of the characters of the corpus, and the other way round."""

    def __init__(self, corpus: "SuffixArray", vocabulary: Vocabulary) -> None:
        single = "".join(token if len(token) == 1 else "\0" for token in vocabulary.tokens)
        self.codes = corpus.encode(single)
        """The code of each id; tokens of several characters share a code that no text has."""
        self.ids = np.zeros(len(corpus.characters) + 2, int)
        """The id of each code."""
        self.ids[self.codes] = np.arange(len(vocabulary))
        self.known = np.isin(np.arange(len(self.ids)), self.codes)
        """Whether a code is that of a token."""

    def of(self, ids: Sequence[int]) -> list[int]:
        """Return the codes of some ids."""
        return [self.codes[id_] for id_ in ids]


class Originality:
    """The ban on substrings of `longest` + 1 characters that occur in the corpus.

    A substring is copied if it occurs in a line of the corpus and is longer than `longest`. Every
    such substring contains a substring that is exactly one character too long, so only substrings
    of that length are looked up. A substring is looked up when the last of its free positions is
    about to be filled. Texts are given as vocabulary ids, and `layout` divides them into lines.
    """

    dead_end = "unfinished"

    def __init__(
        self, corpus: "SuffixArray", vocabulary: Vocabulary, layout: Layout, longest: int
    ) -> None:
        self.corpus = corpus
        self.layout = layout
        self.size = longest + 1
        self.codes = CorpusCodes(corpus, vocabulary)
        self.completing = lru_cache(maxsize=1 << 14)(self._completing)

    def possible(self, compiled: CompiledRequest, fixed: Fixes) -> Bool[Array, "#T #G"]:
        """Return a mask of the hypotheses: all True if the fixed characters copy nothing."""
        return np.array([[not self.contains_copy(fixed, self.layout.line)]])

    def rules_out_word(self, word: Sequence[int]) -> bool:
        """Return whether a word contains a copied substring."""
        return self.contains_copy(word, [0] * len(word))

    def contains_copy(self, ids: Sequence[int], line: Sequence[int]) -> bool:
        """Return whether known ids contain a copied substring; `line` numbers each id's line."""
        for start in range(len(ids) - self.size + 1):
            end = start + self.size
            part = ids[start:end]
            if line[start] != line[end - 1] or FREE in part:
                continue
            if len(self.corpus.places(self.codes.of(part))):
                return True
        return False

    def forbidden(
        self, compiled: CompiledRequest, partial_texts: PartialTexts, place: int
    ) -> Bool[Array, "N V"]:
        """Return a mask of the characters that would copy the corpus at a position of each text."""
        return self.completing_copies(partial_texts.texts, place)

    def completing_copies(self, texts: Int[Array, "N P"], place: int) -> Bool[Array, "N V"]:
        """Return a mask of the characters that would complete a copy at a position of each text."""
        line = self.layout.places(self.layout.line[place])
        copied = np.zeros((len(texts), len(self.codes.codes)), bool)
        # of the same line, the `size` - 1 characters before the place, and as many after it
        before = texts[:, max(line.start, place + 1 - self.size) : place].tolist()
        after = texts[:, place + 1 : min(line.stop, place + self.size)].tolist()
        for row, (written, given) in enumerate(zip(before, after, strict=True)):
            until = given.index(FREE) if FREE in given else len(given)
            copied[row, self.completing(tuple(written), tuple(given[:until]))] = True
        return copied

    def _completing(self, before: tuple[int, ...], after: tuple[int, ...]) -> Int[Array, "n"]:
        """Return the ids of the characters that complete a copy between `before` and `after`."""
        # A copy has `size` characters: `count_before` before the place, one at the place, and the
        # rest after it.
        fewest = max(0, self.size - 1 - len(after))
        most = min(len(before), self.size - 1)
        found = [np.zeros(0, int)]
        for count_before in range(fewest, most + 1):
            preceding = before[len(before) - count_before :]
            following = after[: self.size - 1 - count_before]
            found.append(self.corpus.between(self.codes.of(preceding), self.codes.of(following)))
        codes = np.concatenate(found)
        known_codes = codes[self.codes.known[codes]]
        return self.codes.ids[known_codes]
