"""Look characters up: their rhyme groups and counts in Tang verse, their variants, their Simplified forms.

`data/SOURCES.md` says what `data/characters.tsv`, `simplified.tsv` and `shinjitai.tsv` are built from (`python -m
scripts.count characters`). A row of the first is: character, groups (each followed by how often Tang poets rhymed on
the character there), occurrences in Tang verse, for a character of both tones how often verse needs each, other forms.
"""

from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache

from pingze.verse.rhyme_groups import GROUPS, LEVEL, OBLIQUE
from pingze.verse.tables import counts, table

IN_USE = 30
"""A character that Tang verse has this often is a Traditional character in use, whatever else it may stand for.

So 后 里 云 余 几 stay as they are, and 愿 or 听, which the Tang corpus has a few times, become 願 and 聽.
"""


@dataclass(frozen=True)
class Entry:
    """The table's row of a character."""

    rhymed: dict[str, int]
    """Its rhyme groups by name, and how often Tang poets rhymed on it in each."""
    count: int = 0
    """How often Tang verse has it."""
    needed: dict[str, int] = field(default_factory=dict)
    """For a character of both tones: how often a fixed place of a template needs it level, and oblique."""
    variants: str = ""
    """Other forms of the same character, the most used first."""

    @cached_property
    def groups(self) -> frozenset[str]:
        """The names of its rhyme groups."""
        return frozenset(self.rhymed)

    @cached_property
    def sides(self) -> frozenset[str]:
        """The tones that it can have: `LEVEL`, `OBLIQUE` or both."""
        return frozenset(GROUPS[name].side for name in self.rhymed)


@lru_cache(1 << 15)
def entry(character: str) -> Entry | None:
    """Look up a character exactly as it is written; None where the table does not have it."""
    row = table("characters").get(character)
    if row is None:
        return None
    groups, count, level, oblique, variants = (row + "\t" * 4).split("\t")[:5]
    needed = {LEVEL: int(level), OBLIQUE: int(oblique)} if level else {}
    return Entry(counts(groups), int(count or 0), needed, variants)


def in_use(character: str) -> bool:
    """Whether Tang verse has a character, exactly as it is written, at least `IN_USE` times."""
    found = entry(character)
    return found is not None and found.count >= IN_USE


@cache
def rare_words() -> frozenset[str]:
    """What is Simplified for another character and is also a rare word, with a reading that the other lacks: 并."""
    owns = ((one, entry(one), entry(others[0])) for one, others in table("simplified").items())
    return frozenset(one for one, own, other in owns if own and other and not own.groups <= other.groups)


def variants(character: str) -> tuple[str, ...]:
    """Other written forms of a character, the most used in Tang verse first, as 溪 for 谿."""
    found = entry(character)
    return tuple(found.variants) if found else ()


@lru_cache(1 << 13)
def forms(character: str) -> tuple[str, ...]:
    """All written forms of a character's word, itself first: 回 迴 廻 are one word, which verse does not repeat."""
    found = [character]
    for one in found:
        found += [other for other in variants(one) if other not in found]
    return tuple(found)


def traditional_candidates(character: str) -> tuple[str, ...]:
    """The Traditional characters that a Simplified or Japanese one may stand for, the most used in Tang verse first."""
    return tuple(table("simplified").get(character) or table("shinjitai").get(character, ""))


def to_traditional(text: str) -> str:
    """Convert each Simplified character that has exactly one Traditional counterpart.

    Not converted: a character that is itself in use (`IN_USE`), and one that stands for several (发: 發 or 髮), unless
    only one of them is in use or they are variants of each other (为: 爲).
    """
    return "".join(map(_convert, text))


@lru_cache(1 << 13)
def _convert(character: str) -> str:
    candidates = traditional_candidates(character)
    if not candidates or in_use(character):
        return character
    used = [candidate for candidate in candidates if in_use(candidate)] or list(candidates)
    return used[0] if {used[0], *variants(used[0])}.issuperset(used) else character


@cache
def simplified_forms() -> dict[str, str]:
    """Map each Traditional character to the Simplified one that stands for it."""
    return {other: character for character, others in table("simplified").items() for other in others}
