"""Judge old-style verse 古體, which has no template, only a rhyme.

Even lines rhyme, level or oblique; neighbouring groups mix; the rhyme may change, and every line may rhyme.
"""

from collections.abc import Sequence

from pingze.verse.forms import Form
from pingze.verse.notes import general_notes
from pingze.verse.rhyme import Groups, chime, names, shared_group
from pingze.verse.tones import groups
from pingze.verse.verdict import Note, Verdict, Violation


def judge(lines: tuple[str, ...], form: Form, strictness: str) -> Verdict:
    """Judge lines of five or seven characters by their rhymes alone."""
    feet = [groups(line[-1]) for line in lines]
    alone = [number for number in range(1, len(lines), 2) if not _chimes(feet, number)]
    violations = tuple(Violation.at("出韻", lines, number, form.width - 1) for number in alone)
    rhyme = _rhyme(feet[1::2])
    notes = () if rhyme or violations else (Note("the rhyme changes", "rhyme_changes"),)
    return Verdict(form.name, None, rhyme, strictness, lines, violations, (*notes, *general_notes(lines)))


def _chimes(feet: Sequence[Groups], number: int) -> bool:
    """Whether an even line rhymes with the one before or after or its couplet's first line, or is the only one."""
    near = (number - 2, number + 2, number - 1)
    return len(feet) == 2 or any(chime(feet[number], feet[other]) for other in near if 0 <= other < len(feet))


def _rhyme(feet: Sequence[Groups]) -> str | None:
    """The group of all even lines, or the neighbours that they mix, as 支微; None where the rhyme changes."""
    group = shared_group(feet)
    if group is None or all(not foot or group in foot for foot in feet):
        return group
    if all(chime(frozenset({group}), foot) for foot in feet):
        return names(
            name for name in frozenset().union(*feet) if chime(frozenset({group}), frozenset({name}))
        )
    return None
