"""Scan a poem: find the template that its tones fit best and each line's type, and explain each line of a verdict.

A line's faults depend on its type and on whether that type can follow the type of the previous
line. So dynamic programming finds the best sequence of types. At each line, it keeps the cheapest
sequence that ends in each type.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NamedTuple

from pingze.verse.characters import Translation
from pingze.verse.patterns import BENT, SIDES, Pattern, accepted, is_turned, word_starts
from pingze.verse.rhyme_book import sense
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE
from pingze.verse.standard import PINGSHUI, STANDARDS, Standard
from pingze.verse.verdict import Verdict

FAULT, RARE = 1 << 16, 1 << 8
"""The costs of a fault and of a rare reading; a bent rule costs 1.

Faults decide first, then rare readings.
"""

# the types of lines with even numbers, from 0, and with odd ones
_KINDS = (("a", "a'", "c"), ("B", "B'", "D"))


class Masks(NamedTuple):
    """Bit masks, one per tone, of the positions that can have it; bit 0 is the first.

    An unknown character has both.
    """

    level: int
    oblique: int
    usually_level: int
    usually_oblique: int
    """`usually_level` and `usually_oblique` mark only tones that are usual for the character (`WordTones.tones_in`)."""


class FittedLine(NamedTuple):
    """A line assigned to a type, with the positions that do not fit."""

    kind: str
    """The type: a, B, c or D; in a couplet with a rescue 拗救, a' or B'."""
    pattern: Pattern
    """The type's pattern that fits the line best."""
    misfits: int
    """A bit mask of the positions whose character cannot have the required tone, except the end of a rhymed line."""
    rare: int
    """A bit mask of the positions that fit only in a tone that is rare for the character or for its word."""
    turned: bool
    """Whether the type violates the order of types: 失對 in the second line of a couplet, 失黏 in the first."""


def masks_of(line: str, standard: Standard = PINGSHUI) -> Masks:
    """Return the masks of a line: the tones that each character can have, and those that it usually has."""
    masks = _masks(line.translate(_marks(standard)))
    if not masks.level & masks.oblique:
        return masks  # no character can have both tones
    level, oblique, usually_level, usually_oblique = masks
    for place, tones in standard.words.tones_by_word(line, word_starts(2, len(line))).items():
        bit = 1 << place
        usually_level = usually_level & ~bit | bit * (LEVEL in tones)
        usually_oblique = usually_oblique & ~bit | bit * (OBLIQUE in tones)
    return Masks(level, oblique, usually_level, usually_oblique)


@lru_cache(1 << 14)
def _masks(marks: str) -> Masks:
    """Build the masks of a line from `marks`, the hexadecimal digits of its characters (see `_marks`)."""
    return Masks(
        *(
            sum((int(mark, 16) >> bit & 1) << at for at, mark in enumerate(marks))
            for bit in range(4)
        )
    )


@cache
def _marks(standard: Standard) -> Translation:
    """Map each character to a hexadecimal digit that has one bit for each of the four `Masks`."""

    def mark(character: str) -> str:
        can_be = standard.tones(character) or {LEVEL, OBLIQUE}
        usual = standard.usual_tones(character) or can_be
        bits = (LEVEL in can_be, OBLIQUE in can_be, LEVEL in usual, OBLIQUE in usual)
        return f"{sum(bit << at for at, bit in enumerate(bits)):x}"

    return Translation(mark)


