"""Judge 詞 by the pattern of a tune, and find the tune that a 詞 fits.

A character breaks the pattern (失律) where nearly all pieces of the tune have the other tone. A line that rhymes in
nearly all of them must rhyme with the other lines of its rhyme, in one part of 詞林正韻 or, as in 詩, in one group
(出韻). A line that repeats another in nearly all of them must do so (疊句).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from pingze.verse.ci_rhyme import Rhyme, ci_rhymes, class_of, kind_in
from pingze.verse.forms import Form, tune_form
from pingze.verse.patterns import SIDES
from pingze.verse.rhyme_groups import Standard
from pingze.verse.tones import groups, sides
from pingze.verse.tunes import Tune, by_size, find_tune, shapes_of, tunes
from pingze.verse.verdict import Note, Verdict, Violation

_NEAREST = 3
_MOST_FAULTS = 8
"""A 詞 is to the tune that it fits best if it has at most one fault in this many characters."""


def judge(lines: Sequence[str], form: Form, strictness: str, standard: Standard) -> Verdict:
    """Judge lines that have the shape of a tune by its pattern and by the part that most lines of each rhyme share."""
    tune = form.tune
    assert tune is not None, "only a tune's form comes here"
    lines = form.cut(lines) or ()
    found = [ci_rhymes(line[-1], standard) for line in lines]
    parts = [_part(tune, number, found, standard) for number in range(len(tune.rhymes(standard)))]
    one_group = [_share_group(tune, number, lines, standard) for number in range(len(parts))]
    faults: list[tuple[int, int, str]] = []
    for number, (line, wanted) in enumerate(zip(lines, tune.lines, strict=True)):
        # 1) The tones, and the rhyme.
        for place, (character, tone) in enumerate(zip(line, wanted.tones, strict=True)):
            side = SIDES.get(tone)
            rhymes = wanted.rhyme is not None and place == len(line) - 1
            if side and not rhymes and (can_be := sides(character, standard)) and side not in can_be:
                faults.append((number, place, "失律"))
        if wanted.rhyme is not None and found[number] and not one_group[wanted.rhyme]:
            part = parts[wanted.rhyme]
            if (part, kind_in(part, wanted.kind, standard)) not in found[number]:
                faults.append((number, len(line) - 1, "出韻"))
        # 2) The repeated line.
        before = "".join(lines[:number])[-len(line) :]
        if wanted.repeats and line != before:
            faults.append((number, next(n for n in range(len(line)) if line[n] != before[n]), "疊句"))
    violations = tuple(Violation.at(rule, lines, number, place, standard) for number, place, rule in sorted(faults))
    rhyme = "、".join(parts)
    return Verdict(form.name, None, rhyme, strictness, tuple(lines), violations, (), standard=standard.name)


def _share_group(tune: Tune, rhyme: int, lines: Sequence[str], standard: Standard) -> bool:
    """Return whether all lines of a rhyme can rhyme in one group of the standard, of the class that they need."""
    of_rhyme = [(line, wanted) for line, wanted in zip(lines, tune.lines, strict=True) if wanted.rhyme == rhyme]
    feet = [foot for line, _ in of_rhyme if (foot := groups(line[-1], standard))]
    shared = frozenset.intersection(*feet) if feet else frozenset()
    able = [{"仄": "仄入"}.get(wanted.kind, wanted.kind) for _, wanted in of_rhyme]
    return any(all(class_of(name, standard) in kinds for kinds in able) for name in shared)


def _part(tune: Tune, rhyme: int, found: Sequence[frozenset[Rhyme]], standard: Standard) -> str:
    """Return the part in which most lines of a rhyme can rhyme, the first one in a tie."""
    times = Counter(
        part
        for line, rhymes in zip(tune.lines, found, strict=True)
        for part in (tune.rhymes(standard)[rhyme] if line.rhyme == rhyme else ())
        if (part, kind_in(part, line.kind, standard)) in rhymes
    )
    return max(tune.rhymes(standard)[rhyme], key=lambda part: times[part])


def find(lines: Sequence[str], named: Tune | None, strictness: str, standard: Standard) -> Verdict | None:
    """Judge lines by the tune that they fit best; None if they fit none.

    Args:
        lines: The lines of a text.
        named: The tune that the text's heading names; None if it names none.
        strictness: How strictly the text is judged.
        standard: How characters are read.
    """
    shapes = shapes_of(named) if named else by_size().get(len("".join(lines)), [])
    verdicts = list(_verdicts(lines, shapes, strictness, standard))
    if not verdicts:
        return None
    best = verdicts[0]
    if not named and _MOST_FAULTS * len(best.violations) > len("".join(lines)):
        return None
    most = len(best.violations) + 1
    others = [str(verdict.form) for verdict in verdicts[1:_NEAREST] if len(verdict.violations) <= most]
    return replace(best, notes=tuple(Note("tunes_also", has=others) for _ in others[:1]))


def _verdicts(lines: Sequence[str], shapes: Iterable[Tune], strictness: str, standard: Standard) -> Iterator[Verdict]:
    """Judge lines by each of the shapes that they have, and yield the verdict with the fewest faults first."""
    forms = [tune_form(shape) for shape in shapes]
    verdicts = [judge(lines, form, strictness, standard) for form in forms if form.cut(lines)]
    order = list(tunes())
    yield from sorted(verdicts, key=lambda verdict: (len(verdict.violations), order.index(str(verdict.form))))


def best_shape(lines: Sequence[str], form: Form, strictness: str, standard: Standard) -> Form:
    """Return the form of the shape of a tune that lines fit best; the given form if they have none of its shapes."""
    if form.tune is None or "·" in form.name:
        return form
    found = next(_verdicts(lines, shapes_of(form.tune), strictness, standard), None)
    return tune_form(tunes()[str(found.form)]) if found else form


def named_tune(headings: Iterable[str]) -> Tune | None:
    """Return the tune whose name a heading begins with, the longest name in doubt."""
    for heading in headings:
        first = heading.strip("《》〈〉「」【】 　")
        for size in range(min(len(first), 8), 1, -1):
            if tune := find_tune(first[:size]):
                return tune
    return None


def nearest(lines: Sequence[str]) -> list[str]:
    """Return the tunes, three at most, whose line lengths differ least from those of a text; [] if none is near."""
    widths, most, found = [*map(len, lines)], max(1, len(lines) // 4), list[tuple[int, str]]()
    count, size = [*map(widths.count, range(1 + max(widths, default=0)))], len(widths)
    for tune in tunes().values():
        # Two sequences differ at least in the lines of the longer one that have no equal in the other.
        if (
            abs(size - len(tune.widths)) <= most
            and max(size, len(tune.widths)) - sum(map(min, count, tune.counts)) <= most
        ):
            found.append((_distance(widths, tune.widths), tune.name))
    found.sort(key=lambda each: each[0])
    return [name for cost, name in found[:_NEAREST] if cost <= most]


def _distance(one: Sequence[int], other: Sequence[int]) -> int:
    """Return the number of lines to add, remove or change to turn one sequence of widths into another."""
    row = list(range(len(other) + 1))
    for n, width in enumerate(one, 1):
        before, row[0] = row[0], n
        for m, wanted in enumerate(other, 1):
            before, row[m] = row[m], min(row[m] + 1, row[m - 1] + 1, before + (width != wanted))
    return row[-1]
