"""Look up a character's rhyme groups, its counts in Tang verse, its variants and its Simplified forms.

`data/SOURCES.md` describes `characters.tsv`, `simplified.tsv` and `shinjitai.tsv`, and lists their sources.
"""

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import NamedTuple

from pingze.verse import mandarin
from pingze.verse.characters import Translation
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE, PINGSHUI, Standard
from pingze.verse.tables import counts, table

IN_USE = 30
"""A character that occurs at least this often in Tang verse is in use, even if it is also a Simplified form.

Thus 后 里 云 余 几 remain unchanged, but 愿 and 听, which occur only a few times, become 願 and 聽.
"""


class Entry(NamedTuple):
    """A character's row in the table. The row of an unknown character has no rhyme groups."""

    rhymed: Mapping[str, int]
    """For each of the character's rhyme groups, how often Tang poets rhymed on the character in that group.

    In the other standards, each group has the sum of the character's rhymes in all groups of 平水韻.
    """
    used: int
    """The number of times the character occurs in Tang verse."""
    needed: Mapping[str, int]
    """How often the character occurs where a template requires each tone; empty if it cannot have both tones."""
    variants: str
    """Other written forms of the character, the most frequent first."""


@lru_cache(1 << 15)
def entry(character: str, standard: Standard) -> Entry:  # a default would let the cache keep an entry twice
    """Look up a character exactly as it is written, with its rhyme groups in the given standard."""
    row = table("characters").get(character, "") + "\t" * 4
    groups, used, level, oblique, variants = row.split("\t")[:5]
    rhymed, needed = counts(groups), {LEVEL: int(level), OBLIQUE: int(oblique)} if level else {}
    if standard.rimes:
        read = "".join(mandarin.group_names(each, standard) for each in mandarin.readings().get(character, ()))
        rhymed, needed = dict.fromkeys(read, sum(rhymed.values())), {}
    return Entry(rhymed, int(used or 0), needed, variants)


def in_use(character: str) -> bool:
    """Return whether a character, exactly as it is written, occurs at least `IN_USE` times in Tang verse."""
    return entry(character, PINGSHUI).used >= IN_USE


@lru_cache(1 << 13)
def is_rare_word(character: str) -> bool:
    """Return whether a Simplified character (并) is also a word with readings that its Traditional form lacks."""
    traditional = table("simplified").get(character, "")[:1]
    own, other = (entry(one, PINGSHUI).rhymed.keys() for one in (character, traditional))
    return bool(other) and not own <= other


def variants(character: str) -> tuple[str, ...]:
    """Return other written forms of a character, such as 溪 for 谿, the most frequent in Tang verse first."""
    return tuple(entry(character, PINGSHUI).variants)


@lru_cache(1 << 13)
def forms(character: str) -> tuple[str, ...]:
    """Return all written forms of a character's word, the given form first: 回, 迴 and 廻 write the same word."""
    found = [character]
    for one in found:
        found += [other for other in variants(one) if other not in found]
    return tuple(found)


def traditional_candidates(character: str) -> tuple[str, ...]:
    """Return the Traditional characters that a Simplified or Japanese one may stand for, the most frequent first."""
    return tuple(table("simplified").get(character) or table("shinjitai").get(character, ""))


def to_traditional(text: str) -> str:
    """Convert each Simplified character whose Traditional counterpart is certain.

    A character that is itself in use (`IN_USE`) remains unchanged. A character that stands for several Traditional
    ones (发: 發 or 髮) is converted only if just one of them is in use or if they are variants of each other (为: 爲).
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
    return {other: character for character, others in table("simplified").items() for other in others}


@cache
def mainland_variants() -> dict[str, str]:
    """Map each variant outside GB 2312 to the form that Simplified text uses: 疎 to 疏, 堦 to 阶."""
    simplified, found = simplified_forms(), {}
    for character in table("characters").keys() - simplified.keys():
        written = (character, *(simplified.get(other, other) for other in variants(character)))
        found[character] = next((one for one in written if one.encode("gb2312", errors="ignore")), character)
    return {character: common for character, common in found.items() if common != character}
