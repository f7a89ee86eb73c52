"""The tone patterns of lines 句, as data that the checker and the composer share; and their bit masks.

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

_SECOND_IS_LEVEL = {"a": False, "B": True, "c": True, "D": False}

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
    prefix = PREFIXES[kind[0]] if width == 7 else ""
    return tuple(
        _pattern(prefix + tones, soft)
        for tones, soft in _ACCEPTED[kind]
        if soft is None or strictness == CUSTOMARY
    )


@cache
def is_turned(before: str, kind: str) -> bool | None:
    """Whether a line's type cannot follow another's: by opposition 對 in a couplet, by sameness 黏 between couplets.

    None where no poem could have the two side by side: a' and B' come together only.
    """
    if (before == "a'") != (kind == "B'"):
        return None
    same = not is_opposed(before, kind)
    return same if kind[0].isupper() else not same


def is_opposed(one: str, other: str) -> bool:
    """Whether the second characters of two types of line have opposite tones."""
    return _SECOND_IS_LEVEL[one[0]] != _SECOND_IS_LEVEL[other[0]]


def _pattern(tones: str, soft: str | None) -> Pattern:
    level = sum(1 << place for place, tone in enumerate(tones) if tone == "P")
    oblique = sum(1 << place for place, tone in enumerate(tones) if tone == "Z")
    return Pattern(tones, soft, level, oblique)
