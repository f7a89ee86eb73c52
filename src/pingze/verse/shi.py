"""Judge 詩: regulated verse 近體 by its template and rhyme, old-style verse 古體 by its rhyme alone."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import product

from pingze.messages import Parameter
from pingze.verse.character_table import variants
from pingze.verse.forms import FEWEST_LINES, Form, opening_name
from pingze.verse.patterns import BENT, CUSTOMARY, enforced, is_opposed
from pingze.verse.rhyme_book import Groups, rhyme_counts
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE
from pingze.verse.scansion import FAULT, FittedLine, Masks, fit, fitted, masks_of
from pingze.verse.standard import Standard
from pingze.verse.verdict import Note, Verdict, Violation

_RULES = {
    ("a", 2): ("小拗", "..ZP."),
    ("a", 3): ("大拗", "...Z."),
    ("B", 0): ("孤平", "ZP.Z."),
    ("c", 0): ("特拗", "ZPZP."),
    ("c", 2): ("三仄尾", "..ZZZ"),
    ("D", 2): ("三平調", "..PPP"),
}
"""For a line type and the position of a wrong tone: the rule that is broken, and the tones with which a line breaks it.

Positions (from 0) and tones are those of the last five characters, and a dot stands for any tone. A
line with other tones has a worse fault at another position.
"""


def judge_regulated(
    lines: tuple[str, ...], form: Form, strictness: str, standard: Standard
) -> Verdict:
    """Judge tones by the best template, and rhymes by the most frequent group.

    `lines` must have the form's shape.
    """
    width, last = form.width, form.width - 1
    # 1) Find the rhyme, and the rule that the first line breaks if it is read as a rhymed line.
    feet = [standard.rhymes(line[-1]) for line in lines]
    level = {name for name in feet[0] if standard.groups[name].tone == LEVEL}
    near = frozenset[str]().union(*(standard.neighbours[name] for name in level))
    rhyme = standard.shared_group(feet[1::2], preferring=(feet[0], near, feet[1]), tone=LEVEL)
    # no oblique rhyme is right
    right = {rhyme} if rhyme and standard.groups[rhyme].tone == LEVEL else set[str]()
    near = standard.neighbours[rhyme] if rhyme in right else frozenset()
    off = [bool(foot) and not foot & right for foot in feet]
    first = ("鄰韻" if feet[0] & near else "出韻") if off[0] else ""
    borrows = first == "鄰韻" and first not in enforced(strictness)
    # 2) Find the template. A first line that fits both ways is rhymed if it can rhyme, and unrhymed
    # if it ends oblique.
    masks = [masks_of(line, standard) for line in lines]
    rhymed_costs = 1 if borrows else FAULT * bool(first) + 2 * (not masks[0].level >> last & 1)
    best = fit(masks, width, strictness, form.openings, rhymed_costs, int(rhyme in feet[0]))
    rhymed = [number for number, line in enumerate(best) if line.kind[0].isupper()]
    # 3) List the faults of tones and of rhymes, in the order of their positions.
    faults = [
        (number, 1, _rule(line.kind, number, 1, width)[0])
        for number, line in enumerate(best)
        if line.turned
    ]
    for number, place in _places(line.misfits for line in best):
        able = {"P": masks[number].level, "Z": masks[number].oblique, ".": -1}
        rule, tones = _rule(best[number].kind, number, place, width)
        if all(able[tone] >> width - 5 + at & 1 for at, tone in enumerate(tones)):
            faults.append((number, place, rule))
    if first and not borrows and 0 in rhymed:
        faults.append((0, last, first))
    before: set[str] = set()
    for number in rhymed:
        if number and off[number]:
            faults.append((number, last, "出韻"))
        elif lines[number][-1] in before:
            faults.append((number, last, "重韻"))
        before.add(lines[number][-1])
    faults.sort(key=lambda fault: fault[:2])
    # 4) Collect the notes on rhymes and on bent and rescued lines, and the doubts.
    notes = [*_rhyme_notes(lines, rhymed, rhyme, standard, borrows=borrows and 0 in rhymed)]
    for number, line in enumerate(best, 1):
        if line.kind == "a'":
            notes.append(Note("rescue", line=number + 1, has=number))
        elif line.pattern.rule in BENT:
            notes.append(Note("bent", rule=line.pattern.rule, line=number, position=width - 2))
    violations = tuple(
        Violation.at(rule, lines, number, place, standard) for number, place, rule in faults
    )
    if faults == [(2, 1, "失黏")] and len(lines) == FEWEST_LINES:
        notes.append(Note("broken_waist", name="折腰體"))
    doubts = tuple(_doubts(best, masks, lines, strictness, standard))
    template = opening_name(width, best[0].kind[0])
    judged = form.name, template, rhyme, strictness, lines, violations, tuple(notes), doubts
    return Verdict(*judged, standard.name, tuple(line.kind for line in best))


def _exchange(feet: Sequence[Groups], standard: Standard) -> str:
    """Name the scheme of four rhymes in two neighboring groups: 進退格 for ABAB, 轆轤格 for AABB, "" for any other."""
    ways = (
        {"進退格": (feet[::2], feet[1::2]), "轆轤格": (feet[:2], feet[2:])}
        if len(feet) == 4
        else {}
    )
    for name, parts in ways.items():
        one, other = (frozenset.intersection(*part) for part in parts)
        if any(
            standard.groups[group].tone == LEVEL and other & standard.neighbours[group]
            for group in one
        ):
            return name
    return ""


def _places(masks: Iterable[int]) -> list[tuple[int, int]]:
    """Return the line number and the position of each bit that is set, given one mask per line."""
    return [
        (n, at)
        for n, mask in enumerate(masks)
        if mask
        for at in range(mask.bit_length())
        if mask >> at & 1
    ]


def _rule(kind: str, number: int, place: int, width: int) -> tuple[str, str]:
    """Return the rule that a wrong tone at `place` in line `number` breaks, and that rule's tones in `_RULES` or ""."""
    if place == 1:
        return "失黏" if number and number % 2 == 0 else "失對", ""
    return (
        ("仄腳", "")
        if place == width - 1
        else _RULES.get((kind[0], place - (width - 5)), ("失對", ""))
    )


