"""Look up what a rhyme book says of a character: its readings, its tones, and where it rhymes.

A Simplified character is read as its Traditional counterpart. If there are several counterparts, as
for 发, it has the readings of all of them, but `RhymeBook.describe` raises an error that asks the
user to choose one.

Who asks for a character's tones asks one of these, from the most generous to the strictest:

- `tones`: every tone that the character can have;
- `usual_tones`: without a tone in which verse hardly ever uses it;
- `Standard.words.tones_in` (`word_tones.py`): in its line, where the word around it may decide;
- `usable_tone`: the one tone that a composer can rely on, or None;
- `tone`: a name for the first: level, oblique, either or unknown.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from pingze.cached import cached_property
from pingze.errors import InputError
from pingze.files import counts, table
from pingze.verse.character_table import (
    Row,
    forms,
    is_rare_word,
    mandarin_readings,
    row_of,
    sure_readings,
    to_traditional,
    traditional_candidates,
)
from pingze.verse.rhyme_groups import LEVEL, RIME_OF_ENDING, Group

EITHER = "either"
UNKNOWN = "unknown"

Groups = frozenset[str]
"""Names of the groups in which a character can rhyme; an empty set fits every rhyme."""

# Verse attests a tone if at least this share of at least so many positions require it.
_ATTESTED_PLACES = 10
_ATTESTED_SHARE = 0.95
# A tone is rare if less than this share of at least so many positions require it,
_RARE_PLACES = 50
_RARE_SHARE = 0.03
# or at most one of at least so many.
_RARE_ONCE = 20

_FEWEST_RHYMES = 3  # a rhyme on a character in a level group is practised if it occurs this often
_SMALLEST_SHARE = 0.1  # a rhyme with a smaller share is rare: 堤 rhymes once in 支, 52 times in 齊
_FEWEST_KNOWN = 10  # a character with fewer rhymes has no rare ones
_FEWEST_BORROWINGS = 10  # errors in the texts account for up to eight apparent borrowings

# The marks of Mandarin's tones 1 and 2, and of 3 and 4.
_LEVEL_MARKS = "\u0304\u0301"
_OBLIQUE_MARKS = "\u030c\u0300"


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


@dataclass(frozen=True, eq=False)
class RhymeBook:
    """A rhyme book, with the readings that it gives to characters."""

    name: str
    """The name in options: pingshui, tongyun or xinyun."""
    label: str
    """The name in Chinese, such as 平水韻."""
    groups: Mapping[str, Group]
    """The groups by name, in the order of the standard; level ones first."""
    classes: tuple[str, ...]
    """The classes of groups that rhyme in old-style verse: level ones, then oblique ones."""
    rimes: Mapping[str, str] = field(default_factory=dict)
    """The level and the oblique group of each rime of Mandarin (`RIME_OF_ENDING`); none in 平水韻."""

    # -- groups ----------------------------------------------------------------------------------

    @cached_property
    def order(self) -> dict[str, int]:
        """The place of each group in the standard, from 0."""
        return {name: place for place, name in enumerate(self.groups)}

    @cached_property
    def neighbours(self) -> dict[str, frozenset[str]]:
        """For each group, the names of all groups in its class, including its own."""
        found = {}
        for names in self.classes:
            for name in names:
                found[name] = frozenset(names)
        return found

    def joined(self, groups: Iterable[str]) -> str:
        """Join group names in the order of the rhyme book, without separators."""
        return "".join(sorted(groups, key=self.order.__getitem__))

    def find_group(self, text: str) -> Group | None:
        """Find a group by a name such as 東, 一東, 上平一東 or 平聲東, with or without 韻, or return None.

        The name as typed takes precedence over its Traditional forms: 肴 is a group, and also the
        Simplified form of 餚.
        """
        typed = text.strip().removesuffix("韻").removesuffix("韵")
        before = to_traditional(typed[:-1])
        last = typed[-1:]
        named = {}
        # Level groups come last, so that a name that two groups share means the level one.
        for group in reversed(list(self.groups.values())):
            without_volume = group.label[2:]  # 一東 of 上平一東
            by_tone = f"{group.tone}聲{group.name}"
            for name in (group.name, group.label, without_volume, by_tone):
                named[name] = group
        for form in (last, *traditional_candidates(last)):
            if before + form in named:
                return named[before + form]
        return None

    def find_groups(self, text: str) -> tuple[Group, ...]:
        """Return the group that a text names (東, 一東), or the groups of a character.

        Raises InputError for other text.
        """
        named = self.find_group(text)
        if named:
            return (named,)
        return tuple(reading.group for reading in self.describe(text))

    # -- characters: readings and tones -----------------------------------------------------------

    @lru_cache(1 << 15)
    def row(self, character: str) -> Row:
        """Look up a character exactly as it is written, with its rhyme groups in this book.

        In a book of Mandarin, each group has the sum of all 平水韻 counts of rhymes.
        """
        row = row_of(character)
        if not self.rimes:
            return row
        groups: list[str] = []
        for syllable in mandarin_readings().get(character, ()):
            groups += self.groups_of_syllable(syllable)
        return row._replace(rhymed=dict.fromkeys(groups, sum(row.rhymed.values())), needed={})

    @lru_cache(1 << 13)
    def read(self, character: str) -> Row:
        """Look up a character as it is read.

        A Simplified character that may stand for several others has the readings of all. Rare words
        such as 并 and 机 have both their own readings and those of their Traditional characters. A
        character has the counts of a variant with the same groups that verse uses more: 為 of 爲.
        """
        converted = to_traditional(character)
        row = self.row(converted)
        if row.rhymed and not is_rare_word(character):
            for form in forms(converted)[1:]:
                other = self.row(form)
                if other.used > row.used and other.rhymed.keys() == row.rhymed.keys():
                    row = other
            return row
        words = [character, converted]
        if not row.rhymed:
            # the first candidate is the most frequent: last, it sets the counts of shared groups
            words = list(reversed(traditional_candidates(converted)))
        rhymed: dict[str, int] = {}
        for word in words:
            rhymed |= self.row(word).rhymed
        return row._replace(rhymed=rhymed)

    @lru_cache(1 << 13)
    def tones(self, character: str) -> frozenset[str]:
        """Return the tones that a character can have; empty if it is unknown."""
        return frozenset(self.groups[name].side for name in self.read(character).rhymed)

    def tone(self, character: str) -> str:
        """Return a character's tone: `LEVEL`, `OBLIQUE`, `EITHER` or `UNKNOWN`."""
        tones = self.tones(character)
        if len(tones) == 2:
            return EITHER
        return next(iter(tones), UNKNOWN)

    @lru_cache(1 << 13)
    def usual_tones(self, character: str) -> frozenset[str]:
        """Return the tones of a character, except a tone in which verse hardly ever uses it.

        Only positions of the character at which a template fixes the tone are counted. If there are
        at least fifty, a tone that fewer than 3 % of them need is excluded. If there are at least
        twenty, a tone needed at most once is excluded.
        """
        needed = self.read(character).needed
        total = sum(needed.values())
        rare = set()
        for tone, times in needed.items():
            if total >= _RARE_PLACES and times < _RARE_SHARE * total:
                rare.add(tone)
            if total >= _RARE_ONCE and times <= 1:
                rare.add(tone)
        return self.tones(character) - rare

    def usable_tone(self, character: str) -> str | None:
        """Return the tone that a composer can rely on: the only one, or one that verse attests.

        Verse attests one of two tones if the character stands at ten or more positions where a
        template fixes the tone, and at least 95 % of these need that tone. For 看 思 過, whose tone
        depends on the meaning, verse attests neither, and the answer is None.

        In Mandarin, a character of two tones has that of its `sure_rhymes`, if they agree.
        """
        tones = self.tones(character)
        if self.rimes and len(tones) == 2:  # a standard of Mandarin
            tones = frozenset(self.groups[name].side for name in self.sure_rhymes(character))
        if len(tones) == 1:
            return next(iter(tones))
        needed = self.read(character).needed
        total = sum(needed.values())
        if total < _ATTESTED_PLACES:
            return None
        for tone, times in needed.items():
            if times >= _ATTESTED_SHARE * total:
                return tone
        return None

    @lru_cache(1 << 13)
    def readings(self, character: str) -> tuple[Reading, ...]:
        """Return every reading of a character, level before oblique; () if it is unknown."""
        row = self.read(character)
        groups = [group for name, group in self.groups.items() if name in row.rhymed]
        sides = [group.side for group in groups]
        readings = []
        for group in groups:
            used = None
            if len(groups) == 1:
                used = row.used
            elif sides.count(group.side) == 1:
                used = row.needed.get(group.side)
            readings.append(Reading(group=group, used=used, rhymed=row.rhymed[group.name]))
        return tuple(readings)

    def describe(self, text: str) -> tuple[Reading, ...]:
        """Return the readings of the character that a person has typed.

        Raises InputError if the text is not one character, or if the character is unknown or
        ambiguous (such as 发).
        """
        character = unicodedata.normalize("NFC", text).strip()
        if len(character) != 1:
            raise InputError("one_character", has=text)
        converted = to_traditional(character)
        readings = self.readings(converted)
        if not readings:
            raise InputError("no_reading", has=character)
        if not self.row(converted).rhymed:
            choices = traditional_candidates(character)
            raise InputError("several_characters", has=character, choices=choices)
        return readings

    def spoken_in(self, character: str, group: Group) -> list[tuple[str, Group]]:
        """Return a character's Mandarin syllables, each with its group in a standard of Mandarin.

        If any syllable has the tone of `group`, which may be of any standard, only syllables of
        that tone are returned.
        """
        spoken: list[tuple[str, Group]] = []
        of_same_tone: list[tuple[str, Group]] = []
        for syllable in mandarin_readings().get(character, ()):
            for name in self.groups_of_syllable(syllable):
                own = self.groups[name]
                spoken.append((syllable, own))
                if own.side == group.side:
                    of_same_tone.append((syllable, own))
        return of_same_tone or spoken

    @lru_cache(1 << 13)
    def groups_of_syllable(self, syllable: str) -> tuple[str, ...]:
        """Return the name of a Mandarin syllable's rhyme group.

        A neutral tone has two: a level and an oblique group. An unknown ending has none.
        """
        # 1) Split the marks of tones from the letters.
        marks = unicodedata.normalize("NFD", syllable)
        letters = re.sub(f"[{_LEVEL_MARKS}{_OBLIQUE_MARKS}]", "", marks)
        letters = unicodedata.normalize("NFC", letters)
        is_level = any(mark in marks for mark in _LEVEL_MARKS)
        is_oblique = any(mark in marks for mark in _OBLIQUE_MARKS)
        # 2) The rime is that of the longest known ending.
        rime = ""
        for size in (1, 2, 3):
            rime = RIME_OF_ENDING.get(letters[-size:], rime)
        halves = self.rimes.get(rime)
        if halves is None:
            return ()
        if is_level == is_oblique:  # neither, as a neutral tone has no mark
            return (halves[0], halves[1])
        if is_level:
            return (halves[0],)
        return (halves[1],)

    # -- characters: rhymes -----------------------------------------------------------------------

    @lru_cache(1 << 13)
    def rhymes(self, character: str) -> Groups:
        """Return the names of the groups in which a character can rhyme; empty if it is unknown."""
        return frozenset(self.read(character).rhymed)

    def neighbour_rhyme(self, one: Groups, other: Groups) -> bool:
        """Return whether groups rhyme in old-style verse: are of one class, or empty."""
        if not one or not other:
            return True
        return any(other & self.neighbours[name] for name in one)

    def shared_group(
        self, feet: Sequence[Groups], preferring: Sequence[Groups] = (), tone: str | None = None
    ) -> str | None:
        """Return the group of the most rhyming characters of a poem; None if all are unknown.

        `feet` has the set of groups of each rhyming character. If any set has a group of the given
        `tone`, only groups of this tone count. If groups tie, one in the first set of `preferring`
        wins, then one in the next set, then the group that the rhyme book lists first.
        """
        times: Counter[str] = Counter()
        for groups in feet:
            times.update(groups)
        named = [name for name in times if self.groups[name].tone == tone] or list(times)

        def rank(name: str) -> tuple[int, ...]:
            preferred = [name not in groups for groups in preferring]
            return (-times[name], *preferred, self.order[name])

        return min(named, key=rank, default=None)

    @lru_cache(1 << 9)
    def rhyme_characters(self, group: str) -> tuple[str, ...]:
        """Return a group's characters, by their frequency as Tang rhymes, then in Tang verse.

        Raises InputError when there is no such group.
        """
        if group not in self.groups:
            level = [name for name, known in self.groups.items() if known.tone == LEVEL]
            raise InputError("choice", field="rhyme", has=group, choices=level)
        ranked = []
        for character, cells in table("characters").items():
            # The table has the groups of 平水韻.
            if not self.rimes and group not in cells:
                continue
            row = self.row(character)
            if group in row.rhymed:
                ranked.append((-row.rhymed[group], -row.used, character))
        return tuple(character for _, _, character in sorted(ranked))

    @lru_cache(1 << 13)
    def is_practised(self, character: str, group: str) -> bool:
        """Return whether Tang poets rhyme on a character, exactly as it is written, in a group.

        A level group requires at least three rhymes. An oblique group requires none, because
        oblique verse mixes groups and few poems rhyme in just one. In any group, the answer is
        False for a rare rhyme (`is_rare_rhyme`). In the standards of Mandarin, a character's rhymes
        in all groups of 平水韻 are counted together, and words must nearly always end in it with a
        reading in `group`.
        """
        if self.rimes and group not in self.sure_rhymes(character):
            return False
        times = rhyme_counts(character)
        if self.groups[group].side == LEVEL:
            rhymes = sum(times.values()) if self.rimes else times.get(group, 0)
            if rhymes < _FEWEST_RHYMES:
                return False
        return not self.is_rare_rhyme(character, group)

    @lru_cache(1 << 13)
    def sure_rhymes(self, character: str) -> Groups:
        """Return the groups of a character's readings in Mandarin with which words nearly always end in it."""
        groups: list[str] = []
        for syllable in sure_readings().get(character, ()):
            groups += self.groups_of_syllable(syllable)
        return frozenset(groups)

    def is_rare_rhyme(self, character: str, group: str) -> bool:
        """Return whether less than 10 % of the Tang rhymes on a character are in this 平水韻 group."""
        if self.rimes:
            return False
        times = rhyme_counts(character)
        total = sum(times.values())
        return total >= _FEWEST_KNOWN and times.get(group, 0) < _SMALLEST_SHARE * total

    @lru_cache(1 << 9)
    def lenders(self, group: str) -> str:
        """Return a level group, then its neighbours in which Tang poems rhyme the first line."""
        borrowed = counts(table("borrowings").get(group, ""))
        names = group
        for name in self.joined(self.neighbours[group] - {group}):
            if borrowed.get(name, 0) >= _FEWEST_BORROWINGS:
                names += name
        return names


@lru_cache(1 << 13)
def rhyme_counts(character: str) -> dict[str, int]:
    """Return the number of times that Tang poets rhymed on a character in each group of 平水韻.

    Source: `data/rhymes.tsv`, counted in the corpus's train split (`python -m tools.count rhymes`).
    """
    return counts(table("rhymes").get(character, ""))


def sense(character: str, group: str) -> tuple[str, str, list[str]]:
    """Return a character's meaning in a group of 平水韻, in Chinese and English, and example words.

    Empty if unlisted.
    """
    zh, en, words = table("senses").get(character + group, "\t\t").split("\t")
    return zh, en, words.split()
