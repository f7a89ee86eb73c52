"""Judge old-style verse 古體, which has a rhyme but no template, and name its quatrains: 古絕 or 仄韻律絕.

The even lines rhyme in a level or oblique tone. Neighbouring groups may mix, the rhyme may change, and odd lines may
rhyme too.
"""

from collections.abc import Sequence
from itertools import product

from pingze.verse.forms import Form
from pingze.verse.patterns import CUSTOMARY, is_opposed
from pingze.verse.rhyme import chime, names, shared_group
from pingze.verse.rhyme_groups import OBLIQUE, Standard
from pingze.verse.scansion import FAULT, fitted, masks_of
from pingze.verse.tones import groups
from pingze.verse.verdict import Note, Verdict, Violation


def judge(lines: tuple[str, ...], form: Form, strictness: str, standard: Standard) -> Verdict:
    """Judge lines of five or seven characters by their rhymes alone."""
    feet = [groups(line[-1], standard) for line in lines]
    # 1) An even line must rhyme with the even line before or after it or with the first line of its couplet.
    alone = [
        number
        for number in range(1, len(lines), 2)
        if len(lines) > 2
        and not any(
            chime(feet[number], feet[other], standard)
            for other in (number - 2, number + 2, number - 1)
            if 0 <= other < len(lines)
        )
    ]
    violations = tuple(Violation.at("出韻", lines, number, form.width - 1, standard) for number in alone)
    # 2) Find the rhyme group of the even lines, or the neighbouring groups that they mix; None if the rhyme changes.
    even, rhyme = feet[1::2], shared_group(feet[1::2], standard=standard)
    if rhyme is not None and not all(not foot or rhyme in foot for foot in even):
        near = frozenset().union(*even) & standard.near[rhyme]
        rhyme = names(near, standard) if all(not foot or foot & near for foot in even) else None
    notes = () if rhyme or violations else (Note("rhyme_changes"),)
    return Verdict(form.name, None, rhyme, strictness, lines, violations, notes, standard=standard.name)


def quatrain_note(lines: Sequence[str], rhyme: str | None, standard: Standard) -> Note:
    """Return a note that names a quatrain: 仄韻律絕 if its rhyme is oblique and it keeps tone patterns, else 古絕."""
    ends = ("acBD", "ac", "BD", "ac")
    kinds = [[kind for kind in every if _can_be(line, kind, standard)] for line, every in zip(lines, ends, strict=True)]
    ways = product(*kinds)
    kept = any(is_opposed(a, b) and not is_opposed(b, c) and is_opposed(c, d) for a, b, c, d in ways)
    if {standard.groups[name].side for name in rhyme or ""} == {OBLIQUE} and kept:
        return Note("oblique_regulated", name="仄韻律絕")
    return Note("old_quatrain", name="古絕")


def _can_be(line: str, kind: str, standard: Standard) -> bool:
    """Return whether a line fits a type of regulated verse without a fault, including the tone of its last position."""
    masks = masks_of(line, standard)
    last = (masks.level if kind.isupper() else masks.oblique) >> len(line) - 1
    return bool(last & 1) and fitted(kind, len(line), CUSTOMARY, masks)[0] < FAULT
