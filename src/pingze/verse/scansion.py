"""Scan a poem: find the template that its tones fit best, and each line's type.

A line's faults depend on its type and on whether that type can follow the type of the previous line. So dynamic
programming finds the best sequence of types: for each line and type it keeps the cheapest sequence that ends in it.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

from pingze.verse.characters import Translation
from pingze.verse.context import tones_by_word
from pingze.verse.patterns import BENT, Pattern, accepted, is_turned, word_starts
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE, PINGSHUI, Standard
from pingze.verse.tones import sides, usual_sides

FAULT, RARE = 1 << 16, 1 << 8
"""The costs of a fault and of a rare reading; a bent rule costs 1. Faults decide first, then rare readings."""

_KINDS = (("a", "a'", "c"), ("B", "B'", "D"))  # the types of lines with even numbers, from 0, and with odd ones


class Masks(NamedTuple):
    """Bit masks of the positions that can have each tone, from bit 0. An unknown character can have both tones."""

    level: int
    oblique: int
    usually_level: int
    usually_oblique: int
    """The last two masks are like the first two, but for the tones that are usual in verse (`context.tones_in`)."""


class FittedLine(NamedTuple):
    """A line assigned to a type, with the positions that do not fit."""

    kind: str
    """The type: a letter, or a' or B' in a couplet with a rescue 拗救."""
    pattern: Pattern
    """The type's pattern that fits the line best."""
    misfits: int
    """A bit mask of the positions whose character cannot have the pattern's tone, except a rhyme's position."""
    rare: int
    """A bit mask of the positions that fit only if the character has a tone that is rare for it or for its word."""
    turned: bool
    """Whether the type violates the order of types: 失對 in the second line of a couplet, 失黏 in the first."""


def masks_of(line: str, standard: Standard = PINGSHUI) -> Masks:
    """Return the masks of the tones that the characters of a line can have and usually have."""
    masks = _masks(line.translate(_marks(standard)))
    if not masks.level & masks.oblique:
        return masks  # no character can have both tones
    level, oblique, usually_level, usually_oblique = masks
    for place, tones in tones_by_word(line, word_starts(2, len(line)), standard).items():
        bit = 1 << place
        usually_level = usually_level & ~bit | bit * (LEVEL in tones)
        usually_oblique = usually_oblique & ~bit | bit * (OBLIQUE in tones)
    return Masks(level, oblique, usually_level, usually_oblique)


@lru_cache(1 << 14)
def _masks(marks: str) -> Masks:
    """Return the masks of a line whose characters are replaced by their `_marks`."""
    return Masks(*(sum((int(mark, 16) >> bit & 1) << at for at, mark in enumerate(marks)) for bit in range(4)))


@cache
def _marks(standard: Standard) -> Translation:
    """Map each character to a digit whose bits say whether the character belongs to each of the four `Masks`."""

    def mark(character: str) -> str:
        can_be = sides(character, standard) or {LEVEL, OBLIQUE}
        usual = usual_sides(character, standard) or can_be
        bits = (LEVEL in can_be, OBLIQUE in can_be, LEVEL in usual, OBLIQUE in usual)
        return f"{sum(bit << at for at, bit in enumerate(bits)):x}"

    return Translation(mark)


def fit(
    lines: Sequence[Masks], width: int, strictness: str, openings: Sequence[str], rhymed: int, unrhymed: int = 0
) -> list[FittedLine]:
    """Fit an even number of lines of five or seven characters to the template with the fewest faults.

    The tone of a rhymed line's last position is not judged here. `rhymed` and `unrhymed` are the additional costs of
    reading the first line as rhymed or unrhymed. If costs are equal, the first of `openings` is chosen.
    """
    # 1) Compute the cost of each type that the first line can have. A way is a linked list, last line first.
    ways: dict[str, tuple[int, Any]] = {}
    rescues = bool(accepted("a'", width, strictness))
    for kind in (*(opening[0] for opening in openings), *["a'"] * rescues):
        cost, line = fitted(kind, width, strictness, lines[0])
        ways[kind] = cost + (rhymed if kind.isupper() else unrhymed), (line, False, None)
    # 2) For each further line and each type, find the cheapest sequence of types that ends in it.
    for number, masks in enumerate(lines[1:], 1):
        longer: dict[str, tuple[int, Any]] = {}
        for kind in _KINDS[number % 2]:
            if kind in ("a'", "B'") and not rescues:
                continue
            cost, line = fitted(kind, width, strictness, masks)
            if kind == "B'" and line.misfits >> width - 3 & 1:
                continue  # the line does not rescue
            for before, (so_far, way) in ways.items():
                turned = is_turned(before, kind)
                if turned is None or (turned and line.misfits & 2):
                    continue  # a turned line must at least have the tone that defines its type
                whole = so_far + cost + (FAULT + 2 if turned else 0)  # by the 2, a line that is not turned wins a tie
                if kind not in longer or whole < longer[kind][0]:
                    longer[kind] = whole, (line, turned, way)
        ways = longer
    # 3) Return the cheapest sequence.
    found, way = list[FittedLine](), min(ways.values(), key=lambda each: each[0])[1]
    while way:
        line, turned, way = way
        found.append(line._replace(turned=True) if turned else line)
    return found[::-1]


@lru_cache(1 << 13)
def fitted(kind: str, width: int, strictness: str, masks: Masks) -> tuple[int, FittedLine]:
    """Fit a line to the pattern of a type that costs least, or the first of several; return the cost and the line."""
    judged = (1 << width) - 1 >> kind[0].isupper()
    costs = []
    for pattern in accepted(kind, width, strictness):
        misfits = pattern.misfits(masks.level, masks.oblique) & judged
        rare = pattern.misfits(masks.usually_level, masks.usually_oblique) & judged & ~misfits
        cost = misfits.bit_count() * FAULT + rare.bit_count() * RARE + (pattern.rule in BENT)
        costs.append((cost, FittedLine(kind, pattern, misfits, rare, False)))
    return min(costs, key=lambda each: each[0])
