"""Scan a poem: find the template that its tones fit best and each line's type, and explain both.

A line's faults depend on its type and on whether that type can follow the type of the previous
line. So dynamic programming finds the best sequence of types. At each line, it keeps the cheapest
sequence that ends in each type.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import NamedTuple

from pingze.verse.characters import Translation
from pingze.verse.forms import OPENINGS, line_types, opening_name
from pingze.verse.patterns import (
    BENT,
    Pattern,
    accepted,
    is_turned,
    mask_of,
    places_in,
    word_starts,
)
from pingze.verse.rhyme_book import sense
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE
from pingze.verse.standard import PINGSHUI, STANDARDS, Standard
from pingze.verse.verdict import Verdict

FAULT = 1 << 16
"""The cost of a fault. Faults decide first."""
RARE = 1 << 8
"""The cost of a rare reading. A bent rule costs 1."""

# the types of the first, third ... line and of the second, fourth ... line
_ODD_TYPES = ("a", "a'", "c")
_EVEN_TYPES = ("B", "B'", "D")


class Masks(NamedTuple):
    """Bit masks, one per tone, of the positions that can have it; bit 0 is the first.

    An unknown character has both. (A tuple, because `fitted` is cached by it, and hashing a
    dataclass takes longer.)
    """

    level: int
    oblique: int
    usually_level: int
    usually_oblique: int
    """`usually_level` and `usually_oblique` mark only usual tones (`WordTones.tones_in`)."""


@dataclass(frozen=True, slots=True)
class FittedLine:
    """A line assigned to a type, with the positions that do not fit."""

    kind: str
    """The type: a, B, c or D; in a couplet with a rescue 拗救, a' or B'."""
    pattern: Pattern
    """The type's pattern that fits the line best."""
    misfits: int
    """A bit mask of the characters without the required tone, except the end of a rhymed line."""
    rare: int
    """A bit mask of the characters that fit only in a tone that is rare for them or their word."""
    cost: int
    """The cost of the misfits, the rare readings and a bent rule."""
    turned: bool = False
    """Whether the type violates the order of types: 失黏 in an odd line, 失對 in an even one."""


def masks_of(line: str, standard: Standard = PINGSHUI) -> Masks:
    """Return the masks of a line: the tones that each character can have and usually has."""
    # 1) The tones of each character by itself. Many lines have the same signs, so that keeping the
    #    masks of signs saves 6 % of the time of a check.
    masks = _masks(line.translate(_signs(standard)))
    if not masks.level & masks.oblique:
        return masks  # no character can have both tones
    # 2) Where a word decides the tone, only that tone is usual. (Two words may decide both tones.)
    usually_level = masks.usually_level
    usually_oblique = masks.usually_oblique
    by_word = standard.words.tones_by_word(line, word_starts(2, len(line)))
    for place, tones in by_word.items():
        bit = 1 << place
        usually_level &= ~bit
        usually_oblique &= ~bit
        if LEVEL in tones:
            usually_level |= bit
        if OBLIQUE in tones:
            usually_oblique |= bit
    return Masks(masks.level, masks.oblique, usually_level, usually_oblique)


@lru_cache(1 << 14)
def _masks(signs: str) -> Masks:
    """Return the masks of a line from the sign of each character (see `_signs`)."""
    return Masks(
        level=mask_of(signs, "Pxpz"),
        oblique=mask_of(signs, "Zxpz"),
        usually_level=mask_of(signs, "Pxp"),
        usually_oblique=mask_of(signs, "Zxz"),
    )


@cache
def _signs(standard: Standard) -> Translation:
    """Map a character to a sign of its tones.

    P is level, Z oblique, x either; p and z are either, but usually level or usually oblique.
    """

    def sign(character: str) -> str:
        tones = standard.tones(character)
        usual = standard.usual_tones(character)
        if len(tones) == 1 and LEVEL in tones:
            return "P"
        if len(tones) == 1:
            return "Z"
        if len(usual) == 1 and LEVEL in usual:
            return "p"
        if len(usual) == 1:
            return "z"
        return "x"

    return Translation(sign)


