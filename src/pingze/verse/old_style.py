"""Judge old-style verse 古體, which has no template, only a rhyme; name its quatrains: 古絕, 仄韻律絕.

Even lines rhyme, level or oblique; neighbouring groups mix; the rhyme may change, and every line may rhyme.
"""

from collections.abc import Sequence
from itertools import product

from pingze.verse.forms import Form
from pingze.verse.patterns import CUSTOMARY, is_opposed
from pingze.verse.rhyme import chime, names, shared_group
from pingze.verse.rhyme_groups import GROUPS, OBLIQUE
from pingze.verse.scansion import FAULT, fitted, masks_of
from pingze.verse.tones import groups
from pingze.verse.verdict import Note, Verdict, Violation


def judge(lines: tuple[str, ...], form: Form, strictness: str) -> Verdict:
    """Judge lines of five or seven characters by their rhymes alone."""
    feet = [groups(line[-1]) for line in lines]
    # 1) An even line rhymes with the one before or after or its couplet's first line, or is the only one.
    alone = [
        number
        for number in range(1, len(lines), 2)
        if len(lines) > 2
        and not any(
            chime(feet[number], feet[other])
            for other in (number - 2, number + 2, number - 1)
            if 0 <= other < len(lines)
        )
    ]
    violations = tuple(Violation.at("出韻", lines, number, form.width - 1) for number in alone)
    # 2) The group of all even lines, or the neighbours that they mix, as 支微; None where the rhyme changes.
    even, rhyme = feet[1::2], shared_group(feet[1::2])
    if rhyme is not None and not all(not foot or rhyme in foot for foot in even):
        near = {name for name in frozenset().union(*even) if chime(frozenset(rhyme), frozenset(name))}
        rhyme = names(near) if all(chime(frozenset(rhyme), foot) for foot in even) else None
    notes = () if rhyme or violations else (Note("rhyme_changes"),)
    return Verdict(form.name, None, rhyme, strictness, lines, violations, notes)


def quatrain_note(lines: Sequence[str], rhyme: str | None) -> Note:
    """Name a quatrain: 仄韻律絕 has lines of regulated verse, 對 and 黏, and an oblique rhyme."""
    ends = ("acBD", "ac", "BD", "ac")
    kinds = [[kind for kind in every if _can_be(line, kind)] for line, every in zip(lines, ends, strict=True)]
    ways = product(*kinds)
    kept = any(is_opposed(a, b) and not is_opposed(b, c) and is_opposed(c, d) for a, b, c, d in ways)
    if {GROUPS[name].side for name in rhyme or ""} == {OBLIQUE} and kept:
        return Note("oblique_regulated", name="仄韻律絕")
    return Note("old_quatrain", name="古絕")


def _can_be(line: str, kind: str) -> bool:
    """Whether a line can be of a type of regulated verse, its last character included."""
    masks = masks_of(line)
    last = (masks.level if kind.isupper() else masks.oblique) >> len(line) - 1
    return bool(last & 1) and fitted(kind, False, len(line), CUSTOMARY, masks)[0] < FAULT
