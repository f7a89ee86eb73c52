"""Judge couplets 對聯: two lines of one length, with opposite tones at the positions of their rhythm."""

from collections.abc import Sequence
from itertools import accumulate

from pingze.verse.forms import COUPLET, COUPLET_WIDTHS
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE
from pingze.verse.standard import Standard
from pingze.verse.verdict import Note, Verdict, Violation, shape_note

OPPOSITE = {LEVEL: OBLIQUE, OBLIQUE: LEVEL}


def parts_of(size: int) -> tuple[int, ...]:
    """Return the usual part lengths of a line: 4 + 4, 4 + 5, 5 + 5, 7 + 4 for 8 to 11 characters, else one part."""
    return {8: (4, 4), 9: (4, 5), 10: (5, 5), 11: (7, 4)}.get(size, (size,))


def rhythm(parts: Sequence[int]) -> list[int]:
    """List the positions, from 0, at which two lines need opposite tones: the 2nd, 4th ... and last of each part."""
    ends = zip(parts, accumulate(parts), strict=True)
    return sorted(
        {at for size, stop in ends for at in (*range(stop - size + 1, stop, 2), stop - 1)}
    )


def judge(lines: tuple[str, ...], level: str, standard: Standard) -> Verdict:
    """Judge the tones and repetitions of a couplet.

    The first half of `lines` is the upper line, the rest the lower.
    """
    half = len(lines) // 2
    upper, lower = couplet = "".join(lines[:half]), "".join(lines[half:])
    parts = [len(line) for line in lines[:half]]
    if parts != [len(line) for line in lines[half:]] or len(upper) not in COUPLET_WIDTHS:
        rule, at = (
            ("字數", min(*map(len, couplet), COUPLET_WIDTHS[-1]))
            if len(lines) == 2
            else ("句數", 0)
        )
        fault, notes = (
            Violation.at(rule, lines, min(1, len(lines)), at, standard),
            [shape_note(lines)],
        )
        notes.append(Note("not_couplet", least=COUPLET_WIDTHS[0], most=COUPLET_WIDTHS[-1]))
        return Verdict(
            COUPLET, None, None, level, lines, (fault,), tuple(notes), standard=standard.name
        )
    # 1) The tones: an unknown character, or one that can have both tones, fits.
    end, able = len(upper) - 1, [[standard.tones(one) for one in line] for line in couplet]
    ends = zip(able, (OBLIQUE, LEVEL), strict=True)
    faults = {
        (n, end, "聯腳") for n, (tones, tone) in enumerate(ends) if tone not in (tones[end] or tone)
    }
    points = [at for at in rhythm(parts if half > 1 else parts_of(len(upper))) if at < end]
    faults |= {
        (1, at, "失對") for at in points if able[0][at] == able[1][at] and len(able[0][at]) == 1
    }
    # 2) The repetitions: the lines repeat at the same places, and share a character at most at one
    # place.
    for at, (one, other) in enumerate(zip(upper, lower, strict=True)):
        if upper.index(one) != lower.index(other) or (one != other and other in upper):
            faults.add((1, at, "重字"))
    violations = tuple(
        Violation.at(rule, couplet, number, at, standard) for number, at, rule in sorted(faults)
    )
    notes = [shape_note(couplet)]
    if verse := {5: "五", 7: "七"}.get(len(upper)):
        notes.append(Note("couplet_or_half", width=len(upper), has=[verse + "絕", verse + "律"]))
    return Verdict(
        COUPLET, None, None, level, couplet, violations, tuple(notes), standard=standard.name
    )


def find(lines: tuple[str, ...], level: str, standard: Standard) -> Verdict | None:
    """Judge two lines of the same length, or more lines without a fault, as a couplet.

    Return None for other lines.
    """
    verdict = judge(lines, level, standard) if lines and len(lines) % 2 == 0 else None
    return (
        verdict
        if verdict and verdict.judged != "shape" and (len(lines) == 2 or verdict.ok)
        else None
    )
