"""Judge regulated verse 近體: template, rhyme and faults."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from pingze.messages import Parameter
from pingze.verse.forms import Form, opening_name
from pingze.verse.notes import general_notes
from pingze.verse.patterns import CUSTOMARY
from pingze.verse.rhyme import Groups, shared_group
from pingze.verse.rhyme_groups import GROUPS, LEVEL, OBLIQUE, neighbours
from pingze.verse.rhyme_usage import is_rare_rhyme, lenders, rhymes
from pingze.verse.scansion import FAULT, FittedLine, Masks, fit, fitted
from pingze.verse.simplified import variants
from pingze.verse.tones import groups, needed, rare_side, sides
from pingze.verse.verdict import Note, Verdict, Violation

_RULES = {
    ("a", 2): "小拗",
    ("a", 3): "大拗",
    ("B", 0): "孤平",
    ("c", 0): "特拗",
    ("c", 2): "三仄尾",
    ("D", 2): "三平調",
}
"""What a line of a type breaks where it misses its pattern; places of five characters, from 0."""


def judge(lines: tuple[str, ...], form: Form, strictness: str) -> Verdict:
    """Judge lines of a form's shape by the template that they fit best and the rhyme that most of them keep."""
    feet = [groups(line[-1]) for line in lines]
    rhyme = shared_group(feet[1::2], preferring=(feet[0], _near(feet[0]), feet[1]), tone=LEVEL)
    first = _first_foot(feet[0], rhyme)
    borrows = first == "鄰韻" and strictness == CUSTOMARY
    rhymed_costs = 1 if borrows else FAULT * bool(first)
    # Where it rhymes, a first line that fits both ways is a rhymed one.
    unrhymed_costs = int(rhyme in feet[0])
    masks = [masks_of(line) for line in lines]
    best = fit(masks, form.width, strictness, form.openings, rhymed_costs, unrhymed_costs)
    rhymed = [number for number, line in enumerate(best) if line.kind[0].isupper()]
    faults = [
        *_tone_faults(best, form.width),
        *((rule, number, form.width - 1) for rule, number in _rhyme_faults(lines, feet, rhymed, rhyme)),
    ]
    if first and not borrows and 0 in rhymed:
        faults.append((first, 0, form.width - 1))
    faults.sort(key=lambda fault: fault[1:])
    notes = [_borrowed(rhyme, feet[0])] if borrows and 0 in rhymed else []
    notes += [*_strays(lines, feet, rhyme), *_rhyme_notes(lines, rhymed, rhyme), *_tone_notes(best, lines)]
    notes += _rare_readings(best, masks, lines, strictness)
    notes += general_notes(lines, repeated=True)
    violations = tuple(Violation.at(rule, lines, number, place) for rule, number, place in faults)
    template = opening_name(form.width, best[0].kind[0])
    return Verdict(form.name, template, rhyme, strictness, lines, violations, tuple(notes))


@lru_cache(1 << 13)
def _near(foot: Groups) -> Groups:
    """The groups that could lend a first line this foot."""
    return frozenset("".join(neighbours(name) for name in foot if GROUPS[name].tone == LEVEL))


def _first_foot(foot: Groups, rhyme: str | None) -> str:
    """What the first line breaks if it is read as rhymed."""
    if not _off(foot, rhyme):
        return ""
    return "鄰韻" if rhyme and GROUPS[rhyme].tone == LEVEL and foot & set(neighbours(rhyme)) else "出韻"


def _off(foot: Groups, rhyme: str | None) -> bool:
    """Whether a character cannot rhyme in the poem's group, which must be a level one; an unknown one can."""
    return bool(foot) and (rhyme not in foot or GROUPS[rhyme].tone != LEVEL)


def _rhyme_faults(
    lines: Sequence[str], feet: Sequence[Groups], rhymed: Sequence[int], rhyme: str | None
) -> Iterator[tuple[str, int]]:
    """The rules that rhymes break, and their lines, from 0; `_first_foot` judges the first line's group."""
    before: set[str] = set()
    for number in rhymed:
        if number and _off(feet[number], rhyme):
            yield "出韻", number
        elif lines[number][-1] in before:
            yield "重韻", number
        before.add(lines[number][-1])


def _tone_faults(best: Sequence[FittedLine], width: int) -> Iterator[tuple[str, int, int]]:
    """The rules that tones break, and their lines and places, from 0."""
    for number, line in enumerate(best):
        if line.turned:
            yield _second_rule(number), number, 1
        for place in (place for place in range(width) if line.misfits >> place & 1):
            yield _rule(line.kind, number, place, width), number, place


def _rule(kind: str, number: int, place: int, width: int) -> str:
    """What a line of a type breaks where a place misses its pattern."""
    if place == 1:
        return _second_rule(number)
    if place == width - 1:
        return "仄腳"
    return _RULES.get((kind[0], place - (width - 5)), "失對")


def _second_rule(number: int) -> str:
    return "失黏" if number and number % 2 == 0 else "失對"


