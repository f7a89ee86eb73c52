"""Look up a character's readings, tone and rhyme groups.

A Simplified character is read as its Traditional counterpart. If there are several counterparts, as
for 发, it has the readings of all of them, but `describe` raises an error that asks the user to
choose one.
"""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from pingze.errors import InputError
from pingze.files import table
from pingze.verse.character_table import (
    Entry,
    entry,
    is_rare_word,
    mandarin_groups,
    mandarin_readings,
    to_traditional,
    traditional_candidates,
)
from pingze.verse.rhyme_groups import PINGSHUI, Group, Standard

EITHER = "either"
UNKNOWN = "unknown"

_ATTESTED_PLACES, _ATTESTED_SHARE = 10, 0.95  # fewer positions that fix the tone attest nothing
_RARE_PLACES, _RARE_SHARE, _RARE_ONCE = 50, 0.03, 20


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading of a character."""

    group: Group
    """The reading's rhyme group, which also gives its tone."""
    used: int | None
    """How often Tang verse uses the reading; None if that is unknown.

    For a character with several readings, this counts the positions at which regulated verse
    requires the tone of the reading. The count is unknown if another reading has the same tone.
    """
    rhymed: int
    """The number of times that Tang poets rhymed on the character in this group."""

    def __str__(self) -> str:
        return f"{self.group.tone}{self.group.name}"


@lru_cache(1 << 13)
def known(character: str, standard: Standard = PINGSHUI) -> Entry:
    """Look up a character's entry.

    A Simplified character that may stand for several others has the readings of all.

    Rare words such as 并 and 机 have both their own readings and those of their Traditional
    characters.
    """
    converted = to_traditional(character)
    found = entry(converted, standard)
    if found.rhymed and not is_rare_word(character):
        return found
    words = [character, converted] if found.rhymed else [*traditional_candidates(converted)][::-1]
    return found._replace(
        rhymed={name: n for word in words for name, n in entry(word, standard).rhymed.items()}
    )


@lru_cache(1 << 13)
def sides(character: str, standard: Standard = PINGSHUI) -> frozenset[str]:
    """Return the tones that a character can have.

    `LEVEL`, `OBLIQUE` or both; empty if it is unknown.
    """
    return frozenset(standard.groups[name].side for name in known(character, standard).rhymed)


@lru_cache(1 << 13)
def groups(character: str, standard: Standard = PINGSHUI) -> frozenset[str]:
    """Return the names of the rhyme groups in which a character can rhyme; empty if it is unknown."""
    return frozenset(known(character, standard).rhymed)


@lru_cache(1 << 13)
def readings(character: str, standard: Standard = PINGSHUI) -> tuple[Reading, ...]:
    """Return every reading of a character, level before oblique; () if the character is unknown."""
    found = known(character, standard)
    own = [group for name, group in standard.groups.items() if name in found.rhymed]
    sides = [group.side for group in own]
    used = [found.needed.get(side) if sides.count(side) == 1 else None for side in sides]
    if len(own) == 1:
        used = [found.used]
    return tuple(
        Reading(group, times, found.rhymed[group.name])
        for group, times in zip(own, used, strict=True)
    )


def sense(character: str, group: str) -> tuple[str, str, list[str]]:
    """Return a character's meaning in a rhyme group, in Chinese and English, and example words.

    Empty if unlisted.
    """
    zh, en, words = table("senses").get(character + group, "\t\t").split("\t")
    return zh, en, words.split()


def spoken_in(character: str, group: Group, standard: Standard) -> list[tuple[str, Group]]:
    """Return a character's Mandarin syllables, each with its rhyme group in `standard` (中華通韻 or 中華新韻).

    If any syllable has the tone of `group`, only syllables of that tone are returned. `group` may
    be of any standard.
    """
    syllables = mandarin_readings().get(character, ())
    spoken = [
        (each, standard.groups[name])
        for each in syllables
        for name in mandarin_groups(each, standard)
    ]
    return [each for each in spoken if each[1].side == group.side] or spoken


def tone(character: str, standard: Standard = PINGSHUI) -> str:
    """Return a character's tone: `LEVEL`, `OBLIQUE`, `EITHER` or `UNKNOWN`."""
    can_be = sides(character, standard)
    return EITHER if len(can_be) == 2 else next(iter(can_be), UNKNOWN)


def usable_tone(character: str, standard: Standard = PINGSHUI) -> str | None:
    """Return the tone that a composer can rely on: a character's only tone, or the one that verse attests, or None.

    Verse attests one of two tones if the character stands at ten or more positions where a template
    fixes the tone, and at least 95 % of these need that tone. For 看 思 過, whose tone depends on
    the meaning, verse attests neither.
    """
    if len(can_be := sides(character, standard)) == 1:
        return next(iter(can_be))
    needed = known(character, standard).needed
    total = sum(needed.values())
    attested = (side for side, times in needed.items() if times >= _ATTESTED_SHARE * total)
    return next(attested, None) if total >= _ATTESTED_PLACES else None


@lru_cache(1 << 13)
def usual_sides(character: str, standard: Standard = PINGSHUI) -> frozenset[str]:
    """Return the tones that a character can have, except a tone in which verse hardly ever uses the character.

    Only positions of the character at which a template fixes the tone are counted. If there are at
    least fifty, a tone that fewer than 3 % of them need is excluded. If there are at least twenty,
    a tone needed at most once is excluded.
    """
    places = known(character, standard).needed
    total = sum(places.values())
    most = _RARE_SHARE * total if total >= _RARE_PLACES else 0
    rare = {
        side
        for side, times in places.items()
        if times < most or (times <= 1 and total >= _RARE_ONCE)
    }
    return sides(character, standard) - rare


def describe(text: str, standard: Standard = PINGSHUI) -> tuple[Reading, ...]:
    """Return the readings of the character that a person has typed.

    Raises InputError if the text is not one character, or if the character is unknown or ambiguous
    (such as 发).
    """
    character = unicodedata.normalize("NFC", text).strip()
    if len(character) != 1:
        raise InputError("one_character", has=text)
    if not (found := readings(to_traditional(character), standard)):
        raise InputError("no_reading", has=character)
    if not entry(to_traditional(character), standard).rhymed:
        raise InputError(
            "several_characters", has=character, choices=traditional_candidates(character)
        )
    return found
