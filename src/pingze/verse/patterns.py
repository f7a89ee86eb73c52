"""The tone patterns of lines 句, which the checker and the composer share, with their bit masks.

A line has one of four types, after its second character and its end: in the type's letter a capital ends in
the rhyme. In a pattern P is level 平, Z oblique 仄, x either; a pattern is written for five characters, and a line
of seven is `PREFIXES[type]` and five. Sources: docs/prosody.md.

Two lines of a couplet can also be a' and B': the first breaks its pattern, and the second's third character
(in seven: the fifth) is level in return, a rescue 拗救.
"""

from dataclasses import dataclass
from functools import cache

CUSTOMARY, STRICT = "customary", "strict"
STRICTNESSES = (CUSTOMARY, STRICT)
"""How strictly verse is judged: strict does without the patterns that `Pattern.soft` names."""

PREFIXES = {"a": "xP", "B": "xZ", "c": "xZ", "D": "xP"}
BASES = {"a": "ZZPPZ", "B": "PPZZP", "c": "PPPZZ", "D": "ZZZPP"}
"""Each type as the handbooks print it; every line of these tones is right."""

NEXT = {"a": "B", "c": "D", "B": "c", "D": "a"}
"""Which type follows: within a couplet by opposition 對, from couplet to couplet by sameness 黏."""

RESCUED = {"a": "a'", "B": "B'"}
"""The types that a couplet a B can also be written in, together only."""

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
    """The tones that one accepted way to write a line asks for."""

    tones: str
    """P, Z or x for each character."""
    soft: str | None
    """The rule that it bends, where custom allows it and the strict level does not."""
    level: int
    """The places (bit 0 is the first character) that must be level."""
    oblique: int
    """The places that must be oblique."""

    def misfits(self, can_be_level: int, can_be_oblique: int) -> int:
        """The places whose character cannot have the tone that is asked for."""
        return self.level & ~can_be_level | self.oblique & ~can_be_oblique


@cache
def accepted(kind: str, width: int, strictness: str = CUSTOMARY) -> tuple[Pattern, ...]:
    """The patterns in which a line of a type and of five or seven characters may be written, the first preferred.

    `kind` is a letter of `BASES`, or a' or B'. A place with x takes any tone.
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
    """Whether a line's type cannot follow another's: by opposition 對 in a couplet, by sameness 黏 between couplets.

    None where no poem could have the two side by side: a' and B' are used together only.
    """
    if (before == "a'") != (kind == "B'"):
        return None
    return is_opposed(before, kind) != kind[0].isupper()


def is_opposed(one: str, other: str) -> bool:
    """Whether the second characters of two types of line have opposite tones."""
    return (one[0] in "Bc") != (other[0] in "Bc")


@cache
def word_starts(length: int, width: int) -> frozenset[int]:
    """Where in a line a word may begin, from 0, so that no pause 頓 splits it; anywhere where one always does.

    A line is read in feet of 2 + 3 characters, or 2 + 2 + 3. A word of two characters lies within a foot; a longer one
    begins with a foot, and does not cross the pause before the last three characters.
    """
    feet, every = (0, width - 5, width - 3), range(width - length + 1)
    pauses = feet if length == 2 else feet[-1:]
    whole = {start for start in every if not any(start < pause < start + length for pause in pauses)}
    return frozenset(whole & set(feet) if length > 2 else whole) or frozenset(every)
