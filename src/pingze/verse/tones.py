"""A character's readings, tone and rhyme groups.

Simplified characters are read as Traditional where there is one counterpart. One that stands for several (发) has
the readings of all of them; `describe` asks which is meant.
"""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from pingze.errors import InputError
from pingze.verse.character_table import Entry, entry
from pingze.verse.rhyme_groups import GROUPS, Group
from pingze.verse.simplified import to_traditional, traditional_candidates

EITHER = "either"
UNKNOWN = "unknown"

_ATTESTED_PLACES = 10  # fewer fixed places say nothing of a character's tone
_ATTESTED_SHARE = 0.95

_RARE_PLACES = 50
_RARE_SHARE = 0.03


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a character."""

    group: Group
    """Its rhyme group, which has its tone."""
    used: int | None
    """How often Tang verse uses the character so: of a character with one reading its occurrences, of one with a
    level and an oblique reading the fixed places of regulated verse that need each; None where readings of one tone
    cannot be told apart."""
    rhymed: int
    """How often Tang poets rhymed on it."""

    def __str__(self) -> str:
        return f"{self.group.tone}{self.group.name}"


def readings(character: str) -> tuple[Reading, ...]:
    """Every reading of a character, level before oblique; () where the table does not have it."""
    found: dict[str, Reading] = {}
    for each in entries(character):
        for name, rhymed in each.rhymed.items():
            found.setdefault(name, Reading(GROUPS[name], _used(each, name), rhymed))
    return tuple(sorted(found.values(), key=lambda reading: list(GROUPS).index(reading.group.name)))


def tone(character: str) -> str:
    """`LEVEL`, `OBLIQUE`, `EITHER` where readings differ, or `UNKNOWN`."""
    can_be = sides(character)
    if len(can_be) == 2:
        return EITHER
    return next(iter(can_be), UNKNOWN)


def usable_tone(character: str) -> str | None:
    """The one tone that a composer can count on: the only one, or the one that verse attests.

    Of two tones one is attested when at least 95 of 100 fixed places (at least ten in all) use it. Sense-dependent
    characters (看 思 過) stay open: None, as for unknown ones.
    """
    can_be = sides(character)
    if len(can_be) == 1:
        return next(iter(can_be))
    places = needed(character)
    total = sum(places.values())
    if total < _ATTESTED_PLACES:
        return None
    return next((side for side, times in places.items() if times >= _ATTESTED_SHARE * total), None)


@lru_cache(1 << 13)
def needed(character: str) -> dict[str, int]:
    """Of a character of both tones: how often a fixed place of regulated verse needs it level, and oblique."""
    found = entries(character)
    return found[0].needed if len(found) == 1 else {}


@lru_cache(1 << 13)
def rare_side(character: str) -> str | None:
    """The one of two tones that verse hardly ever uses: in fewer than 3 of 100 fixed places, of at least fifty."""
    places = needed(character)
    few = (side for side, times in places.items() if times < _RARE_SHARE * sum(places.values()))
    return next(few, None) if sum(places.values()) >= _RARE_PLACES else None


@lru_cache(1 << 13)
def sides(character: str) -> frozenset[str]:
    """The tones that a character can have: `LEVEL`, `OBLIQUE`, both, or none where it is unknown."""
    return frozenset().union(*(each.sides for each in entries(character)))


@lru_cache(1 << 13)
def groups(character: str) -> frozenset[str]:
    """The names of the rhyme groups that a character can rhyme in; none where it is unknown."""
    return frozenset().union(*(each.rhymed for each in entries(character)))


@lru_cache(1 << 13)
def entries(character: str) -> tuple[Entry, ...]:
    """The table's entries for a character: one, or those of all that a Simplified one stands for, or none."""
    converted = to_traditional(character)
    written = [converted] if entry(converted) else traditional_candidates(converted)
    return tuple(found for each in written if (found := entry(each)))


def describe(text: str) -> tuple[Reading, ...]:
    """The readings of the one character that a person asks about.

    Raises InputError when that is not one character, is one of several Traditional ones, or is not in the table.
    """
    character = unicodedata.normalize("NFC", text).strip()
    if len(character) != 1:
        raise InputError(f"{text!r} is not one character; give one, as 看")
    found = entries(character)
    if len(found) > 1:
        raise InputError(
            f"{character} is Simplified for {' or '.join(traditional_candidates(character))}; give one"
        )
    if not found:
        raise InputError(f"the table of readings has no {character!r}")
    return readings(character)


def _used(of: Entry, name: str) -> int | None:
    if len(of.rhymed) == 1:
        return of.count
    same_side = [other for other in of.rhymed if GROUPS[other].side == GROUPS[name].side]
    return of.needed.get(GROUPS[name].side) if same_side == [name] else None
