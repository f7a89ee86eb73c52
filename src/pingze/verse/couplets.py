"""Judge couplets 對聯: two lines of one length, with opposite tones at the positions of their rhythm."""

from collections.abc import Sequence

from pingze.verse.forms import COUPLET, COUPLET_WIDTHS
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE
from pingze.verse.scansion import fit, masks_of
from pingze.verse.standard import Standard
from pingze.verse.verdict import Note, Verdict, Violation, shape_note

OPPOSITE = {LEVEL: OBLIQUE, OBLIQUE: LEVEL}


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
    # 1) The shape.
    half = len(lines) // 2
    upper = "".join(lines[:half])
    lower = "".join(lines[half:])
    parts = [len(line) for line in lines[:half]]
    if parts != [len(line) for line in lines[half:]] or len(upper) not in COUPLET_WIDTHS:
        return _misshapen(lines, level, standard)
    couplet = (upper, lower)
    # 2) The tones: an unknown character, or one that can have both tones, fits.
    last = len(upper) - 1
    upper_tones = [standard.tones(character) for character in upper]
    lower_tones = [standard.tones(character) for character in lower]
    faults = set()
    if upper_tones[last] == {LEVEL}:
        faults.add((0, last, "聯腳"))
    if lower_tones[last] == {OBLIQUE}:
        faults.add((1, last, "聯腳"))
    points = rhythm(parts if half > 1 else parts_of(len(upper)))
    if half == 1 and _is_of_regulated_verse(couplet, level, standard):
        points = []  # 特拗 and 拗救 change the tones at these positions
    for place in points:
        same = upper_tones[place] == lower_tones[place] and len(upper_tones[place]) == 1
        if same and place < last:
            faults.add((1, place, "失對"))
    # 3) The repetitions: the lines repeat at the same places, and share a character at most at one
    # place.
    for place, (above, below) in enumerate(zip(upper, lower, strict=True)):
        # a character that repeats an earlier one, but not where the other line does too
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
    fitted = fit(masks, width, level, ["aB", "cD"], rhymed=0)
    return not any(line.misfits or line.turned for line in fitted)


def _misshapen(lines: tuple[str, ...], level: str, standard: Standard) -> Verdict:
    """Return the verdict on lines that do not have the shape of a couplet."""
    rule = "句數"
    place = 0
    if len(lines) == 2:
        rule = "字數"
        place = min(len(lines[0]), len(lines[1]), COUPLET_WIDTHS[-1])
    # at the lower line; no lines at all lack the upper one
    number = 1 if lines else 0
    fault = Violation.at(rule, lines, number, place, standard)
    wanted = Note("not_couplet", least=COUPLET_WIDTHS[0], most=COUPLET_WIDTHS[-1])
    return _verdict(lines, [fault], [shape_note(lines), wanted], level, standard)


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
    """Judge two lines of the same length, or more lines without a fault, as a couplet.

    Return None for other lines.
    """
    if not lines or len(lines) % 2 != 0:
        return None
    verdict = judge(lines, level, standard)
    if verdict.judged == "shape" or (len(lines) > 2 and not verdict.ok):
        return None
    return verdict
