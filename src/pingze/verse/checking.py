"""Check a poem: find its form, template and rhyme, and every violation of them.

A character with several readings passes if one of them fits; an unknown character always passes.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

from pingze.errors import wrong_type
from pingze.verse import ci, couplets, shi
from pingze.verse.character_table import to_traditional
from pingze.verse.context import lines_in_context, other_words
from pingze.verse.forms import COUPLET, FEWEST_LINES, FORMS, Form, Layout, find_form
from pingze.verse.pasted_text import read_text, split_poems
from pingze.verse.patterns import CUSTOMARY, enforced, is_turned
from pingze.verse.rhyme_groups import LEVEL
from pingze.verse.standard import PINGSHUI, STANDARDS, Standard, find_standard
from pingze.verse.tunes import find_tune, named_tune, shapes_of
from pingze.verse.verdict import (
    Note,
    Verdict,
    Violation,
    character_notes,
    fine_notes,
    reading_notes,
    shape_note,
)

# a text in the shape of regulated verse may have so many faults and still be judged as that
_MOST_FAULTS = 3


def check(
    text: str,
    *,
    form: str | None = None,
    level: str = CUSTOMARY,
    standard: str = PINGSHUI.name,
    fine: bool = False,
) -> Verdict:
    """Check one poem against the given form.

    If no form is given, the poem's shape, tones and rhyme decide the form.

    A poem that rhymes in a level tone and fits a template with at most three faults (from sixteen
    lines on, one per four lines) is a 絕 if it has four lines, a 律 if it has eight, and a 排 if it
    has ten or any larger even number. Otherwise the poem is old-style verse 古, in which only the
    rhyme is judged. A poem with several faults that fits old-style verse is old-style verse too if
    its rhyme changes or is oblique, if a whole line follows another template, or if one of the
    faults is 失黏 in a 五絕, as in 靜夜思. `Verdict.regulated` is false for old-style verse.

    A text that has the shape of a tune and fits it is a 詞. Two lines of the same length, of 4 to
    11 characters, are a couplet 對聯. All other texts fit no form and are not judged: texts of
    another shape, and texts in which at least half of the even lines do not rhyme.

    Args:
        text: The poem as a person writes it; title, author and remarks in brackets are ignored.
        form: The form 體 to judge the poem by, such as 七律, 浣溪沙 or 對聯; by default the
            function finds it.
        level: customary accepts what Tang poets accepted; strict accepts only what the manuals
            allow. Append +RULE to enforce a further rule, or -RULE to drop one: 孤平, 小拗, 三仄尾,
            鄰韻, 本句自救 or 對句相救.
        standard: How characters are read: by pingshui 平水韻, or in Mandarin by tongyun 中華通韻 or
            xinyun 中華新韻.
        fine: Whether to add the remarks of later manuals on regulated verse: 撞韻, 擠韻, 冒韻,
            四字目孤平.

    Raises InputError when `text` is not a string, or when `form`, `level` or `standard` is unknown.

    `verse/data/rules.toml` gives the source of each rule, with poems that keep it and poems that
    break it.
    """
    if not isinstance(text, str):
        raise wrong_type("text", text, "text")
    enforced(level)
    is_couplet, by = to_traditional((form or "").strip()) == COUPLET, find_standard(standard)
    asked = None if form is None or is_couplet else find_form(form)
    read = read_text(text)

    def judged(lines: tuple[str, ...]) -> Verdict:
        if is_couplet:
            return couplets.judge(lines, level, by)
        if asked is None:
            return _find(lines, read.left_out, level, by)
        form = ci.best_shape(lines, asked, level, by)
        return (_judge if form.cut(lines) else _shape_faults)(lines, form, level, by)

    lines, verdict = _by_rules(read.lines, judged)
    notes = [*reading_notes(read, lines), *verdict.notes]
    if asked is None and not (verdict.ok and verdict.template) and (size := _several(lines, 1, by)):
        notes.append(Note("several_poems", count=len(lines) // size, wanted=size))
    if verdict.judged != "shape":
        notes += character_notes(verdict.lines, by, repeated=verdict.template is not None)
    if fine and verdict.template and verdict.rhyme and by.groups[verdict.rhyme].tone == LEVEL:
        notes += fine_notes(lines, verdict.rhyme, by)
    written, faults = verdict.lines, verdict.violations
    # characters were converted: show them as they were typed
    if (own := "".join(read.lines)) != "".join(written):
        written = tuple(Layout(map(len, written)).cut(own))
        faults = tuple(
            replace(fault, char=written[fault.line - 1][fault.position - 1 :][:1])
            if fault.char
            else fault
            for fault in faults
        )
    return replace(
        verdict, lines=written, violations=faults, notes=tuple(notes), read=verdict.lines
    )


def poems_in(text: str, *, form: str | None = None, standard: str = PINGSHUI.name) -> list[str]:
    """Split a text into poems at blank lines and headings.

    An untitled block of lines may also hold several poems of four or eight lines each. The block is
    split if each of these poems is a 絕 or 律 without a fault, and if no poem rhymes in the group
    of the previous poem or in a neighboring group. A block that is one regulated poem as a whole is
    not split.

    Args:
        text: One poem or several, as a person writes them.
        form: The form by which the poems are judged; if it is given, blocks are not split by their
            rhymes.
        standard: How characters are read, as in `check`.
    """
    by, blocks, found = find_standard(standard), split_poems(text, form=form), list[str]()
    for block in blocks if form is None else ():
        read = read_text(block)
        untitled = not read.left_out and len(read.lines) >= 2 * FEWEST_LINES
        lines = tuple(lines_in_context(read.lines)) if untitled else ()
        size = _several(lines, 0, by)
        found += (
            ["\n".join(read.lines[n : n + size]) for n in range(0, len(lines), size)]
            if size
            else [block]
        )
    return found if form is None else blocks


def _several(lines: tuple[str, ...], faults: int, standard: Standard) -> int:
    """Return 4 or 8 if `lines` are several 絕 or 律 of that many lines; else 0.

    Each of these has at most `faults` faults, and they have fewer in all than the lines have as
    one regulated poem.
    """
    feet = [foot for line in lines[1::2] if line and (foot := standard.rhymes(line[-1]))]
    for form in FORMS.values() if feet and not frozenset.intersection(*feet) else ():
        size = form.lines or len(lines)
        if {*map(len, lines)} == {form.width} and len(lines) > size and len(lines) % size == 0:
            before = frozenset[str]()
            total = 0
            for start in range(0, len(lines), size):
                part = _judge(lines[start : start + size], form, CUSTOMARY, standard)
                if len(part.violations) > faults or not part.rhyme or part.rhyme in before:
                    break
                before = standard.neighbours[part.rhyme]
                total += len(part.violations)
            else:
                as_one = _judge(lines, _shaped(lines)[0], CUSTOMARY, standard)
                if total < len(as_one.violations):
                    return size
    return 0


def _shaped(lines: Sequence[str]) -> list[Form]:
    """List the forms whose shape the lines have, the regulated one first."""
    widths = {*map(len, lines)}
    return [form for form in FORMS.values() if widths == {form.width} and form.takes(len(lines))]


def _by_rules(
    typed: Sequence[str], judged: Callable[[tuple[str, ...]], Verdict]
) -> tuple[tuple[str, ...], Verdict]:
    """Convert typed lines to Traditional characters and judge them.

    Return the converted lines and their verdict.

    An ambiguous character at a fault is read as another of its possible words if this leaves fewer
    faults.
    """
    lines = tuple(lines_in_context(typed))
    verdict = judged(lines)
    if not verdict.violations:
        return lines, verdict
    cut, layout, text = Layout(map(len, typed)).cut, Layout(map(len, verdict.lines)), "".join(typed)
    for fault in verdict.violations:
        read = "".join(lines)
        place = layout.starts[fault.line - 1] + fault.position - 1
        for word in other_words(text, read, place) if fault.char else ():
            # as in 累累
            same = {at for at in layout.places(fault.line - 1) if text[at] == text[place]}
            other = "".join(word if at in same else each for at, each in enumerate(read))
            found = judged(tuple(cut(other)))
            if found.form and len(found.violations) < len(verdict.violations):
                lines, verdict = tuple(cut(other)), found
                break
    return lines, verdict


def _judge(lines: tuple[str, ...], form: Form, level: str, standard: Standard) -> Verdict:
    judge = (
        ci.judge if form.tune else shi.judge_regulated if form.regulated else shi.judge_old_style
    )
    return judge(lines, form, level, standard)


def _find(
    lines: tuple[str, ...], headings: Sequence[str], level: str, standard: Standard
) -> Verdict:
    """Judge lines by the form that they fit best.

    A tune that one of `headings` names is tried first.
    """
    written = len(lines) >= FEWEST_LINES and len(set(lines)) > 1
    shaped = _shaped(lines) if written else []
    named = named_tune(headings)
    if named and written and (of_tune := ci.find(lines, named, level, standard)):
        return of_tune
    # 1) The lines are regulated verse if they have few faults at the customary level.
    verdict = _judge(lines, shaped[0], level, standard) if shaped and shaped[0].regulated else None
    if verdict and verdict.ok and level == CUSTOMARY:
        return verdict
    as_old = _judge(lines, shaped[-1], level, standard) if shaped else None
    at_customary = (
        verdict
        if level == CUSTOMARY or not verdict
        else _judge(lines, shaped[0], CUSTOMARY, standard)
    )
    if verdict and as_old and at_customary and _is_regulated(at_customary, as_old):
        also = as_old.ok and bool(verdict.violations) and len(lines) == FEWEST_LINES
        return replace(
            verdict, notes=(*verdict.notes, *[Note("also_old", form=shaped[-1].name)] * also)
        )
    # 2) Otherwise they are a 詞 if they fit a tune, and no worse than they fit old-style verse.
    if (
        written
        and not named  # the named tune has been tried
        and (of_tune := ci.find(lines, None, level, standard))
        and (as_old is None or len(of_tune.violations) <= len(as_old.violations))
    ):
        return of_tune
    # 3) Otherwise they are old-style verse if more than half of the even lines rhyme.
    if as_old is None and (couplet := couplets.find(lines, level, standard)):
        return couplet
    if as_old is None or 2 * len(as_old.violations) >= len(lines) // 2:
        tunes = [] if shaped else ci.nearest(lines)
        meant = next(
            (find_form(tune) for tune in tunes if named and find_tune(tune) in shapes_of(named)),
            None,
        )
        sized = (form for form in FORMS.values() if form.lines == len(lines))
        nearly = (form for form in sized if sum(abs(len(line) - form.width) for line in lines) == 1)
        if not shaped and (near := meant or next(nearly, None)):
            return _shape_faults(lines, near, level, standard)
        notes = [
            shape_note(lines),
            Note("no_rhyme", rhyme="missing") if shaped else Note("no_form", rhyme=None),
        ]
        if tunes:
            notes.append(Note("tunes_near", has=tunes))
        if nearest := verdict or as_old:
            notes.append(Note("nearest", form=nearest.form, faults=len(nearest.violations)))
        return Verdict(None, None, None, level, lines, (), tuple(notes), standard=standard.name)
    if verdict is None:
        return as_old
    notes = [shi.quatrain_note(lines, as_old.rhyme, standard)] if len(lines) == FEWEST_LINES else []
    places = [f"{each.rule} {each.line}.{each.position}" for each in verdict.violations]
    notes.append(
        Note("read_as", form=as_old.form, other=verdict.form, faults=len(places), has=places)
    )
    return replace(as_old, notes=(*notes, *as_old.notes))


def _is_regulated(verdict: Verdict, as_old: Verdict) -> bool:
    """Return whether a poem in the shape of a regulated form, judged at the customary level, is regulated verse.

    It is if it rhymes in a level tone and has at most three faults, or from sixteen lines on at
    most one per four lines. There is one exception: a poem with several faults that fits old-style
    verse is old-style if its rhyme changes or is oblique, if a whole line follows another template,
    or if one of the faults is 失黏 in a 五絕, as in 靜夜思. lab/LOG.md (2026-12-01) has the
    shares of old-style poems and of faulty drafts that are judged as regulated verse.

    Args:
        verdict: The verdict on the poem as regulated verse.
        as_old: The verdict on it as old-style verse.
    """

    def is_level(rhyme: str | None) -> bool:
        """Return whether the poem has one rhyme, or neighboring ones, in a level tone."""
        return rhyme is not None and STANDARDS[verdict.standard].groups[rhyme[0]].tone == LEVEL

    if not is_level(verdict.rhyme):
        return False
    rules = [violation.rule for violation in verdict.violations]
    if as_old.ok and len(rules) > 1:
        turned = any(is_turned(one, other) for one, other in pairwise(verdict.kinds))
        unruly = turned or (verdict.form == "五絕" and "失黏" in rules)
        if unruly or not is_level(as_old.rhyme):
            return False
    return len(rules) <= max(_MOST_FAULTS, len(verdict.lines) // 4)


def _shape_faults(lines: tuple[str, ...], form: Form, level: str, standard: Standard) -> Verdict:
    """Return the verdict on lines that do not have the shape of the form.

    A line of the wrong length has its fault at the first extra or missing character; a poem with
    the wrong number of lines has its fault at the first extra or missing line.
    """
    widths = form.widths(len(lines))
    wrong = [
        n for n, (line, width) in enumerate(zip(lines, widths, strict=False)) if len(line) != width
    ]
    if form.tune and len(lines) != form.lines:
        wrong = wrong[:1]  # the first one shifts all later lines
    faults = [
        Violation.at("字數", lines, n, min(len(lines[n]), widths[n]), standard) for n in wrong
    ]
    if not form.takes(len(lines)):
        faults.append(Violation.at("句數", lines, min(len(lines), form.lines or len(lines)), 0))
    sizes = f"{form.lines}" if form.lines else "10, 12 …" if form.regulated else "1, 2 …"
    notes = [
        Note("line_length", line=n + 1, has=len(lines[n]), width=widths[n])
        for n in wrong
        if len(wrong) < 3
    ]
    width = " ".join(map(str, widths)) if form.tune else form.width
    code = "not_checked_tune" if form.tune else "not_checked"
    noted = (
        shape_note(lines),
        *notes,
        Note(code, form=form.name, wanted=form.lines, size=sizes, width=width),
    )
    return Verdict(
        form.name, None, None, level, lines, tuple(faults), noted, standard=standard.name
    )
