"""Judge 詞 by the pattern of a tune, and find the tune that a 詞 fits.

A pattern states what nearly all 詞 to a tune have in common. Three faults are possible: a character
has the wrong tone (失律), a line does not rhyme with the lines that it should rhyme with (出韻), or
a line does not repeat another line that it should repeat (疊句). Lines rhyme if they share one part
of 詞林正韻. As in 詩, they also rhyme if they share one rhyme group.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pingze.verse.forms import Form, tune_form
from pingze.verse.patterns import SIDES
from pingze.verse.standard import Standard
from pingze.verse.tunes import Tune, of_size, shapes_of, tunes
from pingze.verse.verdict import Note, Verdict, Violation

# lines are a 詞 to the tune that they fit best if at most one in this many characters is faulty
_MOST_FAULTS = 8


def judge(lines: Sequence[str], form: Form, strictness: str, standard: Standard) -> Verdict:
    """Judge the tones, rhymes and repeated lines of a 詞 by its tune's pattern.

    `lines` must have the tune's shape.
    """
    tune = form.tune
    assert tune is not None, "only a tune's form comes here"
    lines = form.cut(lines) or ()
    # 1) The rhymes.
    rhymes = [_rhyme(lines, tune, rhyme, standard) for rhyme in range(len(tune.rhymes(standard)))]
    faults = [(number, len(lines[number]) - 1, "出韻") for _, off in rhymes for number in off]
    for number, (line, wanted) in enumerate(zip(lines, tune.lines, strict=True)):
        # 2) The tones, except of rhyming characters.
        for place, tone in enumerate(wanted.tones if wanted.rhyme is None else wanted.tones[:-1]):
            side, can_be = SIDES.get(tone), standard.tones(line[place])
            if side and can_be and side not in can_be:
                faults.append((number, place, "失律"))
        # 3) The repeated line.
        if wanted.repeats and line != (before := "".join(lines[:number])[-len(line) :]):
            faults.append(
                (number, next(n for n in range(len(line)) if line[n] != before[n]), "疊句")
            )
    violations = tuple(
        Violation.at(rule, lines, number, place, standard) for number, place, rule in sorted(faults)
    )
    parts = "、".join(part for part, _ in rhymes)
    return Verdict(
        form.name, None, parts, strictness, tuple(lines), violations, (), standard=standard.name
    )


def _rhyme(
    lines: Sequence[str], tune: Tune, rhyme: int, standard: Standard
) -> tuple[str, list[int]]:
    """Find the part 部 in which most lines with a given rhyme can rhyme.

    Return it and the numbers of the other lines.

    `rhyme` is the index of the rhyme in the tune. Line numbers start at 0, and lines that end in an
    unknown character are ignored. No line number is returned if all lines can rhyme in one group,
    even if two parts share that group.
    """
    feet = {
        n: (line.kind, lines[n][-1]) for n, line in enumerate(tune.lines) if line.rhyme == rhyme
    }
    fitting = {
        part: [
            n
            for n, (kind, foot) in feet.items()
            if (part, standard.parts.class_in(part, kind)) in standard.parts.rhymes(foot)
        ]
        for part in tune.rhymes(standard)[rhyme]
    }
    part = max(fitting, key=lambda part: len(fitting[part]))
    known = {n: names for n, (_, foot) in feet.items() if (names := standard.rhymes(foot))}
    shared = frozenset.intersection(*known.values()) if known else frozenset[str]()
    allowed = [{"仄": "仄入"}.get(kind, kind) for kind, _ in feet.values()]
    one_group = any(
        all(standard.parts.class_of(name) in kinds for kinds in allowed) for name in shared
    )
    return part, [] if one_group else [n for n in known if n not in fitting[part]]


def find(
    lines: Sequence[str], named: Tune | None, strictness: str, standard: Standard
) -> Verdict | None:
    """Judge lines by the tune that they fit best, or return None if they fit no tune.

    `named` is the tune that the text's heading names, or None. If a tune is given, no other tune is
    tried.
    """
    size = sum(map(len, lines))
    verdicts = _verdicts(lines, shapes_of(named) if named else of_size(size), strictness, standard)
    if not verdicts or (not named and _MOST_FAULTS * len(verdicts[0].violations) > size):
        return None
    best, *others = verdicts
    near = [
        str(each.form) for each in others[:2] if len(each.violations) <= len(best.violations) + 1
    ]
    return replace(best, notes=(Note("tunes_also", has=near),) if near else ())


def _verdicts(
    lines: Sequence[str], shapes: Iterable[Tune], strictness: str, standard: Standard
) -> list[Verdict]:
    """Judge lines by each tune in `shapes` whose shape they have.

    Return the verdicts, fewest faults first.
    """
    forms = [form for form in map(tune_form, shapes) if form.cut(lines)]
    verdicts = [judge(lines, form, strictness, standard) for form in forms]
    return sorted(verdicts, key=lambda verdict: len(verdict.violations))


def best_shape(lines: Sequence[str], form: Form, strictness: str, standard: Standard) -> Form:
    """Find the shape 格 of the form's tune that `lines` fit best.

    Return that shape's form, or `form` if none fits.
    """
    shapes = shapes_of(form.tune) if form.tune and "·" not in form.name else []
    found = _verdicts(lines, shapes, strictness, standard)
    return tune_form(tunes()[str(found[0].form)]) if found else form


def nearest(lines: Sequence[str]) -> list[str]:
    """Name at most three tunes whose line lengths differ least from those of a text; [] if none is near."""
    widths, most, costs = [*map(len, lines)], max(1, len(lines) // 4), dict[str, int]()
    for tune in (tune for tune in tunes().values() if abs(len(widths) - len(tune.widths)) <= most):
        # The distance is at least the number of lines of the longer sequence without an equal in
        # the other.
        same = sum(min(widths.count(each), tune.widths.count(each)) for each in {*widths})
        if max(len(widths), len(tune.widths)) - same <= most:
            costs[tune.name] = _distance(widths, tune.widths)
    return sorted((name for name in costs if costs[name] <= most), key=lambda name: costs[name])[:3]


def _distance(one: Sequence[int], other: Sequence[int]) -> int:
    """Return the edit distance between two sequences of line widths."""
    row = list(range(len(other) + 1))
    for n, width in enumerate(one, 1):
        before, row[0] = row[0], n
        for m, wanted in enumerate(other, 1):
            before, row[m] = row[m], min(row[m] + 1, row[m - 1] + 1, before + (width != wanted))
    return row[-1]
