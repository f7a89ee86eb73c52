"""Judge 詩: regulated verse 近體 by its template and rhyme, old-style verse 古體 by its rhyme alone."""

from collections.abc import Iterator, Sequence
from itertools import product

from pingze.messages import Parameter
from pingze.verse.character_table import variants
from pingze.verse.forms import FEWEST_LINES, Form, opening_name
from pingze.verse.patterns import BENT, CUSTOMARY, Pattern, enforced, is_opposed, places_in
from pingze.verse.rhyme_book import Groups, rhyme_counts
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE
from pingze.verse.scansion import FAULT, FittedLine, Masks, fit, fitted, masks_of
from pingze.verse.standard import Standard
from pingze.verse.verdict import Note, Verdict, Violation

_RULES = {
    ("a", 2): ("小拗", "..ZP."),
    ("a", 3): ("大拗", "...Z."),
    ("B", 0): ("孤平", "ZP.Z."),
    ("c", 0): ("特拗", "ZPZP."),
    ("c", 2): ("三仄尾", "..ZZZ"),
    ("D", 2): ("三平調", "..PPP"),
}
"""For a line type and the position of a wrong tone: the rule that is broken, and the tones with which a line breaks it.

Positions (from 0) and tones are those of the last five characters, and a dot stands for any tone. A
line with other tones has a worse fault at another position.
"""


def judge_regulated(
    lines: tuple[str, ...], form: Form, strictness: str, standard: Standard
) -> Verdict:
    """Judge tones by the best template, and rhymes by the most frequent group.

    `lines` must have the form's shape.
    """
    width = form.width
    last = width - 1
    # 1) Find the rhyme: the group in which most even lines rhyme. If several groups occur equally
    #    often, a group of the first line wins, then a neighbour of such a group, then a group of
    #    the second line.
    feet = [standard.rhymes(line[-1]) for line in lines]  # for each line, the groups of its end
    near_first: set[str] = set()
    for name in feet[0]:
        if standard.groups[name].tone == LEVEL:
            near_first |= standard.neighbours[name]
    preferring = (feet[0], frozenset(near_first), feet[1])
    rhyme = standard.shared_group(feet[1::2], preferring=preferring, tone=LEVEL)
    # Regulated verse rhymes in a level tone: if the even lines share only an oblique group, each of
    # them is off the rhyme.
    rhyme_groups: Groups = frozenset()
    neighbour_groups: Groups = frozenset()
    if rhyme and standard.groups[rhyme].tone == LEVEL:
        rhyme_groups = frozenset({rhyme})
        neighbour_groups = standard.neighbours[rhyme]
    # an unknown character has no groups, and is never off the rhyme
    is_off = [bool(groups) and groups.isdisjoint(rhyme_groups) for groups in feet]
    # 2) Find the rule that the first line breaks if it is read as a rhymed line. It may borrow the
    #    rhyme of a neighbouring group, unless the strictness forbids that.
    first_breaks = ""
    any_rhyme_is_known = any(feet[1::2])  # else there is nothing for the first line to rhyme with
    if is_off[0] and any_rhyme_is_known:
        first_breaks = "鄰韻" if feet[0] & neighbour_groups else "出韻"
    borrows = first_breaks == "鄰韻" and "鄰韻" not in enforced(strictness)
    # 3) Find the template. The first line may be read as rhymed or as unrhymed. If its tones fit
    #    both ways, the costs of 1 and 2, which are less than that of any fault, decide: it is
    #    rhymed if it can rhyme, and unrhymed if it ends oblique or would have to borrow its rhyme.
    #    If it ends in the character of another rhyme, it has a fault as a rhymed line, so that a
    #    character of both tones is read as an oblique end.
    masks = [masks_of(line, standard) for line in lines]
    may_end_level = bool(masks[0].level & (1 << last))
    may_end_oblique = bool(masks[0].oblique & (1 << last))
    unrhymed_cost = 1 if rhyme in feet[0] else 0
    rhymed_cost = 0
    if may_end_oblique and any(line[-1] == lines[0][-1] for line in lines[1::2]):
        rhymed_cost += FAULT
    if borrows:
        rhymed_cost += 1
    else:
        if first_breaks:
            rhymed_cost += FAULT
        if not may_end_level:
            rhymed_cost += 2
    fitted_lines = fit(masks, width, strictness, form.openings, rhymed_cost, unrhymed_cost)
    # the numbers of the lines that rhyme, from 0: their types are capitals
    rhymed = [number for number, line in enumerate(fitted_lines) if line.kind[0].isupper()]
    first_rhymes = 0 in rhymed
    # 4) List the faults of tones and of rhymes, each as line, position and rule, all from 0.
    faults = []
    for number, line in enumerate(fitted_lines):
        if line.turned:  # the second character has its fault, since its tone decides the type
            faults.append((number, 1, rule_at(line.kind, number, 1, width)))
        for place in places_in(line.misfits):
            rule = rule_at(line.kind, number, place, width)
            # a line without the other tones of the rule has a worse fault at another position
            if _breaks_rule(line.kind, place, masks[number], width):
                faults.append((number, place, rule))
    if first_rhymes and first_breaks and not borrows:
        faults.append((0, last, first_breaks))
    earlier_feet: set[str] = set()
    for number in rhymed:
        foot = lines[number][-1]
        if number and is_off[number]:  # the first line is judged above
            faults.append((number, last, "出韻"))
        elif foot in earlier_feet:
            faults.append((number, last, "重韻"))
        earlier_feet.add(foot)
    faults.sort(key=lambda fault: fault[:2])  # by line and position
    # 5) Collect the notes on rhymes and on bent and rescued lines, and the doubts.
    notes = list(_rhyme_notes(lines, rhymed, rhyme, standard, borrows=borrows and first_rhymes))
    for number, line in enumerate(fitted_lines):
        # the rules that a line may bend concern its last five tones, and the third of these
        misfits_of_last_five = line.misfits >> (width - 5)
        if line.kind == "a'":  # the next line rescues this one
            notes.append(Note("rescue", line=number + 2, has=number + 1))
        elif line.pattern.rule in BENT and not misfits_of_last_five:
            notes.append(Note("bent", rule=line.pattern.rule, line=number + 1, position=width - 2))
    violations = tuple(
        Violation.at(rule, lines, number, place, standard) for number, place, rule in faults
    )
    only_line_3_is_turned = faults == [(2, 1, "失黏")]
    if only_line_3_is_turned and len(lines) == FEWEST_LINES:
        notes.append(Note("broken_waist", name="折腰體"))
    return Verdict(
        form=form.name,
        template=opening_name(width, fitted_lines[0].kind[0]),
        rhyme=rhyme,
        level=strictness,
        lines=lines,
        violations=violations,
        notes=tuple(notes),
        doubts=tuple(_doubts(fitted_lines, masks, lines, strictness, standard)),
        standard=standard.name,
        kinds=tuple(line.kind for line in fitted_lines),
    )


