"""Define the tone patterns of lines 句 and their bit masks, for the checker and the composer.

The tones of a line's second and last characters determine which of four types the line has; a line of a type with a
capital letter ends in the rhyme. In a pattern, P means level 平, Z oblique 仄 and x either. Patterns are written for
five characters; a line of seven has the two of `PREFIXES` before them. Sources: docs/prosody.md.

A couplet can also have the types a' and B': the first line breaks its pattern, and the second compensates with a level
third character (the fifth in a line of seven), a rescue 拗救.
"""

from dataclasses import dataclass
from functools import cache

CUSTOMARY, STRICT = "customary", "strict"
STRICTNESSES = (CUSTOMARY, STRICT)
"""How strictly verse is judged: strict excludes the patterns for which `Pattern.soft` names a rule."""

PREFIXES = {"a": "xP", "B": "xZ", "c": "xZ", "D": "xP"}
BASES = {"a": "ZZPPZ", "B": "PPZZP", "c": "PPPZZ", "D": "ZZZPP"}
"""The pattern of each type as the handbooks print it, for the last five characters."""

NEXT = {"a": "B", "c": "D", "B": "c", "D": "a"}
"""The type that follows each type, by opposition 對 within a couplet and by sameness 黏 between couplets."""

RESCUED = {"a": "a'", "B": "B'"}
"""The types of the two lines of a couplet a B if the second line rescues the first."""

_ACCEPTED: dict[str, tuple[tuple[str, str | None], ...]] = {
    "a": (("xZPPZ", None), ("xZZPZ", "小拗")),
    "a'": (("xZZPZ", None), ("xZxZZ", None)),
    "B": (("PPxZP", None), ("ZPPZP", None)),
    "B'": (("xPPZP", None),),
    "c": (("xPPZZ", None), ("PPZPZ", None), ("xPZZZ", "三仄尾")),
    "D": (("xZZPP", None),),
}


@dataclass(frozen=True, slots=True)
class Pattern:
    """An accepted tone pattern of a line."""

    tones: str
    """P, Z or x for each character."""
    soft: str | None
    """The rule that the pattern bends, if the customary level allows it and the strict level does not."""
    level: int
    """A bit mask of the positions that must be level; bit 0 is the first character."""
    oblique: int
    """A bit mask of the positions that must be oblique."""

    def misfits(self, can_be_level: int, can_be_oblique: int) -> int:
        """Return a bit mask of the positions whose character cannot have the required tone."""
        return self.level & ~can_be_level | self.oblique & ~can_be_oblique


@cache
def accepted(kind: str, width: int, strictness: str = CUSTOMARY) -> tuple[Pattern, ...]:
    """Return the patterns accepted for a line type and for a width of five or seven, the preferred one first.

    `kind` is a letter of `BASES`, or a' or B'.
    """
    found = []
    for five, soft in _ACCEPTED[kind]:
        if soft is None or strictness == CUSTOMARY:
            tones = (PREFIXES[kind[0]] if width == 7 else "") + five
            level, oblique = (sum(1 << n for n, tone in enumerate(tones) if tone == side) for side in "PZ")
            found.append(Pattern(tones, soft, level, oblique))
    return tuple(found)


@cache
def is_turned(before: str, kind: str) -> bool | None:
    """Return whether two successive line types violate opposition 對 within a couplet, or sameness 黏 between couplets.

    Return None if the two can never be adjacent, because a' and B' only occur together.
    """
    if (before == "a'") != (kind == "B'"):
        return None
    return is_opposed(before, kind) != kind[0].isupper()


def is_opposed(one: str, other: str) -> bool:
    """Return whether the second characters of two line types have opposite tones."""
    return (one[0] in "Bc") != (other[0] in "Bc")


@cache
def word_starts(length: int, width: int) -> frozenset[int]:
    """Return the positions, from 0, at which a word may begin so that no pause 頓 splits it, or else all positions.

    A line is read in feet of 2 + 3 or 2 + 2 + 3 characters. A word of two characters lies within a foot; a longer word
    begins at the start of a foot and does not cross the pause before the last three characters.
    """
    feet, every = (0, width - 5, width - 3), range(width - length + 1)
    pauses = feet if length == 2 else feet[-1:]
    whole = {start for start in every if not any(start < pause < start + length for pause in pauses)}
    return frozenset(whole & set(feet) if length > 2 else whole) or frozenset(every)
