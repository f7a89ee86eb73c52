"""Find the template that a poem's tones fit best, and each line's type.

A line's faults depend on its own type, and on whether that type can follow the one before. So the best sequence
of types is found line by line: for each type the best way to come to it, from the best ways to the line before.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from pingze.verse.patterns import Pattern, accepted, is_turned

FAULT = 1 << 16
"""What a fault costs."""

RARE = 1 << 8
"""What a rare reading costs. A bent rule costs 1: the fewest faults come first, then the fewest rare readings."""


class Masks(NamedTuple):
    """What tones the characters of a line can have; bit 0 is the first, an unknown character can have both."""

    level: int
    oblique: int
    usually_level: int
    """What they are in the tones that verse uses now and then: without the rare one of two tones."""
    usually_oblique: int


class FittedLine(NamedTuple):
    """A line in the type that it is best read in, and what does not fit."""

    kind: str
    """Its type: a letter, or a' or B' in a couplet that is a rescue 拗救."""
    pattern: Pattern
    """The nearest of the type's patterns."""
    misfits: int
    """The places (bit 0 is the first) whose character cannot have the pattern's tone, but for a rhyme's."""
    rare: int
    """The places whose character must be read in a tone that it hardly ever has."""
    turned: bool
    """Whether the type cannot follow the one before: 失對 in the second line of a couplet, 失黏 in the first."""


class _Way(NamedTuple):
    cost: int
    line: FittedLine
    before: "_Way | None"


def fit(
    lines: Sequence[Masks],
    width: int,
    strictness: str,
    openings: Sequence[str],
    rhymed: int,
    unrhymed: int = 0,
) -> list[FittedLine]:
    """Fit an even number of lines of five or seven characters to the template with the fewest faults.

    The last place of a rhymed line is left to the rhyme. `rhymed` and `unrhymed` are what it costs to read the first
    line so: a `FAULT` if it does not rhyme, 1 to prefer the other. Among equals the earlier of `openings` is taken.
    """
    starts = (*(opening[0] for opening in openings), "a'")
    ways = [
        _start(kind, width, strictness, lines[0], rhymed if kind.isupper() else unrhymed) for kind in starts
    ]
    for number, masks in enumerate(lines[1:], 1):
        kinds = ("B", "B'", "D") if number % 2 else ("a", "a'", "c")
        ways = [way for kind in kinds if (way := _next(ways, kind, width, strictness, masks))]
    return _lines(min(ways, key=lambda way: way.cost))


def _start(kind: str, width: int, strictness: str, masks: Masks, extra: int) -> _Way:
    cost, line = fitted(kind, False, width, strictness, masks)
    return _Way(cost + extra, line, None)


def _next(ways: Sequence[_Way], kind: str, width: int, strictness: str, masks: Masks) -> _Way | None:
    """The best way to a line's type from the ways to the line before; None where none leads there."""
    best: _Way | None = None
    for way in ways:
        turned = is_turned(way.line.kind, kind)
        if turned is not None:
            cost, line = fitted(kind, turned, width, strictness, masks)
            if best is None or way.cost + cost < best.cost:
                best = _Way(way.cost + cost, line, way)
    return best


@lru_cache(1 << 13)
def fitted(kind: str, turned: bool, width: int, strictness: str, masks: Masks) -> tuple[int, FittedLine]:
    """What a line of a type costs, read in the nearest of the type's patterns, the first among equals."""
    judged = (1 << width) - 1 >> kind[0].isupper()
    costs = []
    for pattern in accepted(kind, width, strictness):
        misfits = pattern.misfits(masks.level, masks.oblique) & judged
        rare = pattern.misfits(masks.usually_level, masks.usually_oblique) & judged & ~misfits
        cost = misfits.bit_count() * FAULT + rare.bit_count() * RARE + (pattern.soft is not None)
        costs.append((cost, FittedLine(kind, pattern, misfits, rare, turned)))
    cost, line = min(costs, key=lambda each: each[0])
    return cost + FAULT * turned, line


def _lines(way: _Way | None) -> list[FittedLine]:
    lines: list[FittedLine] = []
    while way:
        lines.append(way.line)
        way = way.before
    return lines[::-1]