def _scheme_of(feet: Sequence[Groups], standard: Standard) -> str:
    """Name the scheme by which a poem rhymes in two neighbouring groups, A and B.

    The schemes are 進退格 ABAB, 轆轤格 AABB and 葫蘆格 AABBBB. Return "" if the poem has none of them.

    `feet` has the groups in which the last character of each even line rhymes.
    """
    if len(feet) == 6:
        early_groups = feet[0] & feet[1]
        late_groups = frozenset.intersection(*feet[2:])
        return "葫蘆格" if _are_neighbours(early_groups, late_groups, standard) else ""
    if len(feet) != 4:
        return ""  # the other two schemes are those of a 律, which has four even lines
    first, second, third, fourth = feet
    if _are_neighbours(first & third, second & fourth, standard):
        return "進退格"
    if _are_neighbours(first & second, third & fourth, standard):
        return "轆轤格"
    return ""


def _are_neighbours(one: Groups, other: Groups, standard: Standard) -> bool:
    """Return whether a level group of `one` is in a class with a group of `other`."""
    level = [name for name in one if standard.groups[name].tone == LEVEL]
    return any(other & standard.neighbours[name] for name in level)


def rule_at(kind: str, number: int, place: int, width: int) -> str:
    """Return the rule that a wrong tone at `place` in line `number` breaks, both counted from 0."""
    if place == 1:
        # the second character of a couplet's first line takes its tone from the couplet before
        follows_couplet = number > 0 and number % 2 == 0
        return "失黏" if follows_couplet else "失對"
    if place == width - 1:
        return "仄腳"
    place_in_last_five = place - (width - 5)
    rule, _ = _RULES.get((kind[0], place_in_last_five), ("失對", ""))
    return rule


