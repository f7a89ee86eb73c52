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
    # 1) List the candidates, most frequent first, in one or two lists. For a fault of rhyme, they
    # are the characters of the poem's rhyme group, or of its most frequent group if it has several;
    # for a fault of rhyme in a 詞, those of the part in which the line must rhyme. Otherwise, they
    # are all level characters and all oblique ones. For a character that a 詞 must repeat, there is
    # only one candidate.
    standard = STANDARDS[verdict.standard]
    tune = None
    if verdict.form not in (None, COUPLET):  # a couplet 對聯 is not among the forms
        tune = find_form(verdict.form).tune
    layout = Layout(len(line) for line in verdict.lines)
    places_of_line = layout.places(violation.line - 1)
    place_in_text = places_of_line[violation.position - 1]
    whole_text = "".join(verdict.lines)
    if tune and violation.rule in REPEAT_RULES:
        repeated_place = tune.echoes[place_in_text]
        return (whole_text[repeated_place],)
    candidate_lists = []
    if violation.rule in RHYME_RULES and tune:
        # a faulty rhyme is the last character of its line, and `ends` counts characters from 1
        tune_line_number = tune.ends.index(place_in_text + 1)
        tune_line = tune.lines[tune_line_number]
        parts = (verdict.rhyme or "").split("、")  # one for each of the tune's rhymes
        part = parts[tune_line.rhyme or 0]
        part_class = standard.parts.class_in(part, tune_line.kind)
        candidate_lists.append(_characters_of_part(part, part_class, standard))
    elif violation.rule in RHYME_RULES:
        group = verdict.rhyme
        if group not in standard.groups:  # the verdict names no rhyme group, or several
            feet = [standard.rhymes(line[-1]) for line in verdict.lines[1::2]]
            group = standard.shared_group(feet)
        if group:
            rhyming = standard.rhyme_characters(group)
            # the characters that poets really use as rhymes of the group
            practised = [one for one in rhyming if standard.is_practised(one, group)]
            candidate_lists.append(tuple(practised))
    else:
        candidate_lists.append(_characters_of_tone(LEVEL, standard))
        candidate_lists.append(_characters_of_tone(OBLIQUE, standard))
    # 2) Take the first list whose first character corrects the fault, and sort it by the
    # neighbours. All characters of a list have the same tone or rhyme, so that it is enough to try
    # the first.
    line = verdict.lines[violation.line - 1]
    place = violation.position - 1
    written = set(whole_text)
    for candidates in candidate_lists:
        unused = [character for character in candidates if character not in written]
        if not unused:
            continue
        mended_lines = list(verdict.lines)
        mended_lines[violation.line - 1] = line[:place] + unused[0] + line[place + 1 :]
        mended_text = "\n".join(mended_lines)
        mended = check(mended_text, form=verdict.form, level=verdict.level, standard=standard.name)
        if len(mended.violations) < len(verdict.violations):
            times: Mapping[str, int] = {}
            if neighbours is not None:
                before = line[place - 1 : place] if place else ""
                after = line[place + 1 : place + 2]
                times = neighbours(before, after)
            # characters that verse has as often here keep their order, the most frequent first
            unused.sort(key=lambda character: -times.get(character, 0))
            return tuple(unused[:limit])
    return ()


def suggest_swaps(verdict: Verdict) -> tuple[tuple[int, int], ...]:
    """Find the couplets of a regulated poem that mend faults of tone by changing places.

    Return the exchanges that leave the fewest faults, or () if no exchange mends a fault. An
    exchange is a pair of numbers, from 1, of the first lines of two couplets, such as (5, 7).

    Args:
        verdict: The verdict that `check` returned.
    """
    if not verdict.kinds or verdict.ok:  # only regulated verse has types of lines
        return ()
    fewest_faults = len(verdict.violations) - 1  # an exchange must mend at least one fault
    best_exchanges: list[tuple[int, int]] = []
    couplet_starts = range(0, len(verdict.lines), 2)
    for first, second in combinations(couplet_starts, 2):
        lines = list(verdict.lines)
        lines[first : first + 2] = verdict.lines[second : second + 2]
        lines[second : second + 2] = verdict.lines[first : first + 2]
        text = "\n".join(lines)
        exchanged = check(text, form=verdict.form, level=verdict.level, standard=verdict.standard)
        faults = len(exchanged.violations)
        if faults < fewest_faults:
            fewest_faults = faults
            best_exchanges = []
        if faults == fewest_faults:
            best_exchanges.append((first + 1, second + 1))
    return tuple(best_exchanges)


@cache
def _characters_of_part(part: str, part_class: str, standard: Standard) -> tuple[str, ...]:
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
def _characters_of_tone(side: str, standard: Standard) -> tuple[str, ...]:
    """Return the characters of Tang verse whose `usable_tone` is `side`, the most frequent first."""
    times = {}
    for character in table("characters"):
        used = PINGSHUI.row(character).used
        if used and standard.usable_tone(character) == side:
            times[character] = used
    return tuple(sorted(times, key=lambda character: (-times[character], character)))