def fit(
    lines: Sequence[Masks],
    width: int,
    strictness: str,
    openings: Sequence[str],
    rhymed: int,
    unrhymed: int = 0,
) -> list[FittedLine]:
    """Fit an even number of lines of five or seven characters to the template with the fewest faults.

    The tone of the last character of a rhymed line is not judged here. `rhymed` is the additional
    cost if the first line is read as rhymed, `unrhymed` if it is read as unrhymed. If costs are
    equal, the first of `openings` is chosen.
    """
    # 1) Compute the cost of each type that the first line can have. A way is a linked list, last
    # line first.
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
                # by the 2, a line that is not turned wins a tie
                whole = so_far + cost + (FAULT + 2 if turned else 0)
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
    """Fit a line to the lowest-cost pattern of type `kind`, the first in a tie.

    Return the cost and the fitted line.
    """
    judged = (1 << width) - 1 >> kind[0].isupper()
    costs = []
    for pattern in accepted(kind, width, strictness):
        misfits = pattern.misfits(masks.level, masks.oblique) & judged
        rare = pattern.misfits(masks.usually_level, masks.usually_oblique) & judged & ~misfits
        cost = misfits.bit_count() * FAULT + rare.bit_count() * RARE + (pattern.rule in BENT)
        costs.append((cost, FittedLine(kind, pattern, misfits, rare, False)))
    return min(costs, key=lambda each: each[0])


# -- explanation -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CharacterReading:
    """How a character that can have both tones is read in its line."""

    position: int
    """The position of the character in its line, from 1."""
    char: str
    tone: str
    """平 or 仄, as the pattern, the word or usage decides; 平仄 if none of these decides."""
    groups: str
    """The rhyme groups in this tone; for a rhyming character, only those in the poem's rhyme, if there are any."""
    word: str
    """The word of two characters that decides the tone; "" if there is none."""
    zh: str
    """The meaning of this reading in Chinese; `en` is the same in English.

    If no meaning is listed, both are "".
    """
    en: str


@dataclass(frozen=True, slots=True)
class LineExplanation:
    """How a line fits its template."""

    line: int
    """The number of the line, from 1."""
    kind: str | None
    """The type of the line as defined in `patterns`, such as a, B or a'.

    None in old-style verse and 詞.
    """
    pattern: str | None
    """The pattern by which the line was judged: 平, 仄 or 中 (either) per character.

    None if the line has no type.
    """
    rule: str | None
    """The exception by which the pattern is accepted: a rescue 本句自救 or 對句相救, or a bent rule such as 三仄尾."""
    readings: tuple[CharacterReading, ...]


def explain_verdict(verdict: Verdict) -> tuple[LineExplanation, ...]:
    """Explain each line of a verdict: the pattern it must fit, and the readings of characters that can have both tones.

    Args:
        verdict: The verdict that `check` returned.

    Returns () if `verdict.judged` is "nothing" or "shape".
    """
    if verdict.judged in ("nothing", "shape"):
        return ()
    standard, found = STANDARDS[verdict.standard], []
    for number, line in enumerate(verdict.read):
        kind = verdict.kinds[number] if verdict.kinds else None
        pattern = (
            fitted(kind, len(line), verdict.level, masks_of(line, standard))[1].pattern
            if kind
            else None
        )
        needed = "".join(SIDES.get(tone, "中") for tone in pattern.tones) if pattern else None
        rhymed = bool(number % 2 or (kind and kind.isupper()))
        usual = standard.words.tones_in(line, word_starts(2, len(line)))
        readings = []
        for place, character in enumerate(line):
            if len(standard.tones(character)) < 2:
                continue
            tone = (
                needed[place] if needed and needed[place] != "中" else "".join(sorted(usual[place]))
            )
            own = standard.joined(
                g for g in standard.rhymes(character) if standard.groups[g].side in tone
            )
            if rhymed and place == len(line) - 1:
                own = "".join(name for name in own if name in (verdict.rhyme or "")) or own
            senses = (
                [sense(character, name) for name in own]
                if len(tone) == 1 and not standard.rimes
                else []
            )
            zh, en, _ = next(filter(any, senses), ("", "", []))
            readings.append(
                CharacterReading(
                    place + 1, character, tone, own, standard.words.word_at(line, place), zh, en
                )
            )
        found.append(
            LineExplanation(
                number + 1, kind, needed, pattern.rule if pattern else None, tuple(readings)
            )
        )
    return tuple(found)