def _breaks_rule(kind: str, place: int, masks: Masks, width: int) -> bool:
    """Return whether a line with a wrong tone at `place` can have all tones with which a line breaks the rule."""
    if place in (1, width - 1):
        return True  # 失黏, 失對 and 仄腳 concern this tone alone
    place_in_last_five = place - (width - 5)
    _, rule_tones = _RULES.get((kind[0], place_in_last_five), ("失對", ""))
    level = masks.level >> (width - 5)
    oblique = masks.oblique >> (width - 5)
    return not Pattern(rule_tones).misfits(level, oblique)


def _rhyme_notes(
    lines: Sequence[str],
    rhymed: Sequence[int],
    rhyme: str | None,
    standard: Standard,
    *,
    borrows: bool,
) -> Iterator[Note]:
    """Yield notes that explain faulty rhymes, and notes on rhymes that are allowed but that poets avoid.

    `rhymed` has the numbers of the lines that rhyme, from 0, and `rhyme` is the poem's group. `borrows`
    tells whether the first line borrows its rhyme from a neighbouring group.
    """
    feet = [standard.rhymes(line[-1]) for line in lines]  # for each line, the groups of its end
    # 1) The neighbouring group of the first line.
    if borrows:
        rare = feet[0].isdisjoint(standard.lenders(rhyme or ""))
        code = "rare_neighbour_rhyme" if rare else "neighbour_rhyme"
        yield Note(code, line=1, wanted=rhyme, has=sorted(feet[0]), rare=rare)
    # 2) The even lines that do not rhyme.
    even = range(1, len(lines), 2)
    lines_off = [number for number in even if feet[number] and rhyme not in feet[number]]
    if lines_off and rhyme is not None and standard.groups[rhyme].tone == LEVEL:
        last = even[-1]
        only_last_is_off = lines_off == [last] and len(even) > 1
        if only_last_is_off and feet[last] & standard.neighbours[rhyme]:
            yield Note("stray_last", line=last + 1, wanted=rhyme)
        else:
            scheme = _scheme_of([feet[number] for number in even], standard)
            if scheme:
                yield Note("named_rhyme", name=scheme)
            elif 2 * len(lines_off) >= len(even):
                # which lines are off is a guess, so that the note names the ends of all
                ends = [f"{lines[number][-1]} ({number + 1})" for number in even]
                yield Note("suspects", has=ends)
    # 3) The characters that poets hardly ever rhyme in this group.
    for number in rhymed:
        foot = lines[number][-1]
        if rhyme in feet[number] and standard.is_rare_rhyme(foot, rhyme):
            counts = rhyme_counts(foot)
            times = counts.get(rhyme, 0)
            total = sum(counts.values())
            yield Note(
                "rare_rhyme", line=number + 1, has=foot, wanted=rhyme, times=times, total=total
            )
    # 4) The lines that rhyme on a variant of an earlier line's character.
    first_lines: dict[str, int] = {}
    for number in rhymed:
        foot = lines[number][-1]
        for variant in variants(foot):
            if variant in first_lines:
                line = first_lines[variant]
                yield Note("one_word", line=line, has=variant, other_line=number + 1, other=foot)
        first_lines.setdefault(foot, number + 1)


