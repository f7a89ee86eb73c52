"""Suggest characters that mend a fault."""

from collections.abc import Callable, Mapping
from functools import cache

from pingze.verse.character_table import entry
from pingze.verse.check import check
from pingze.verse.rhyme import practised, rhyme_characters, shared_group
from pingze.verse.rhyme_groups import GROUPS, LEVEL, OBLIQUE
from pingze.verse.rules import RHYME_RULES, SHAPE_RULES
from pingze.verse.tables import table
from pingze.verse.tones import groups, usable_tone
from pingze.verse.verdict import Verdict, Violation

Neighbours = Callable[[str, str], Mapping[str, int]]
"""Given the characters before and after ("" at a line's ends), how often others are between them in verse."""


def suggest(
    verdict: Verdict, violation: Violation, *, neighbours: Neighbours | None = None, limit: int = 8
) -> tuple[str, ...]:
    """Characters that mend a violation and make no other, those first that verse has beside these neighbours.

    Where `neighbours` is not given or does not know them, the order is how often Tang verse has a character, or
    rhymes on it. None is in the poem already. () where no one character helps: a line whose tones are all turned,
    a line too many.
    """
    if violation.rule in SHAPE_RULES:
        return ()
    # 1) Characters in the order of use: those of the poem's rhyme (of verse that mixes several, the rhyme of most
    # feet), or of one tone.
    if violation.rule in RHYME_RULES:
        feet = [groups(line[-1]) for line in verdict.lines[1::2]]
        group = verdict.rhyme if verdict.rhyme in GROUPS else shared_group(feet)
        pools = [tuple(c for c in rhyme_characters(group) if practised(c, group))] if group else []
    else:
        pools = [_of_tone(LEVEL), _of_tone(OBLIQUE)]
    # 2) Those of the first list whose first character mends the place, by their neighbours.
    line, place = verdict.lines[violation.line - 1], violation.position - 1
    for pool in pools:
        fitting = [character for character in pool if character not in "".join(verdict.lines)]
        if not fitting:
            continue
        mended = list(verdict.lines)
        mended[violation.line - 1] = line[:place] + fitting[0] + line[place + 1 :]
        after = check("\n".join(mended), form=verdict.form, level=verdict.level)
        if len(after.violations) < len(verdict.violations):
            before = line[place - 1 : place] if place else ""
            beside = neighbours(before, line[place + 1 : place + 2]) if neighbours else {}
            return tuple(sorted(fitting, key=lambda character: -beside.get(character, 0))[:limit])
    return ()


@cache
def _of_tone(side: str) -> tuple[str, ...]:
    """The characters of one usable tone that Tang verse has, the most used first."""
    found = {c: held.count for c in table("characters") if (held := entry(c)) and held.count}
    return tuple(sorted((c for c in found if usable_tone(c) == side), key=lambda c: (-found[c], c)))