def _rhyme_notes(
    lines: Sequence[str],
    rhymed: Sequence[int],
    rhyme: str | None,
    standard: Standard,
    *,
    borrows: bool,
) -> Iterator[Note]:
    """Yield notes that explain faulty rhymes, and notes on rhymes that are allowed but that poets avoid."""
    feet = [standard.rhymes(line[-1]) for line in lines]
    if borrows:
        rare = not feet[0] & set(standard.lenders(rhyme or ""))
        code = "rare_neighbour_rhyme" if rare else "neighbour_rhyme"
        yield Note(code, line=1, wanted=rhyme, has=sorted(feet[0]), rare=rare)
    even = range(1, len(lines), 2)
    off = [number for number in even if feet[number] and rhyme not in feet[number]]
    if off and rhyme is not None and standard.groups[rhyme].tone == LEVEL:
        if off == [even[-1]] and len(even) > 1 and feet[even[-1]] & standard.neighbours[rhyme]:
            yield Note("stray_last", line=even[-1] + 1, wanted=rhyme)
        elif name := _exchange([feet[number] for number in even], standard):
            yield Note("named_rhyme", name=name)
        elif 2 * len(off) >= len(even):
            yield Note("suspects", has=[f"{lines[number][-1]} ({number + 1})" for number in even])
    for number in rhymed:
        foot = lines[number][-1]
        if rhyme in feet[number] and standard.is_rare_rhyme(foot, rhyme):
            times, total = rhyme_counts(foot).get(rhyme, 0), sum(rhyme_counts(foot).values())
            yield Note(
                "rare_rhyme", line=number + 1, has=foot, wanted=rhyme, times=times, total=total
            )
    first_lines: dict[str, int] = {}
    for number in rhymed:
        foot = lines[number][-1]
        for other in (other for other in variants(foot) if other in first_lines):
            yield Note(
                "one_word", line=first_lines[other], has=other, other_line=number + 1, other=foot
            )
        first_lines.setdefault(foot, number + 1)


