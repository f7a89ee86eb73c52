"""What would fit in place of a faulty character."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache

from pingze.verse.character_table import entry, rows
from pingze.verse.check import check
from pingze.verse.rhyme import rhyme_characters, shared_group
from pingze.verse.rhyme_groups import GROUPS, LEVEL, OBLIQUE
from pingze.verse.rhyme_usage import practised
from pingze.verse.rules import RHYME_RULES, SHAPE_RULES
from pingze.verse.tones import groups, usable_tone
from pingze.verse.verdict import Verdict, Violation

Neighbours = Callable[[str, str], Mapping[str, int]]
"""Given the characters before and after ("" at a line's ends), how often others stand beside them in verse."""


def suggest(
    verdict: Verdict, violation: Violation, *, neighbours: Neighbours | None = None, limit: int = 8
) -> tuple[str, ...]:
    """Characters that mend a violation and make no other, those first that verse has beside these neighbours.

    Where `neighbours` is not given or does not know them, the order is how often Tang verse has a character, or
    rhymes on it. None stands in the poem already. () where no one character helps: a line whose tones are all turned,
    a line too many.
    """
    if violation.rule in SHAPE_RULES:
        return ()
    for pool in _pools(verdict, violation):
        fitting = [character for character in pool if character not in "".join(verdict.lines)]
        if fitting and _mends(verdict, violation, fitting[0]):
            return tuple(_ranked(fitting, verdict, violation, neighbours)[:limit])
    return ()


def _pools(verdict: Verdict, violation: Violation) -> Iterable[Sequence[str]]:
    """Lists of characters, one of which may hold what the place needs, each in the order of use."""
    if violation.rule not in RHYME_RULES:
        return map(_of_tone, (LEVEL, OBLIQUE))
    group = verdict.rhyme if verdict.rhyme in GROUPS else _shared(verdict)
    return [[c for c in rhyme_characters(group) if practised(c, group)]] if group else []


def _shared(verdict: Verdict) -> str | None:
    """The group of most feet of verse that mixes several."""
    return shared_group([groups(line[-1]) for line in verdict.lines[1::2]])


@cache
def _of_tone(side: str) -> tuple[str, ...]:
    """The characters of one usable tone, the most used in Tang verse first."""
    found = [character for character in rows() if usable_tone(character) == side and _is_used(character)]
    return tuple(sorted(found, key=lambda character: (-_count(character), character)))


def _is_used(character: str) -> bool:
    return _count(character) > 0


def _count(character: str) -> int:
    found = entry(character)
    return found.count if found else 0


def _mends(verdict: Verdict, violation: Violation, character: str) -> bool:
    """Whether the poem has fewer violations with the character in that place."""
    line = verdict.lines[violation.line - 1]
    changed = line[: violation.position - 1] + character + line[violation.position :]
    lines = (*verdict.lines[: violation.line - 1], changed, *verdict.lines[violation.line :])
    after = check("\n".join(lines), form=verdict.form, level=verdict.level)
    return len(after.violations) < len(verdict.violations)


def _ranked(
    fitting: list[str], verdict: Verdict, violation: Violation, neighbours: Neighbours | None
) -> list[str]:
    if neighbours is None:
        return fitting
    line, place = verdict.lines[violation.line - 1], violation.position - 1
    beside = neighbours(line[place - 1 : place] if place else "", line[place + 1 : place + 2])
    return sorted(fitting, key=lambda character: -beside.get(character, 0))