def _doubts(
    fitted_lines: Sequence[FittedLine],
    masks: Sequence[Masks],
    lines: Sequence[str],
    strictness: str,
    standard: Standard,
) -> Iterator[Note]:
    """Yield a note on each rare reading that the fit requires, with the rule that the usual reading would violate."""
    for number, fitted_line in enumerate(fitted_lines):
        if not fitted_line.rare:
            continue
        line = lines[number]
        # 1) The rule that the line would violate if each character had only its usual tones, and
        #    the position of that fault. If there are several, the notes name the last.
        usual_masks = masks[number]._replace(
            level=masks[number].usually_level, oblique=masks[number].usually_oblique
        )
        misfits = fitted(fitted_line.kind, len(line), strictness, usual_masks).misfits
        fault_place = misfits.bit_length() - 1
        rule = rule_at(fitted_line.kind, number, fault_place, len(line))
        for place in places_in(fitted_line.rare):
            # 2) Why the reading is rare: a word decides the other tone, or verse seldom needs this
            #    one.
            needed_tone = LEVEL if fitted_line.pattern.level >> place & 1 else OBLIQUE
            code = "word_reading"
            word = standard.words.word_at(line, place)
            reason: dict[str, Parameter] = {"word": word}
            if not word:
                code = "rare_reading"
                times_needed = standard.read(line[place]).needed
                total = sum(times_needed.values())
                reason = {"times": times_needed[needed_tone], "total": total}
            yield Note(
                code,
                line=number + 1,
                position=place + 1,
                other=line[fault_place],
                **reason,
                has=line[place],
                wanted=needed_tone,
                rule=rule,
            )


def judge_old_style(
    lines: tuple[str, ...], form: Form, strictness: str, standard: Standard
) -> Verdict:
    """Judge lines of five or seven characters by their rhymes alone.

    The even lines rhyme in a level or oblique tone. Neighbouring groups may mix, the rhyme may
    change, and odd lines may rhyme too.
    """
    feet = [standard.rhymes(line[-1]) for line in lines]  # for each line, the groups of its end
    # 1) An even line must rhyme with the even line before or after it or with the first line of its
    # couplet. A single couplet has no other even line, and need not rhyme.
    violations = []
    if len(lines) > 2:
        for number in range(1, len(lines), 2):
            partners = {number - 2, number + 2, number - 1}.intersection(range(len(lines)))
            if not any(standard.neighbour_rhyme(feet[number], feet[line]) for line in partners):
                violations.append(Violation.at("出韻", lines, number, form.width - 1, standard))
    # 2) Find the rhyme group of the even lines, or the neighbouring groups that they mix; None if
    # the rhyme changes. A line that ends in an unknown character, without groups, does not count.
    even_feet = feet[1::2]
    known_feet = [groups for groups in even_feet if groups]
    rhyme = standard.shared_group(even_feet)
    if rhyme is not None and not all(rhyme in groups for groups in known_feet):
        every_group = frozenset[str]().union(*known_feet)
        mixed = every_group & standard.neighbours[rhyme]
        rhyme = standard.joined(mixed) if all(groups & mixed for groups in known_feet) else None
    notes = []
    if not rhyme and not violations:
        notes.append(Note("rhyme_changes"))
    return Verdict(
        form=form.name,
        template=None,
        rhyme=rhyme,
        level=strictness,
        lines=lines,
        violations=tuple(violations),
        notes=tuple(notes),
        standard=standard.name,
    )


def quatrain_note(lines: Sequence[str], rhyme: str | None, standard: Standard) -> Note:
    """Return a note that names a quatrain: 仄韻律絕 if it keeps the tone patterns with an oblique rhyme, else 古絕."""
    # 1) Find the types whose pattern each line keeps. As the rhyme is oblique, the second and the
    # fourth line end oblique, as types a and c do, and the third ends level, as B and D do. The
    # first line may rhyme or not.
    types_of_lines = []
    for line, possible_types in zip(lines, ("acBD", "ac", "BD", "ac"), strict=True):
        masks = masks_of(line, standard)
        last_bit = 1 << (len(line) - 1)
        kept = []
        for kind in possible_types:
            # `fitted` does not judge the end of a line of type B or D
            possible_ends = masks.level if kind.isupper() else masks.oblique
            has_no_fault = fitted(kind, len(line), CUSTOMARY, masks).cost < FAULT
            if has_no_fault and possible_ends & last_bit:
                kept.append(kind)
        types_of_lines.append(kept)
    # 2) Find whether the lines can have types in the order of a template: the second tones are
    # opposed within a couplet, and the same between couplets.
    in_order = any(
        is_opposed(first, second) and not is_opposed(second, third) and is_opposed(third, fourth)
        for first, second, third, fourth in product(*types_of_lines)
    )
    tones_of_rhyme = {standard.groups[name].side for name in rhyme or ""}
    if in_order and tones_of_rhyme == {OBLIQUE}:
        return Note("oblique_regulated", name="仄韻律絕")
    return Note("old_quatrain", name="古絕")