def fit(
    lines: Sequence[Masks],
    width: int,
    strictness: str,
    openings: Sequence[str],
    rhymed: int,
    unrhymed: int = 0,
) -> list[FittedLine]:
    """Fit an even number of lines of five or seven characters to the best template.

    The tone of the last character of a rhymed line is not judged here. If costs are equal, the
    first of `openings` is chosen.

    Args:
        rhymed: The additional cost if the first line is read as rhymed.
        unrhymed: The additional cost if the first line is read as unrhymed.
    """
    # type a' has no pattern if the strictness rejects the rescue 對句相救
    may_rescue = bool(accepted("a'", width, strictness))
    # 1) Compute the cost of each type that the first line can have.
    first_types = [opening[0] for opening in openings]
    if may_rescue:
        first_types.append("a'")
    costs: dict[str, int] = {}
    for kind in first_types:
        additional = rhymed if kind.isupper() else unrhymed
        costs[kind] = fitted(kind, width, strictness, lines[0]).cost + additional
    # 2) For each further line and each type that it can have, find the cheapest sequence of types
    # that ends in this type. `costs` has the cost of that sequence, and `previous_types` the type
    # before the last, for each type of the second line, of the third, and so on.
    previous_types: list[dict[str, str]] = []
    for number, masks in enumerate(lines[1:], 1):
        next_costs: dict[str, int] = {}
        previous_of: dict[str, str] = {}
        for kind in _EVEN_TYPES if number % 2 else _ODD_TYPES:
            if kind in ("a'", "B'") and not may_rescue:
                continue
            line = fitted(kind, width, strictness, masks)
            # the third character from the end must be level to rescue the line before
            if kind == "B'" and (line.misfits >> (width - 3)) & 1:
                continue
            misfits_at_second = line.misfits & 2  # bit 1 is the second character
            for previous, cost_so_far in costs.items():
                turned = is_turned(previous, kind)
                if turned is None:  # the types never follow each other
                    continue
                # 失黏 and 失對 are faults of the second character, which has only one fault
                if turned and misfits_at_second:
                    continue
                cost = cost_so_far + line.cost
                if turned:
                    cost += FAULT + 2  # by the 2, a line that is not turned wins a tie
                if kind not in next_costs or cost < next_costs[kind]:
                    next_costs[kind] = cost
                    previous_of[kind] = previous
        costs = next_costs
        previous_types.append(previous_of)
    # 3) Read the cheapest sequence backwards.
    types = [min(costs, key=lambda kind: costs[kind])]
    for previous_of in reversed(previous_types):
        types.append(previous_of[types[-1]])
    types.reverse()
    # 4) Fit the lines to their types.
    fitted_lines = []
    for number, (kind, masks) in enumerate(zip(types, lines, strict=True)):
        line = fitted(kind, width, strictness, masks)
        if number and is_turned(types[number - 1], kind):
            line = replace(line, turned=True)
        fitted_lines.append(line)
    return fitted_lines


@lru_cache(1 << 13)
def fitted(kind: str, width: int, strictness: str, masks: Masks) -> FittedLine:
    """Fit a line to the lowest-cost pattern of type `kind`, the first in a tie."""
    judged_places = (1 << width) - 1  # a bit mask of all characters
    if kind[0].isupper():
        judged_places >>= 1  # the end of a rhymed line is judged with the rhyme
    candidates = []
    for pattern in accepted(kind, width, strictness):
        misfits = pattern.misfits(masks.level, masks.oblique) & judged_places
        unusual = pattern.misfits(masks.usually_level, masks.usually_oblique) & judged_places
        rare = unusual & ~misfits
        cost = misfits.bit_count() * FAULT + rare.bit_count() * RARE
        if pattern.rule in BENT:
            cost += 1  # of patterns that fit equally well, the one that bends no rule is chosen
        candidates.append(
            FittedLine(kind=kind, pattern=pattern, misfits=misfits, rare=rare, cost=cost)
        )
    return min(candidates, key=lambda line: line.cost)


