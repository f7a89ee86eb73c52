"""Suggest characters that correct a fault."""

from collections.abc import Callable, Mapping
from functools import cache

from pingze.files import table
from pingze.verse.checking import check
from pingze.verse.forms import COUPLET, Layout, find_form
from pingze.verse.rhyme_book import rhyme_counts
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE
from pingze.verse.standard import PINGSHUI, STANDARDS, Standard
from pingze.verse.verdict import RHYME_RULES, SHAPE_RULES, Verdict, Violation

Neighbours = Callable[[str, str], Mapping[str, int]]
"""A function that takes two characters and counts those between them in verse; "" is the start or end of a line."""


def suggest(
    verdict: Verdict, violation: Violation, *, neighbours: Neighbours | None = None, limit: int = 8
) -> tuple[str, ...]:
    """Return at most `limit` characters that correct a violation without causing another.

    Characters that verse often has between the same neighbors come first. The others are sorted by
    frequency among Tang rhymes (for a fault of rhyme) or in Tang verse. If `neighbours` is None,
    all characters are sorted this way. Characters that the poem already has are excluded. Return ()
    if no single character helps, for example if the poem has one line too many.
    """
    if violation.rule in SHAPE_RULES:
        return ()
    # 1) List the candidates, most frequent first. For a fault of rhyme, they are the characters of
    # the poem's rhyme group, or of its most frequent group if it has several. Otherwise, they are
    # all level and all oblique characters.
    by = STANDARDS[verdict.standard]
    tune = find_form(verdict.form).tune if verdict.form not in (None, COUPLET) else None
    if tune and violation.rule == "疊句":
        place = Layout(map(len, verdict.lines)).places(violation.line - 1)[violation.position - 1]
        return ("".join(verdict.lines)[tune.echoes[place]],)
    if violation.rule in RHYME_RULES and tune:
        wanted = tune.lines[violation.line - 1]
        part = (verdict.rhyme or "").split("、")[wanted.rhyme or 0]
        pools = [_of_part(part, by.parts.class_in(part, wanted.kind), by)]
    elif violation.rule in RHYME_RULES:
        feet = [by.rhymes(line[-1]) for line in verdict.lines[1::2]]
        group = verdict.rhyme if verdict.rhyme in by.groups else by.shared_group(feet)
        pools = (
            [tuple(c for c in by.rhyme_characters(group) if by.is_practised(c, group))]
            if group
            else []
        )
    else:
        pools = [_of_tone(LEVEL, by), _of_tone(OBLIQUE, by)]
    # 2) Take the first list whose first character corrects the fault, and sort it by the
    # neighbours.
    line, place = verdict.lines[violation.line - 1], violation.position - 1
    written = {*"".join(verdict.lines)}
    for pool in pools:
        if not (fitting := [character for character in pool if character not in written]):
            continue
        mended = list(verdict.lines)
        mended[violation.line - 1] = line[:place] + fitting[0] + line[place + 1 :]
        after = check("\n".join(mended), form=verdict.form, level=verdict.level, standard=by.name)
        if len(after.violations) < len(verdict.violations):
            before = line[place - 1 : place] if place else ""
            beside = neighbours(before, line[place + 1 : place + 2]) if neighbours else {}
            return tuple(sorted(fitting, key=lambda character: -beside.get(character, 0))[:limit])
    return ()


@cache
def _of_part(part: str, kind: str, standard: Standard) -> tuple[str, ...]:
    """Return the characters that rhyme in a part and class (平, 仄 or 入) of 詞, most frequent in Tang rhymes first."""
    times = {
        character: sum(rhyme_counts(character).values())
        for group in standard.groups
        for character in standard.rhyme_characters(group)
        if (part, kind) == (standard.parts.of(character, group), standard.parts.class_of(group))
        and standard.is_practised(character, group)
    }
    return tuple(sorted(times, key=lambda character: -times[character]))


@cache
def _of_tone(side: str, standard: Standard) -> tuple[str, ...]:
    """Return the characters of Tang verse whose `usable_tone` is `side`, the most frequent first."""
    used = {c: PINGSHUI.row(c).used for c in table("characters")}
    found = (c for c in used if used[c] and standard.usable_tone(c) == side)
    return tuple(sorted(found, key=lambda c: (-used[c], c)))
