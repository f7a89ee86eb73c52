"""Look up a character's rhyme groups, its counts in Tang verse, its readings in Mandarin, its variants and other forms.

`data/SOURCES.md` describes `characters.tsv`, `mandarin.tsv`, `simplified.tsv` and `shinjitai.tsv`,
and lists their sources.
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from itertools import compress
from typing import NamedTuple

from pingze.files import counts, table
from pingze.verse.characters import Translation
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE, PINGSHUI, Standard

IN_USE = 30
"""Minimum number of occurrences in Tang verse for a character to count as in use.

A Simplified form that is in use, such as 后 里 云 余 几, is not converted. 愿 and 听 occur only a
few times, so they become 願 and 聽.
"""
_RIMES = """ï=zhi,chi,shi,ri,zi,ci,si ü=ju,qu,xu,yu,ü ie=ie,ye,ue,üe,ê en=en,in,un,ün eng=eng,ing ei=ei,ui ou=ou,iu
    ang ong an ai ao er a o e i u"""
ENDINGS = {
    end: rime
    for rime, _, ends in (row.partition("=") for row in _RIMES.split())
    for end in (ends or rime).split(",")
}
"""Map each ending of a syllable to its rime.

If several endings match, use the longest. ï is the vowel of 知 and 資.
"""
# the marks of tones 1 and 2, and of 3 and 4
_LEVEL_MARKS, _OBLIQUE_MARKS = "\u0304\u0301", "\u030c\u0300"


class Entry(NamedTuple):
    """A character's row in the table. The row of an unknown character has no rhyme groups."""

    rhymed: Mapping[str, int]
    """How often Tang poets rhymed on the character, for each of its rhyme groups.

    In 平水韻, each group has its own count. In any other standard, each group has the sum of all
    平水韻 counts.
    """
    used: int
    """The number of times the character occurs in Tang verse."""
    needed: Mapping[str, int]
    """How often a template fixes the character's tone as level, and as oblique.

    Empty for a character of one tone.
    """
    variants: str
    """Other written forms of the character, the most frequent first."""


@lru_cache(1 << 15)
# a default would let the cache keep an entry twice
def entry(character: str, standard: Standard) -> Entry:
    """Look up a character exactly as it is written, with its rhyme groups in the given standard."""
    row = table("characters").get(character, "") + "\t" * 4
    groups, used, level, oblique, variants = row.split("\t")[:5]
    rhymed, needed = counts(groups), {LEVEL: int(level), OBLIQUE: int(oblique)} if level else {}
    if standard.rimes:
        read = "".join(
            mandarin_groups(each, standard) for each in mandarin_readings().get(character, ())
        )
        rhymed, needed = dict.fromkeys(read, sum(rhymed.values())), {}
    return Entry(rhymed, int(used or 0), needed, variants)


@cache
def mandarin_readings() -> dict[str, list[str]]:
    """Map each character to its syllables in Mandarin, such as zhǎng and cháng for 長."""
    found: dict[str, list[str]] = {}
    for syllable, characters in table("mandarin").items():
        for character in characters:
            found.setdefault(character, []).append(syllable)
    return found


@cache
def mandarin_groups(syllable: str, standard: Standard) -> str:
    """Return the name of a Mandarin syllable's rhyme group.

    A neutral tone has two: a level and an oblique group.
    """
    marks = unicodedata.normalize("NFD", syllable)
    letters = unicodedata.normalize("NFC", re.sub(f"[{_LEVEL_MARKS}{_OBLIQUE_MARKS}]", "", marks))
    rime = next((ENDINGS[end] for size in (3, 2, 1) if (end := letters[-size:]) in ENDINGS), "")
    has = [bool(set(tones) & set(marks)) for tones in (_LEVEL_MARKS, _OBLIQUE_MARKS)]
    return "".join(compress(standard.rimes.get(rime, ""), has if any(has) else (True, True)))


def in_use(character: str) -> bool:
    """Return whether a character, exactly as it is written, occurs at least `IN_USE` times in Tang verse."""
    return entry(character, PINGSHUI).used >= IN_USE


@lru_cache(1 << 13)
def is_rare_word(character: str) -> bool:
    """Return whether a Simplified character, such as 并 for 並, is also a word of its own with another reading."""
    if not (traditional := table("simplified").get(character)):
        return False
    own, other = (entry(one, PINGSHUI).rhymed.keys() for one in (character, traditional[0]))
    return bool(other) and not own <= other


def variants(character: str) -> tuple[str, ...]:
    """Return other written forms of a character, such as 溪 for 谿, the most frequent in Tang verse first."""
    return tuple(entry(character, PINGSHUI).variants)


@lru_cache(1 << 13)
def forms(character: str) -> tuple[str, ...]:
    """Return all characters that write the same word, `character` first.

    For 回, these characters include 迴 and 廻.
    """
    found = [character]
    for one in found:
        found += [other for other in variants(one) if other not in found]
    return tuple(found)


def one_form(text: str) -> str:
    """Replace each character by one form that stands for all its `forms`, so that 高啟 and 高啓 become equal."""
    return text.translate(_ONE_FORM)


_ONE_FORM = Translation(lambda character: min(forms(character)))


def traditional_candidates(character: str) -> tuple[str, ...]:
    """Return the Traditional characters that a Simplified or Japanese character may stand for, most frequent first."""
    return tuple(table("simplified").get(character) or table("shinjitai").get(character, ""))


def to_traditional(text: str) -> str:
    """Convert each Simplified character of a text to its Traditional form, if that form is certain.

    A character that Tang verse uses as a word of its own (`IN_USE`), such as 云, remains unchanged.
    A character with several Traditional forms in use also remains unchanged: 发 may be 發 or 髮.
    But it is converted if these forms are variants of each other: 为 becomes 爲.
    """
    return text.translate(_TRADITIONAL)


def _convert(character: str) -> str:
    candidates = traditional_candidates(character)
    if not candidates or in_use(character):
        return character
    used = [candidate for candidate in candidates if in_use(candidate)] or list(candidates)
    return used[0] if {used[0], *variants(used[0])}.issuperset(used) else character


_TRADITIONAL = Translation(_convert)


@cache
def simplified_forms() -> dict[str, str]:
    """Map each Traditional character to the Simplified one that stands for it."""
    return {
        other: character for character, others in table("simplified").items() for other in others
    }


@cache
def mainland_variants() -> dict[str, str]:
    """Map each variant that GB 2312 lacks to the form that Simplified text uses, such as 疎 to 疏 and 堦 to 阶."""
    simplified, found = simplified_forms(), {}
    for character in table("characters").keys() - simplified.keys():
        written = (character, *(simplified.get(other, other) for other in variants(character)))
        found[character] = next(
            (one for one in written if one.encode("gb2312", errors="ignore")), character
        )
    return {character: common for character, common in found.items() if common != character}
