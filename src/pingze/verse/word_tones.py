"""Use neighbouring characters to decide which tone a character has.

Many characters can have both tones, but usually only one within a given word: 思 is level in 相思
and oblique in 秋思. `data/senses.tsv` lists the meanings of such characters with example words, and
`data/word_tones.tsv` lists more words, counted in the corpus (`python -m tools.count word_tones`).
"""

from collections.abc import Iterable
from functools import cached_property

from pingze.files import table
from pingze.verse.patterns import word_starts
from pingze.verse.rhyme_book import RhymeBook
from pingze.verse.rhyme_groups import GROUPS

OPEN = "中"  # the sign in word_tones.tsv for a tone that the word does not decide


class WordTones:
    """The tones that characters have within words and lines, by a rhyme book."""

    def __init__(self, book: RhymeBook) -> None:
        self.book = book

    @cached_property
    def tones(self) -> dict[str, str]:
        """The tones of each two-character word, such as 平仄, from counts or listed meanings; `OPEN` is undecided."""
        if self.book.rimes:
            return table("mandarin_words")
        tones = dict(table("word_tones"))
        for key, cells in table("senses").items():
            character = key[0]
            side = GROUPS[key[1]].side
            for word in cells.split("\t")[2].split():
                at = word.index(character)
                known = tones.get(word, OPEN * 2)
                tones[word] = known[:at] + side + known[at + 1 :]
        return tones

    def tones_by_word(self, line: str, starts: Iterable[int]) -> dict[int, str]:
        """Map positions of a line to the tones that two-character words decide there.

        A position has both tones if two words disagree. `starts` has the positions, from 0, at
        which a word of two characters may begin.
        """
        decided: dict[int, str] = {}
        for start in starts:
            tones = self.tones.get(line[start : start + 2], "")
            for at, tone in enumerate(tones, start):
                if tone != OPEN:
                    decided[at] = decided.get(at, "") + tone
        return decided

    def tones_in(self, line: str, starts: Iterable[int]) -> list[frozenset[str]]:
        """Return a set of tones per character of a line: those that a word decides, else the usual ones."""
        decided = self.tones_by_word(line, starts)
        tones = []
        for at, character in enumerate(line):
            by_word = frozenset(decided.get(at, ""))
            tones.append(by_word or self.book.usual_tones(character))
        return tones

    def word_at(self, line: str, place: int) -> str:
        """Return the two-character word that decides the tone at a position (from 0) in a line; "" if there is none."""
        for start in sorted({place - 1, place} & word_starts(2, len(line))):
            word = line[start : start + 2]
            if self.tones.get(word, OPEN * 2)[place - start] != OPEN:
                return word
        return ""

    def tones_within(
        self, words: Iterable[str], lines: Iterable[str] = ()
    ) -> dict[str, frozenset[str]]:
        """Map each character that can have both tones to its tones in `words` and `lines`, which may have blanks."""
        texts = [(word, frozenset(range(len(word) - 1))) for word in words]
        texts += [(line, word_starts(2, len(line))) for line in lines]
        found: dict[str, frozenset[str]] = {}
        for text, starts in texts:
            for character, tones in zip(text, self.tones_in(text, starts), strict=True):
                if len(self.book.tones(character)) == 2:
                    found[character] = found.get(character, frozenset()) | tones
        return found
