"""Use neighbouring characters to decide which tone a character has.

Many characters can have both tones, but usually only one within a given word: 思 is level in 相思
and oblique in 秋思. `data/senses.tsv` lists the meanings of such characters with example words,
`data/word_tones.tsv` lists more words, counted in the corpus, and `data/dictionary_tones.tsv` those
that dictionaries read in one way, unless verse disagrees (`python -m tools.count word_tones`).
"""

from collections.abc import Iterable, Iterator

from pingze.cached import cached_property
from pingze.files import table
from pingze.verse.patterns import word_starts
from pingze.verse.rhyme_book import Groups, RhymeBook
from pingze.verse.rhyme_groups import GROUPS

OPEN = "中"  # the sign in word_tones.tsv for a tone that the word does not decide


class WordTones:
    """The tones that characters have within words and lines, by a rhyme book."""

    def __init__(self, book: RhymeBook) -> None:
        self.book = book

    @cached_property
    def tones(self) -> dict[str, str]:
        """The tones of each two-character word, such as 平仄, from dictionaries, counts or listed meanings.

        `OPEN` is undecided.
        """
        if self.book.rimes:
            return self._tones_in_mandarin
        # 1) What dictionaries say, unless counts decide it.
        tones = dict(table("word_tones"))
        for word, at, side in words_read("dictionary_tones"):
            known = tones.get(word, OPEN + OPEN)
            if known[at] == OPEN:
                _decide(tones, word, at, side)
        # 2) The words that illustrate a meaning.
        for key, cells in table("senses").items():
            character = key[0]
            group = key[1:]
            _, _, examples = cells.split("\t")
            for word in examples.split():
                _decide(tones, word, word.index(character), GROUPS[group].side)
        # 3) The corpus writes 爲, modern texts 為: add each word in the modern spelling.
        for word in list(tones):
            if "爲" in word:
                tones.setdefault(word.replace("爲", "為"), tones[word])
        return tones

    @cached_property
    def _tones_in_mandarin(self) -> dict[str, str]:
        tones: dict[str, str] = {}
        for word, at, syllable in words_read("mandarin_words"):
            groups = self.book.groups_of_syllable(syllable)
            if len(self.book.tones(word[at])) == 2:
                _decide(tones, word, at, self.book.groups[groups[0]].side)
        return tones

    @cached_property
    def rhymes(self) -> dict[str, Groups]:
        """The groups in which the last character of a two-character word rhymes in Mandarin.

        Only words whose last character has readings in several groups are listed; none in 平水韻.
        """
        rhymes = {}
        if self.book.rimes:
            for word, at, syllable in words_read("mandarin_words"):
                if at == 1:
                    rhymes[word] = frozenset(self.book.groups_of_syllable(syllable))
        return rhymes

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


def words_read(name: str) -> Iterator[tuple[str, int, str]]:
    """Yield each word in a table of readings, the index of a character in it, and how this character is read.

    A row of the table has a character and its reading, as 將仄, then what stands before it in words
    of two characters (老 for 老將) and what stands after it.
    """
    for key, cells in table(name).items():
        character = key[0]
        before, after = cells.split("\t")
        for one in before:
            yield one + character, 1, key[1:]
        for one in after:
            yield character + one, 0, key[1:]


def _decide(tones: dict[str, str], word: str, at: int, side: str) -> None:
    """Set the tone of a word's character at an index."""
    known = tones.get(word, OPEN * 2)
    tones[word] = known[:at] + side + known[at + 1 :]
