"""Judge couplets 對聯: two lines of one length, with opposite tones at the positions of their rhythm."""

from collections.abc import Sequence

from pingze.verse.forms import COUPLET, COUPLET_WIDTHS
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE
from pingze.verse.scansion import fit, masks_of
from pingze.verse.standard import Standard
from pingze.verse.verdict import Note, Verdict, Violation, shape_note


def parts_of(size: int) -> tuple[int, ...]:
    """Return the usual part lengths of a line: 4 + 4, 4 + 5, 5 + 5, 7 + 4 for 8 to 11 characters, else one part."""
    return {8: (4, 4), 9: (4, 5), 10: (5, 5), 11: (7, 4)}.get(size, (size,))


def rhythm(parts: Sequence[int]) -> list[int]:
    """List the positions, from 0, at which two lines need opposite tones: the 2nd, 4th ... and last of each part."""
    places: set[int] = set()
    start = 0
    for size in parts:
        places.update(range(start + 1, start + size, 2))
        start += size
        places.add(start - 1)
    return sorted(places)


def judge(lines: tuple[str, ...], level: str, standard: Standard) -> Verdict:
    """Judge the tones and repetitions of a couplet.

    The first half of `lines` is the upper line, the rest the lower.
    """
    # 1) The shape: marks divide both lines into parts of the same lengths.
    half = len(lines) // 2
    upper = "".join(lines[:half])
    lower = "".join(lines[half:])
    upper_parts = [len(line) for line in lines[:half]]
    lower_parts = [len(line) for line in lines[half:]]
    if upper_parts != lower_parts or len(upper) not in COUPLET_WIDTHS:
        return _misshapen(lines, level, standard)
    couplet = (upper, lower)
    # 2) The tones: an unknown character, or one that can have both tones, fits. A fault is a line
    # (0 or 1), a position from 0, and a rule.
    last = len(upper) - 1
    upper_tones = [standard.tones(character) for character in upper]
    lower_tones = [standard.tones(character) for character in lower]
    faults = set()
    if upper_tones[last] == {LEVEL}:
        faults.add((0, last, "聯腳"))
    if lower_tones[last] == {OBLIQUE}:
        faults.add((1, last, "聯腳"))
    is_undivided = half == 1
    parts = parts_of(len(upper)) if is_undivided else upper_parts
    opposed_places = rhythm(parts)
    if is_undivided and _is_of_regulated_verse(couplet, level, standard):
        opposed_places = []  # regulated verse allows 特拗 and 拗救, which change these tones
    for place in opposed_places:
        has_one_tone = len(upper_tones[place]) == 1
        same = has_one_tone and upper_tones[place] == lower_tones[place]
        if same and place < last:  # the last characters are judged above
            faults.add((1, place, "失對"))
    # 3) The repetitions: a line may repeat a character only where the other line repeats one too,
    # and the lines may share a character only at the same position.
    for place, (above, below) in enumerate(zip(upper, lower, strict=True)):
        # `index` finds the first position of a character: an earlier one if it is repeated
        repeats_alone = upper.index(above) != lower.index(below)
        shared_elsewhere = below != above and below in upper
        if repeats_alone or shared_elsewhere:
            faults.add((1, place, "重字"))
    violations = []
    for number, place, rule in sorted(faults):
        violations.append(Violation.at(rule, couplet, number, place, standard))
    notes = [shape_note(couplet)]
    name = {5: "五", 7: "七"}.get(len(upper))
    if name:
        notes.append(Note("couplet_or_half", width=len(upper), has=[name + "絕", name + "律"]))
    return _verdict(couplet, violations, notes, level, standard)


def _is_of_regulated_verse(couplet: Sequence[str], level: str, standard: Standard) -> bool:
    """Return whether two lines of five or seven characters are a couplet of regulated verse without a fault."""
    width = len(couplet[0])
    if width not in (5, 7):
        return False
    masks = [masks_of(line, standard) for line in couplet]
    # the two openings whose first line does not rhyme, as the upper line of a couplet
    fitted = fit(masks, width, level, ["aB", "cD"], rhymed=0)
    return not any(line.misfits or line.turned for line in fitted)


def _misshapen(lines: tuple[str, ...], level: str, standard: Standard) -> Verdict:
    """Return the verdict on lines that do not have the shape of a couplet."""
    rule = "句數"
    place = 0
    if len(lines) == 2:
        rule = "字數"
        # the first position at which only one line has a character, or a couplet has none
        place = min(len(lines[0]), len(lines[1]), COUPLET_WIDTHS[-1])
    # the fault stands in the lower line; if there is no line at all, the upper one is missing
    number = 1 if lines else 0
    fault = Violation.at(rule, lines, number, place, standard)
    widths_note = Note("not_couplet", least=COUPLET_WIDTHS[0], most=COUPLET_WIDTHS[-1])
    return _verdict(lines, [fault], [shape_note(lines), widths_note], level, standard)


def _verdict(
    lines: tuple[str, ...],
    violations: Sequence[Violation],
    notes: Sequence[Note],
    level: str,
    standard: Standard,
) -> Verdict:
    return Verdict(
        form=COUPLET,
        template=None,
        rhyme=None,
        level=level,
        lines=lines,
        violations=tuple(violations),
        notes=tuple(notes),
        standard=standard.name,
    )


def find(lines: tuple[str, ...], level: str, standard: Standard) -> Verdict | None:
    """Judge two lines of the same length as a couplet, or more lines if they are one without a fault.

    Return None for other lines.
    """
    if not lines or len(lines) % 2 != 0:
        return None
    verdict = judge(lines, level, standard)
    if verdict.judged == "shape" or (len(lines) > 2 and not verdict.ok):
        return None
    return verdict