def _borrowed(rhyme: str | None, foot: Groups) -> Note:
    said = f"鄰韻: line 1 rhymes in a neighbour of {rhyme} (孤雁入群)"
    rare = rhyme is not None and not foot & set(lenders(rhyme))
    if rare:
        said += ", from which Tang poets hardly ever borrow"
    return Note(said, "neighbour_rhyme", line=1, wanted=rhyme, has=sorted(foot), rare=rare)


def _strays(lines: Sequence[str], feet: Sequence[Groups], rhyme: str | None) -> Iterator[Note]:
    """Rhymes at fault that have a name, or of which another may be the one at fault."""
    even = range(1, len(lines), 2)
    off = [number for number in even if _off(feet[number], rhyme)]
    if rhyme is None or GROUPS[rhyme].tone != LEVEL or not off:
        return
    if off == [even[-1]] and len(even) > 1 and feet[even[-1]] & set(neighbours(rhyme)):
        said = f"孤雁出群: the last line rhymes in a neighbour of {rhyme}, which some late poets allowed themselves"
        yield Note(said, "stray_last", line=even[-1] + 1, wanted=rhyme)
    elif 2 * len(off) >= len(even):
        suspects = [f"{lines[number][-1]} (line {number + 1})" for number in even]
        said = f"出韻: {', '.join(suspects)} do not rhyme, and any of them may be the wrong one"
        yield Note(said, "suspects", has=suspects)


def _rhyme_notes(lines: Sequence[str], rhymed: Sequence[int], rhyme: str | None) -> Iterator[Note]:
    """Rhymes that the rhyme book allows and poets avoid."""
    feet = [(number + 1, lines[number][-1]) for number in rhymed]
    for line, foot in feet:
        if rhyme and rhyme in groups(foot) and is_rare_rhyme(foot, rhyme):
            times, total = rhymes(foot).get(rhyme, 0), sum(rhymes(foot).values())
            said = f"rare rhyme: {foot} in {rhyme}, line {line} ({times} of its {total} rhymes)"
            yield Note(said, "rare_rhyme", line=line, has=foot, wanted=rhyme, times=times, total=total)
    first_lines: dict[str, int] = {}
    for line, foot in feet:
        for other in variants(foot):
            if (other_line := first_lines.get(other)) is not None:
                said = f"重韻: {other} and {foot} are forms of one word (lines {other_line}, {line})"
                yield Note(said, "one_word", line=other_line, has=other, other_line=line, other=foot)
        first_lines.setdefault(foot, line)


def _rare_readings(
    best: Sequence[FittedLine], masks: Sequence[Masks], lines: Sequence[str], strictness: str
) -> Iterator[Note]:
    """Tones that were relied on and that verse hardly ever uses, and what the line breaks without them."""
    width = len(lines[0])
    for number, line in enumerate(best):
        for place in (place for place in range(width) if line.rare >> place & 1):
            character = lines[number][place]
            said, counts = _rarely(character)
            plain = Masks(*masks[number][2:], *masks[number][2:])
            _, without = fitted(line.kind, False, width, strictness, plain)
            at = without.misfits.bit_length() - 1
            rule = _rule(line.kind, number, at, width)
            said = f"rare reading: line {number + 1}, character {place + 1}: {said}; else {rule} at {lines[number][at]}"
            yield Note(
                said, "rare_reading", line=number + 1, position=place + 1, has=character, rule=rule, **counts
            )


def _rarely(character: str) -> tuple[str, dict[str, Parameter]]:
    """How rare a character's rare tone is, in words and as parameters."""
    side = rare_side(character)
    assert side, "only such characters are read in a rare tone"
    places = needed(character)
    times, total = places[side], sum(places.values())
    return f"{character} is read {side}, as in {times} of {total:,} places", {
        "wanted": side,
        "times": times,
        "total": total,
    }


def _tone_notes(fitted: Sequence[FittedLine], lines: Sequence[str]) -> Iterator[Note]:
    """What lines bend, and where one rescues another."""
    for number, line in enumerate(fitted, 1):
        if line.kind == "a'":
            yield Note(
                f"拗救: line {number + 1} rescues line {number}", "rescue", line=number + 1, has=number
            )
        elif soft := line.pattern.soft:
            position = len(lines[0]) - 2
            said = f"{soft}: line {number}, character {position}"
            yield Note(said, "bent", rule=soft, line=number, position=position)


def masks_of(line: str) -> Masks:
    """What tones the characters of a line can have, and usually have."""
    level = oblique = usually_level = usually_oblique = 0
    for place, character in enumerate(line):
        can_be = _tones(character)
        level |= can_be[0] << place
        oblique |= can_be[1] << place
        usually_level |= can_be[2] << place
        usually_oblique |= can_be[3] << place
    return Masks(level, oblique, usually_level, usually_oblique)


@lru_cache(1 << 13)
def _tones(character: str) -> tuple[bool, bool, bool, bool]:
    """Whether a character can be level, and oblique, and is usually; an unknown one can be both."""
    can_be = sides(character) or {LEVEL, OBLIQUE}
    usual = can_be - {rare_side(character)}
    return LEVEL in can_be, OBLIQUE in can_be, LEVEL in usual, OBLIQUE in usual
