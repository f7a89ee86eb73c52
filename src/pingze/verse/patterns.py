"""Define the tone patterns of lines 句 and their bit masks, for the checker and the composer.

The tones of a line's second and last characters determine its type: a, B, c or D. Lines of types B
and D rhyme, as the capital letters indicate. In a pattern, P means level 平, Z oblique 仄 and x
either. Patterns are written for five characters; in a line of seven, two more precede them
(`PREFIXES`). Sources: docs/prosody.md.

A couplet can also have the types a' and B'. The first line then breaks the pattern of type a, and
the second line rescues 拗救 the first: the third character of the second line (the fifth in lines
of seven) is level.
"""

import re
from dataclasses import dataclass
from functools import cache

from pingze.cached import cached_property
from pingze.errors import InputError
from pingze.verse.character_table import to_traditional
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE

CUSTOMARY = "customary"
STRICT = "strict"
STRICTNESSES = (CUSTOMARY, STRICT)
"""The levels of strictness.

A level may be followed by changes, such as customary+小拗-對句相救: see `enforced`.
"""
BENT = ("小拗", "三仄尾", "孤平")
"""The rules that a line may bend.

If such a rule is not enforced, breaking it only adds a note to the verdict.
"""
RESCUES = ("本句自救", "對句相救")
"""The rescues 拗救, which both levels accept."""
SWITCHES = (*BENT, "鄰韻", *RESCUES)
"""What a strictness can change: the rules that it enforces, and the rescues that it accepts."""
_ENFORCED = {CUSTOMARY: {"孤平"}, STRICT: {"孤平", "小拗", "三仄尾", "鄰韻"}}
_STRICTNESS = re.compile(f"({'|'.join(STRICTNESSES)})((?:[+-](?:{'|'.join(SWITCHES)}))*)")

PREFIXES = {"a": "xP", "B": "xZ", "c": "xZ", "D": "xP"}
SIDES = {"P": LEVEL, "Z": OBLIQUE}  # the tone that each sign of a pattern requires

NEXT = {"a": "B", "c": "D", "B": "c", "D": "a"}
"""The type that follows each type, by opposition 對 within a couplet and by sameness 黏 between couplets."""

RESCUED = {"a": "a'", "B": "B'"}
"""The types that replace a and B in a couplet whose second line rescues the first 拗救."""

_ACCEPTED: dict[str, tuple[tuple[str, str | None], ...]] = {
    "a": (("xZPPZ", None), ("xZZPZ", "小拗")),
    "a'": (("xZZPZ", "對句相救"), ("xZxZZ", "對句相救")),
    "B": (("PPxZP", None), ("ZPPZP", "本句自救"), ("ZPZZP", "孤平")),
    "B'": (("xPPZP", "對句相救"),),
    "c": (("xPPZZ", None), ("PPZPZ", "本句自救"), ("xPZZZ", "三仄尾")),
    "D": (("xZZPP", None),),
}
"""The patterns of each type, for the last five characters, each with its `Pattern.rule`; the preferred one first."""


def mask_of(tones: str, signs: str) -> int:
    """Return a bit mask of the positions that have one of `signs`; bit 0 is the first position."""
    mask = 0
    for place, tone in enumerate(tones):
        if tone in signs:
            mask |= 1 << place
    return mask


def places_in(mask: int) -> list[int]:
    """Return the positions of the bits that are set."""
    if mask == 0:
        return []  # as in most lines
    return [place for place in range(mask.bit_length()) if mask >> place & 1]


