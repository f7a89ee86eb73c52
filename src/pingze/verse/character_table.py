"""Look up a character's rhyme groups, its counts in Tang verse, its readings in Mandarin, its variants and other forms.

`data/SOURCES.md` describes `characters.tsv`, `mandarin.tsv`, `simplified.tsv` and `shinjitai.tsv`,
and lists their sources.
"""

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import NamedTuple

from pingze.files import counts, table
from pingze.verse.characters import Translation
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE

IN_USE = 30
"""Minimum number of occurrences in Tang verse for a character to count as in use.

A Simplified form that is in use, such as 后 里 云 余 几, is not converted. 愿 and 听 occur only a
few times, so they become 願 and 聽.
"""


class Row(NamedTuple):
    """A character's row in the table. The row of an unknown character has no rhyme groups."""

    rhymed: Mapping[str, int]
    """How often Tang poets rhymed on the character, for each of its groups of 平水韻."""
    used: int
    """The number of times the character occurs in Tang verse."""
    needed: Mapping[str, int]
    """How often a template fixes the character's tone as level, and as oblique.

    Empty for a character of one tone.
    """
    variants: str
    """Other written forms of the character, the most frequent first."""


@lru_cache(1 << 15)
def row_of(character: str) -> Row:
    """Look up a character exactly as it is written."""
    # a row may lack its last cells, and an unknown character lacks all: the tabs add empty ones
    cells = table("characters").get(character, "") + "\t" * 4
    groups, used, level, oblique, variants = cells.split("\t")[:5]
    needed = {LEVEL: int(level), OBLIQUE: int(oblique)} if level else {}
    return Row(rhymed=counts(groups), used=int(used or 0), needed=needed, variants=variants)


@cache
def mandarin_readings() -> dict[str, list[str]]:
    """Map each character to its syllables in Mandarin, such as zhǎng and cháng for 長."""
    syllables: dict[str, list[str]] = {}
    for syllable, cells in table("mandarin").items():
        for character in cells.replace("\t", ""):
            syllables.setdefault(character, []).append(syllable)
    return syllables


@cache
def sure_readings() -> dict[str, list[str]]:
    """Map each character to those of its syllables with which words nearly always end in it."""
    syllables: dict[str, list[str]] = {}
    for syllable, cells in table("mandarin").items():
        sure, _, _ = cells.partition("\t")  # then the characters of which this is a rarer reading
        for character in sure:
            syllables.setdefault(character, []).append(syllable)
    return syllables


def in_use(character: str) -> bool:
    """Return whether a character, exactly as it is written, occurs at least `IN_USE` times in Tang verse."""
    return row_of(character).used >= IN_USE


@lru_cache(1 << 13)
def is_rare_word(character: str) -> bool:
    """Return whether a Simplified character, such as 并 for 並, is also a word of its own with another reading."""
    traditional = table("simplified").get(character)
    if not traditional:
        return False
    own = row_of(character).rhymed.keys()
    other = row_of(traditional[0]).rhymed.keys()
    return bool(other) and not own <= other


def variants(character: str) -> tuple[str, ...]:
    """Return other written forms of a character, such as 溪 for 谿, the most frequent in Tang verse first."""
    return tuple(row_of(character).variants)


@lru_cache(1 << 13)
def forms(character: str) -> tuple[str, ...]:
    """Return all characters that write the same word, `character` first.

    For 回, these characters include 迴 and 廻.
    """
    same_word = [character]
    for one in same_word:  # the list grows, so that variants of variants are found too
        same_word += [other for other in variants(one) if other not in same_word]
    return tuple(same_word)


def one_form(text: str) -> str:
    """Replace each character by one form that stands for all its `forms`, so that 高啟 and 高啓 become equal."""
    return text.translate(_ONE_FORM)


_ONE_FORM = Translation(lambda character: min(forms(character)))


@lru_cache(1 << 13)
def usual_form(character: str) -> str:
    """Return the form of a word that Traditional text uses today, such as 猿 for 猨.

    It is a form on the first level of Big5, the 5,401 characters in frequent use, or else
    `character` itself.
    """
    frequent = []
    for form in forms(character):
        code = form.encode("big5", errors="ignore")  # b"" for what Big5 lacks
        if b"\xa4\x40" <= code <= b"\xc6\x7e":
            frequent.append(form)
    if not frequent or character in frequent:
        return character
    return max(frequent, key=lambda form: row_of(form).used)


def traditional_candidates(character: str) -> tuple[str, ...]:
    """Return the Traditional characters that a Simplified or Japanese character may stand for, most frequent first."""
    traditional = table("simplified").get(character) or table("shinjitai").get(character, "")
    return tuple(traditional)


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
    used = [candidate for candidate in candidates if in_use(candidate)]
    if not used:
        used = list(candidates)
    first = used[0]
    are_variants = set(used) <= {first}.union(variants(first))
    return first if are_variants else character


_TRADITIONAL = Translation(_convert)


@cache
def simplified_forms() -> dict[str, str]:
    """Map each Traditional character to the Simplified one that stands for it."""
    simplified_of = {}
    for simplified, traditional in table("simplified").items():
        for character in traditional:
            simplified_of[character] = simplified
    return simplified_of


@cache
def usual_variants() -> dict[str, str]:
    """Map each character to its variant that is usual in Traditional text, as 羣 to 群.

    Only variants that `to_traditional` converts to the character are listed.
    """
    usual = {}
    for variant in table("simplified"):
        read = to_traditional(variant)
        if read != variant and read in variants(variant) and usual_form(variant) == variant:
            usual[read] = variant
    return usual


@cache
def mainland_variants() -> dict[str, str]:
    """Map each variant that GB 2312 lacks to the form that Simplified text uses, such as 疎 to 疏 and 堦 to 阶."""
    simplified = simplified_forms()
    common = {}
    for character in table("characters").keys() - simplified.keys():
        written = [character]
        written += [simplified.get(variant, variant) for variant in variants(character)]
        for form in written:
            if form.encode("gb2312", errors="ignore"):
                if form != character:
                    common[character] = form
                break
    return common