def _doubts(
    best: Sequence[FittedLine],
    masks: Sequence[Masks],
    lines: Sequence[str],
    strictness: str,
    standard: Standard,
) -> Iterator[Note]:
    """Yield a note on each rare reading that the fit requires, with the rule that the usual reading would violate."""
    width = len(lines[0])
    for number, place in _places(line.rare for line in best):
        line, character = best[number], lines[number][place]
        usual = Masks(*masks[number][2:], *masks[number][2:])
        at = fitted(line.kind, width, strictness, usual).misfits.bit_length() - 1
        side = LEVEL if line.pattern.level >> place & 1 else OBLIQUE
        word, needed = standard.words.word_at(lines[number], place), standard.read(character).needed
        why: dict[str, Parameter] = (
            {"word": word} if word else {"times": needed[side], "total": sum(needed.values())}
        )
        why |= {"has": character, "wanted": side, "rule": _rule(line.kind, number, at, width)[0]}
        code, other = "word_reading" if word else "rare_reading", lines[number][at]
        yield Note(code, line=number + 1, position=place + 1, other=other, **why)


def judge_old_style(
    lines: tuple[str, ...], form: Form, strictness: str, standard: Standard
) -> Verdict:
    """Judge lines of five or seven characters by their rhymes alone.

    The even lines rhyme in a level or oblique tone. Neighboring groups may mix, the rhyme may
    change, and odd lines may rhyme too.
    """
    feet = [standard.rhymes(line[-1]) for line in lines]
    # 1) An even line must rhyme with the even line before or after it or with the first line of its
    # couplet.
    violations = []
    for number in range(1, len(lines), 2) if len(lines) > 2 else ():
        others = [
            other for other in (number - 2, number + 2, number - 1) if 0 <= other < len(lines)
        ]
        if not any(standard.neighbour_rhyme(feet[number], feet[other]) for other in others):
            violations.append(Violation.at("出韻", lines, number, form.width - 1, standard))
    # 2) Find the rhyme group of the even lines, or the neighbouring groups that they mix; None if
    # the rhyme changes.
    even, rhyme = feet[1::2], standard.shared_group(feet[1::2])
    if rhyme is not None and not all(not foot or rhyme in foot for foot in even):
        near = frozenset().union(*even) & standard.neighbours[rhyme]
        rhyme = standard.joined(near) if all(not foot or foot & near for foot in even) else None
    notes = () if rhyme or violations else (Note("rhyme_changes"),)
    return Verdict(
        form.name, None, rhyme, strictness, lines, tuple(violations), notes, standard=standard.name
    )


def quatrain_note(lines: Sequence[str], rhyme: str | None, standard: Standard) -> Note:
    """Return a note that names a quatrain: 仄韻律絕 if it keeps the tone patterns with an oblique rhyme, else 古絕."""
    fitting = []
    for line, kinds in zip(lines, ("acBD", "ac", "BD", "ac"), strict=True):
        # A line keeps the pattern of a type if it has no fault and ends in the tone of that type.
        masks, last = masks_of(line, standard), 1 << len(line) - 1
        ends = [kind for kind in kinds if last & (masks.level if kind.isupper() else masks.oblique)]
        fitting.append(
            [kind for kind in ends if fitted(kind, len(line), CUSTOMARY, masks).cost < FAULT]
        )
    ways = product(*fitting)
    kept = any(
        is_opposed(a, b) and not is_opposed(b, c) and is_opposed(c, d) for a, b, c, d in ways
    )
    if {standard.groups[name].side for name in rhyme or ""} == {OBLIQUE} and kept:
        return Note("oblique_regulated", name="仄韻律絕")
    return Note("old_quatrain", name="古絕")