@dataclass(frozen=True)
class Pattern:
    """The tones that a line, or the text of a tune, requires."""

    tones: str
    """P, Z or x for each character."""
    rule: str | None = None
    """The rule that forbids the pattern if it is enforced, or the rescue that allows the pattern.

    None if the pattern needs no rescue and no rule forbids it.
    """

    @cached_property
    def level(self) -> int:
        """A bit mask of the positions that must be level."""
        return mask_of(self.tones, "P")

    @cached_property
    def oblique(self) -> int:
        """A bit mask of the positions that must be oblique."""
        return mask_of(self.tones, "Z")

    @property
    def text(self) -> str:
        """The tones as they are shown: 平, 仄 or 中 (either) per character."""
        return "".join(SIDES.get(sign, "中") for sign in self.tones)

    def misfits(self, can_be_level: int, can_be_oblique: int) -> int:
        """Return a bit mask of the positions whose character cannot have the required tone."""
        return self.level & ~can_be_level | self.oblique & ~can_be_oblique


@cache
def enforced(strictness: str) -> frozenset[str]:
    """Return the rules that a strictness such as customary+小拗-對句相救 enforces, and the rescues that it rejects.

    The level (customary or strict) enforces its own rules and accepts both rescues. +小拗 enforces
    a rule more, -孤平 one less; -對句相救 rejects a rescue, and +對句相救 accepts it. Raises
    InputError if `strictness` is not written in this way.
    """
    match = _STRICTNESS.fullmatch(to_traditional(strictness))
    if match is None:
        choices = list(STRICTNESSES)
        if "+" in strictness or "-" in strictness:
            for level, of_level in _ENFORCED.items():
                for rule in SWITCHES:
                    sign = "-" if rule in of_level or rule in RESCUES else "+"
                    choices.append(f"{level}{sign}{rule}")
        raise InputError("choice", field="level", has=strictness[:40], choices=choices)
    rules = set(_ENFORCED[match[1]])
    for sign, name in re.findall(r"([+-])(\w+)", match[2]):
        # a rule is added by +, a rescue by -: `rules` has the rescues that are rejected
        adding_sign = "-" if name in RESCUES else "+"
        if sign == adding_sign:
            rules.add(name)
        else:
            rules.discard(name)
    return frozenset(rules)


@cache
def accepted(kind: str, width: int, strictness: str = CUSTOMARY) -> tuple[Pattern, ...]:
    """Return the patterns accepted for a line of a given type and width (five or seven), the preferred one first.

    `kind` is a key of `_ACCEPTED`. Types a' and B' have no pattern if the strictness rejects
    對句相救.
    """
    prefix = PREFIXES[kind[0]] if width == 7 else ""
    patterns = []
    for last_five, rule in _ACCEPTED[kind]:
        if rule in enforced(strictness):  # this strictness rejects what breaks the rule
            continue
        patterns.append(Pattern(tones=prefix + last_five, rule=rule))
    return tuple(patterns)


@cache
def is_turned(before: str, kind: str) -> bool | None:
    """Return whether two successive line types violate opposition 對 within a couplet, or sameness 黏 between couplets.

    Return None if `kind` cannot follow `before`: B' always follows a', and a' is always followed by
    B'.
    """
    if (before == "a'") != (kind == "B'"):
        return None
    within_couplet = kind[0].isupper()  # the types of even lines are capitals
    return is_opposed(before, kind) != within_couplet


def is_opposed(one: str, other: str) -> bool:
    """Return whether the second characters of two line types have opposite tones."""
    # in lines of five, the second character of B and c is level, of a and D oblique; in lines of
    # seven it is the reverse
    return (one[0] in "Bc") != (other[0] in "Bc")


@cache
def word_starts(length: int, width: int) -> frozenset[int]:
    """Return the positions, from 0, at which a word of `length` characters may begin in a line of `width` characters.

    A line is read in feet of 2 + 3 or 2 + 2 + 3 characters. A word of two characters lies within a
    foot; a longer word begins at the start of a foot and does not cross the pause 頓 before the
    last three characters. If there is no such position, return all positions at which the word fits
    in the line.
    """
    feet = (0, width - 5, width - 3)
    every = range(width - length + 1)
    pauses = feet if length == 2 else feet[-1:]
    starts = set()
    for start in every:
        crosses = any(start < pause < start + length for pause in pauses)
        if not crosses and (length <= 2 or start in feet):
            starts.add(start)
    return frozenset(starts or every)
