"""Suggest characters that correct a fault, and couplets that correct faults by changing places."""

from collections.abc import Callable, Mapping
from functools import cache
from itertools import combinations

from pingze.files import table
from pingze.verse.checking import check
from pingze.verse.forms import COUPLET, Layout, find_form
from pingze.verse.rhyme_book import rhyme_counts
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE
from pingze.verse.standard import PINGSHUI, STANDARDS, Standard
from pingze.verse.verdict import REPEAT_RULES, RHYME_RULES, SHAPE_RULES, Verdict, Violation

Neighbours = Callable[[str, str], Mapping[str, int]]
"""A function that takes two characters and counts those between them in verse; "" is the start or end of a line."""


def suggest(
    verdict: Verdict, violation: Violation, *, neighbours: Neighbours | None = None, limit: int = 8
) -> tuple[str, ...]:
    """Return at most `limit` characters that correct a violation without causing another.

    Characters that verse often has between the same neighbours come first. The others are sorted by
    frequency among Tang rhymes (for a fault of rhyme) or in Tang verse. If `neighbours` is None,
    all characters are sorted this way. Characters that the poem already has are excluded. Return ()
    if no single character helps, for example if the poem has one line too many.
    """
    if violation.rule in SHAPE_RULES:
        return ()
    # 1) List the candidates, most frequent first. For a fault of rhyme, they are the characters of
    # the poem's rhyme group, or of its most frequent group if it has several. Otherwise, they are
    # all level and all oblique characters.
    standard = STANDARDS[verdict.standard]
    tune = None
    if verdict.form not in (None, COUPLET):  # a couplet 對聯 is not among the forms
        tune = find_form(verdict.form).tune
    layout = Layout(len(line) for line in verdict.lines)
    place_in_text = layout.places(violation.line - 1)[violation.position - 1]
    if tune and violation.rule in REPEAT_RULES:
        repeated_place = tune.echoes[place_in_text]
        return ("".join(verdict.lines)[repeated_place],)
    pools = []
    if violation.rule in RHYME_RULES and tune:
        line_of_tune = tune.lines[tune.ends.index(place_in_text + 1)]
        parts = (verdict.rhyme or "").split("、")  # one for each of the tune's rhymes
        part = parts[line_of_tune.rhyme or 0]
        part_class = standard.parts.class_in(part, line_of_tune.kind)
        pools.append(_of_part(part, part_class, standard))
    elif violation.rule in RHYME_RULES:
        group = verdict.rhyme
        if group not in standard.groups:  # none, or several
            feet = [standard.rhymes(line[-1]) for line in verdict.lines[1::2]]
            group = standard.shared_group(feet)
        if group:
            rhyming = standard.rhyme_characters(group)
            # those that poets use as rhymes of the group
            practised = [one for one in rhyming if standard.is_practised(one, group)]
            pools.append(tuple(practised))
    else:
        pools.append(_of_tone(LEVEL, standard))
        pools.append(_of_tone(OBLIQUE, standard))
    # 2) Take the first list whose first character corrects the fault, and sort it by the
    # neighbours. All characters of a list have the same tone or rhyme, so one is enough to try.
    line = verdict.lines[violation.line - 1]
    place = violation.position - 1
    written = set("".join(verdict.lines))
    for pool in pools:
        fitting = [character for character in pool if character not in written]
        if not fitting:
            continue
        mended = list(verdict.lines)
        mended[violation.line - 1] = line[:place] + fitting[0] + line[place + 1 :]
        text = "\n".join(mended)
        after = check(text, form=verdict.form, level=verdict.level, standard=standard.name)
        if len(after.violations) < len(verdict.violations):
            times: Mapping[str, int] = {}
            if neighbours is not None:
                before = line[place - 1 : place] if place else ""
                times = neighbours(before, line[place + 1 : place + 2])
            fitting.sort(key=lambda character: -times.get(character, 0))
            return tuple(fitting[:limit])
    return ()


def suggest_swaps(verdict: Verdict) -> tuple[tuple[int, int], ...]:
    """Find the couplets of a regulated poem that mend faults of tone by changing places.

    Each pair has the numbers of the first lines of two couplets, as (5, 7). Of all exchanges, those
    that leave the fewest faults are returned; () if none leaves fewer faults than there are.

    Args:
        verdict: The verdict that `check` returned.
    """
    if not verdict.kinds or verdict.ok:
        return ()
    least = len(verdict.violations) - 1  # an exchange must mend at least one fault
    found: list[tuple[int, int]] = []
    for one, other in combinations(range(0, len(verdict.lines), 2), 2):
        lines = list(verdict.lines)
        lines[one : one + 2] = verdict.lines[other : other + 2]
        lines[other : other + 2] = verdict.lines[one : one + 2]
        text = "\n".join(lines)
        after = check(text, form=verdict.form, level=verdict.level, standard=verdict.standard)
        if len(after.violations) < least:
            least = len(after.violations)
            found = []
        if len(after.violations) == least:
            found.append((one + 1, other + 1))
    return tuple(found)


@cache
def _of_part(part: str, part_class: str, standard: Standard) -> tuple[str, ...]:
    """Return the characters that rhyme in a part and class (平, 仄 or 入) of 詞, most frequent in Tang rhymes first."""
    parts = standard.parts
    times = {}
    for group in standard.groups:
        if parts.class_of(group) != part_class:
            continue
        for character in standard.rhyme_characters(group):
            in_part = parts.of(character, group) == part
            if in_part and standard.is_practised(character, group):
                times[character] = sum(rhyme_counts(character).values())
    return tuple(sorted(times, key=lambda character: -times[character]))


@cache
def _of_tone(side: str, standard: Standard) -> tuple[str, ...]:
    """Return the characters of Tang verse whose `usable_tone` is `side`, the most frequent first."""
    times = {}
    for character in table("characters"):
        used = PINGSHUI.row(character).used
        if used and standard.usable_tone(character) == side:
            times[character] = used
    return tuple(sorted(times, key=lambda character: (-times[character], character)))
