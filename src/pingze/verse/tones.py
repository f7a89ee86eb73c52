"""Look up a character's readings, tone and rhyme groups.

Simplified characters are read as Traditional where there is one counterpart. One that stands for several (发) has
the readings of all of them; `describe` asks which is meant.
"""

import unicodedata
from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache

from pingze.errors import InputError
from pingze.verse.character_table import (
    Entry,
    entry,
    rare_words,
    to_traditional,
    traditional_candidates,
)
from pingze.verse.rhyme_groups import GROUPS, Group
from pingze.verse.tables import table

EITHER = "either"
UNKNOWN = "unknown"

_ATTESTED_PLACES, _ATTESTED_SHARE = 10, 0.95  # fewer fixed places say nothing of a character's tone
_RARE_PLACES, _RARE_SHARE, _RARE_ONCE = 50, 0.03, 20


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a character."""

    group: Group
    """Its rhyme group, which has its tone."""
    used: int | None
    """How often Tang verse uses the character so: with one reading its occurrences, with a level and an oblique one the
    fixed places of regulated verse that need each; None where readings of one tone cannot be distinguished."""
    rhymed: int
    """How often Tang poets rhymed on it."""

    def __str__(self) -> str:
        return f"{self.group.tone}{self.group.name}"


@lru_cache(1 << 13)
def known(character: str) -> Entry:
    """The table's entry for a character; the readings of all that a Simplified one stands for; or an empty one.

    并 and 机, which are words of their own, have the readings of those and of what they stand for.
    """
    converted, own = to_traditional(character), entry(character)
    if found := entry(converted):
        return (
            replace(found, rhymed=own.rhymed | found.rhymed) if own and character in rare_words() else found
        )
    others = [found for each in traditional_candidates(converted) if (found := entry(each))]
    return Entry({name: times for other in others[::-1] for name, times in other.rhymed.items()})


@lru_cache(1 << 13)
def sides(character: str) -> frozenset[str]:
    """The tones that a character can have: `LEVEL`, `OBLIQUE`, both, or none where it is unknown."""
    return known(character).sides


@lru_cache(1 << 13)
def groups(character: str) -> frozenset[str]:
    """The names of the rhyme groups that a character can rhyme in; none where it is unknown."""
    return known(character).groups


def readings(character: str) -> tuple[Reading, ...]:
    """Every reading of a character, level before oblique; () where the table does not have it."""
    found = known(character)
    names = [name for name in GROUPS if name in found.rhymed]
    of_side = Counter(GROUPS[name].side for name in names)
    used = {side: found.needed.get(side) for side, times in of_side.items() if times == 1}
    if len(names) == 1:
        used = dict.fromkeys(of_side, found.count)
    return tuple(Reading(GROUPS[name], used.get(GROUPS[name].side), found.rhymed[name]) for name in names)


def sense(character: str, group: str) -> tuple[str, str, list[str]]:
    """What a character of both tones means in a group, in Chinese and English, and words with it; "" where unknown."""
    zh, en, words = table("senses").get(character + group, "\t\t").split("\t")
    return zh, en, words.split()


def tone(character: str) -> str:
    """`LEVEL`, `OBLIQUE`, `EITHER` where readings differ, or `UNKNOWN`."""
    can_be = sides(character)
    return EITHER if len(can_be) == 2 else next(iter(can_be), UNKNOWN)


def usable_tone(character: str) -> str | None:
    """The one tone that a composer can count on: the only one, or the one that verse attests.

    Of two tones one is attested when at least 95 of 100 fixed places (at least ten in all) use it. Sense-dependent
    characters (看 思 過) stay open: None, as for unknown ones.
    """
    found = known(character)
    if len(found.sides) == 1:
        return next(iter(found.sides))
    total = sum(found.needed.values())
    attested = (side for side, times in found.needed.items() if times >= _ATTESTED_SHARE * total)
    return next(attested, None) if total >= _ATTESTED_PLACES else None


@lru_cache(1 << 13)
def usual_sides(character: str) -> frozenset[str]:
    """The tones that a character can have, without one that verse hardly ever uses.

    That is one in fewer than 3 of 100 fixed places, of at least fifty, or at most once in twenty or more.
    """
    places = known(character).needed
    total = sum(places.values())
    most = _RARE_SHARE * total if total >= _RARE_PLACES else 0
    rare = {side for side, times in places.items() if times < most or (times <= 1 and total >= _RARE_ONCE)}
    return sides(character) - rare


def describe(text: str) -> tuple[Reading, ...]:
    """The readings of the one character that a person asks about.

    Raises InputError when that is not one character, is one of several Traditional ones, or is not in the table.
    """
    character = unicodedata.normalize("NFC", text).strip()
    if len(character) != 1:
        raise InputError("one_character", has=text)
    found = readings(to_traditional(character))
    if not found:
        raise InputError("no_reading", has=character)
    if entry(to_traditional(character)) is None:
        raise InputError("several_characters", has=character, choices=traditional_candidates(character))
    return found