# -- explanation -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CharacterReading:
    """How a character that can have both tones is read in its line."""

    position: int
    """The position of the character in its line, from 1."""
    char: str
    tone: str
    """平 or 仄, as the pattern, the word or usage decides; 平仄 if none of these decides."""
    groups: str
    """The rhyme groups in this tone; of a rhyming character those in the poem's rhyme, if any."""
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
    """The exception for the pattern: a rescue 本句自救 or 對句相救, or a bent rule such as 三仄尾."""
    readings: tuple[CharacterReading, ...]
    has: str = ""
    """The tones that the line has: 平, 仄 or 中 (either) per character."""
    needs: str | None = None
    """The pattern that the line needs in the poem's template; it differs from `pattern` after a line out of order 失黏.

    None if the line has no type.
    """
    wrong: tuple[int, ...] = ()
    """The positions, from 1, of all characters that would have to change for `needs`; rhymes are not judged."""


def tones_of(line: str, standard: Standard) -> str:
    """Return the tones that a line has: 平, 仄 or 中 (either or unknown) per character."""
    shown = ""
    for character in line:
        tones = standard.tones(character)
        shown += "".join(tones) if len(tones) == 1 else "中"
    return shown


def explain_verdict(verdict: Verdict) -> tuple[LineExplanation, ...]:
    """Explain each line of a verdict: its pattern, and the readings of characters with both tones.

    Returns () if `verdict.judged` is "nothing" or "shape".
    """
    if verdict.judged in ("nothing", "shape"):
        return ()
    return tuple(_explain_line(verdict, number) for number in range(len(verdict.read)))


def _explain_line(verdict: Verdict, number: int) -> LineExplanation:
    """Explain a line, given its number from 0."""
    standard = STANDARDS[verdict.standard]
    line = verdict.read[number]
    masks = masks_of(line, standard)
    # 1) The pattern by which the line was judged.
    kind = None
    pattern = None
    rule = None
    rhymed = number % 2 == 1  # the even lines rhyme, which have odd numbers from 0
    if verdict.kinds:
        kind = verdict.kinds[number]
        fitting_pattern = fitted(kind, len(line), verdict.level, masks).pattern
        pattern = fitting_pattern.text
        rule = fitting_pattern.rule
        rhymed = rhymed or kind.isupper()  # the types of lines that rhyme are capitals
    # 2) The pattern that the line needs in the poem's template.
    needs = None
    wrong = []
    if kind and verdict.template:
        needed_kind = kind
        # the verdict has only the template's name: find the opening that has this name
        for opening in OPENINGS:
            if opening_name(len(line), opening[0]) == verdict.template:
                template_kind = line_types(opening, len(verdict.read))[number]
                # a line that follows the template keeps its own type, which may be a' or B'
                if kind[0] != template_kind:
                    needed_kind = template_kind
        needed = fitted(needed_kind, len(line), verdict.level, masks)
        needs = needed.pattern.text
        wrong = [place + 1 for place in places_in(needed.misfits)]
    # 3) The readings of the characters that can have both tones: in the tone of the pattern, or else
    #    in the tone that the word around it or usage decides; 平仄 if nothing decides.
    usual_tones = standard.words.tones_in(line, word_starts(2, len(line)))
    readings = []
    for place, character in enumerate(line):
        if len(standard.tones(character)) < 2:
            continue
        tone = "".join(sorted(usual_tones[place]))
        if pattern is not None and pattern[place] != "中":
            tone = pattern[place]
        # the names of groups are single characters, and `groups` is a string of them
        groups = standard.joined(
            name for name in standard.rhymes(character) if standard.groups[name].side in tone
        )
        if rhymed and place == len(line) - 1:
            poem_rhyme = verdict.rhyme or ""
            groups_of_rhyme = "".join(name for name in groups if name in poem_rhyme)
            if groups_of_rhyme:
                groups = groups_of_rhyme
        # The meaning is that of the first group for which one is listed. Only the groups of 平水韻
        # have meanings, for which `rimes` is empty.
        zh = ""
        en = ""
        if len(tone) == 1 and not standard.rimes:
            for group in groups:
                zh, en, example_words = sense(character, group)
                if zh or en or example_words:
                    break
        reading = CharacterReading(
            position=place + 1,
            char=character,
            tone=tone,
            groups=groups,
            word=standard.words.word_at(line, place),
            zh=zh,
            en=en,
        )
        readings.append(reading)
    return LineExplanation(
        line=number + 1,
        kind=kind,
        pattern=pattern,
        rule=rule,
        readings=tuple(readings),
        has=tones_of(line, standard),
        needs=needs,
        wrong=tuple(wrong),
    )
