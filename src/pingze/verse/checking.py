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
from pingze.verse.patterns import CUSTOMARY, PREFIXES, accepted, enforced, is_turned
from pingze.verse.rhyme_groups import LEVEL
from pingze.verse.scansion import masks_of, tones_of
from pingze.verse.standard import PINGSHUI, STANDARDS, Standard, find_standard
from pingze.verse.tunes import Tune, named_tune
from pingze.verse.verdict import (
    Note,
    Verdict,
    Violation,
    character_notes,
    fine_notes,
    reading_notes,
    shape_note,
)

# the largest number of faults with which a poem of 8 to 22 lines is still judged as regulated verse;
# `_is_regulated` has the numbers for shorter and longer poems
_MOST_FAULTS = 5


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

    A poem that rhymes in a level tone and fits a template with at most five faults (a quatrain with
    three, from 24 lines on one per four lines) is a 絕 if it has four lines, a 律 if it has eight,
    and a 排 if it has ten or any larger even number. Otherwise the poem is old-style verse 古, in which only the
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
            allow. Append +RULE to enforce a further rule, or -RULE to drop one: 孤平, 小拗, 三仄尾
            or 鄰韻; -本句自救 or -對句相救 rejects a rescue.
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
    enforced(level)  # raises the error of an unknown level
    book = find_standard(standard)
    # 對聯 is not among the forms that `find_form` knows
    as_couplet = form is not None and to_traditional(form.strip()) == COUPLET
    given_form = None
    if form is not None and not as_couplet:
        given_form = find_form(form)
    read = read_text(text)

    def judge(lines: tuple[str, ...]) -> Verdict:
        """Judge lines of Traditional characters by the given form, or by the best one."""
        if as_couplet:
            return couplets.judge(lines, level, book)
        if given_form is None:
            return _judge_by_best_form(lines, read.left_out, level, book)
        # a tune may have several shapes, each with a form of its own
        shape = ci.best_shape(lines, given_form, level, book)
        if shape.cut(lines) is None:
            return _judge_shape(lines, shape, level, book)
        return _judge(lines, shape, level, book)

    # 1) Judge the lines.
    lines, verdict = _judge_typed(read.lines, judge)
    # 2) Add the notes on the text. A text that is one regulated poem without a fault is not several.
    notes = list(reading_notes(read, lines))
    notes += verdict.notes
    is_one_regulated_poem = verdict.ok and verdict.template is not None
    if given_form is None and not is_one_regulated_poem:
        poem_size = _lines_per_poem(lines, most_faults=1, standard=book)
        if poem_size:
            count = len(lines) // poem_size
            notes.append(Note("several_poems", count=count, wanted=poem_size))
    if len(lines) == 1 and len(lines[0]) in (5, 7):
        notes.append(_line_note(lines[0], level, book))
    if verdict.judged != "shape":
        # only regulated verse, which has a template, avoids repeated characters
        notes += character_notes(verdict.lines, book, repeated=verdict.template is not None)
    if fine and verdict.template and verdict.rhyme and book.groups[verdict.rhyme].tone == LEVEL:
        notes += fine_notes(lines, verdict.rhyme, book)
    # 3) If characters were converted, show them as they were typed, in the lines of the verdict,
    # which may divide the text otherwise.
    written = verdict.lines
    faults = list(verdict.violations)
    typed = "".join(read.lines)
    if typed != "".join(written):
        layout = Layout(len(line) for line in written)
        written = tuple(layout.cut(typed))
        for index, fault in enumerate(faults):
            if fault.char:  # else the fault is a missing character
                char = written[fault.line - 1][fault.position - 1]
                faults[index] = replace(fault, char=char)
    return replace(
        verdict, lines=written, violations=tuple(faults), notes=tuple(notes), read=verdict.lines
    )


def _line_note(line: str, level: str, standard: Standard) -> Note:
    """Return a note on a line that stands alone: the pattern of regulated verse 律句 that it keeps, or its tones."""
    masks = masks_of(line, standard)
    for kind in PREFIXES:
        for pattern in accepted(kind, len(line), level):
            if not pattern.misfits(masks.level, masks.oblique):
                return Note("regular_line", wanted=pattern.text)
    return Note("irregular_line", own=tones_of(line, standard))


def poems_in(
    text: str,
    *,
    form: str | None = None,
    standard: str = PINGSHUI.name,
    keep_others: bool = False,
) -> list[str]:
    """Split a text into poems at blank lines and headings.

    A block of lines without a title may also hold several poems of four or eight lines each. The
    block is split if each of these poems is a 絕 or 律 without a fault, and if no poem rhymes in
    the group of the previous poem or in a neighbouring group. A block that is one regulated poem as
    a whole is not split.

    Args:
        text: One poem or several, as a person writes them.
        form: The form by which the poems are judged; if it is given, blocks are not split by their
            rhymes.
        standard: How characters are read, as in `check`.
        keep_others: Whether to return also the texts between two poems that have no Chinese, in
            their places.
    """
    book = find_standard(standard)
    blocks = split_poems(text, form=form, keep_others=keep_others)
    if form is not None:
        return blocks
    poems = []
    for block in blocks:
        read = read_text(block)
        poem_size = 0
        has_title = bool(read.left_out)
        if not has_title and len(read.lines) >= 2 * FEWEST_LINES:
            lines = tuple(lines_in_context(read.lines))
            poem_size = _lines_per_poem(lines, most_faults=0, standard=book)
        if poem_size == 0:
            poems.append(block)
            continue
        starts = range(0, len(read.lines), poem_size)
        poems += ["\n".join(read.lines[start : start + poem_size]) for start in starts]
    return poems


def _lines_per_poem(lines: tuple[str, ...], most_faults: int, standard: Standard) -> int:
    """Return 4 or 8 if `lines` are several 絕 or 律 of that many lines; else 0.

    Each of these poems has at most `most_faults` faults. Together they have fewer faults than the
    lines have as one regulated poem.
    """
    feet = [standard.rhymes(line[-1]) for line in lines[1::2] if line]
    known_feet = [groups for groups in feet if groups]
    if not known_feet or frozenset.intersection(*known_feet):
        return 0  # the even lines share a rhyme
    widths = {len(line) for line in lines}
    for form in FORMS.values():
        poem_size = form.lines
        if poem_size is None or widths != {form.width}:
            continue
        is_one_poem = len(lines) == poem_size
        if is_one_poem or len(lines) % poem_size != 0:
            continue
        faults_of_poems = _faults_of_poems(lines, form, poem_size, most_faults, standard)
        if faults_of_poems is not None:
            # several 絕 or 律 have together the shape of a longer regulated form, 律 or 排
            regulated_form = _forms_with_shape(lines)[0]
            as_one_poem = _judge(lines, regulated_form, CUSTOMARY, standard)
            if faults_of_poems < len(as_one_poem.violations):
                return poem_size
    return 0


def _faults_of_poems(
    lines: tuple[str, ...], form: Form, poem_size: int, most_faults: int, standard: Standard
) -> int | None:
    """Count the faults of lines as several poems of `poem_size` lines.

    Return None if a poem has more than `most_faults` faults, or rhymes in the group of the previous
    poem or in a neighbouring group: then the lines may be one poem.
    """
    total = 0
    previous_rhymes = frozenset[str]()
    for start in range(0, len(lines), poem_size):
        verdict = _judge(lines[start : start + poem_size], form, CUSTOMARY, standard)
        if len(verdict.violations) > most_faults:
            return None
        if verdict.rhyme is None or verdict.rhyme in previous_rhymes:
            return None
        previous_rhymes = standard.neighbours[verdict.rhyme]
        total += len(verdict.violations)
    return total


def _forms_with_shape(lines: Sequence[str]) -> list[Form]:
    """List the forms whose shape the lines have, the regulated one first."""
    widths = {len(line) for line in lines}
    return [form for form in FORMS.values() if widths == {form.width} and form.takes(len(lines))]


def _judge_typed(
    typed: Sequence[str], judge: Callable[[tuple[str, ...]], Verdict]
) -> tuple[tuple[str, ...], Verdict]:
    """Convert typed lines to Traditional characters and judge them.

    Return the converted lines and their verdict.

    A Simplified character may stand for several words. If such a character has a fault in the first
    verdict, it is read as another of these words if that leaves fewer faults.
    """
    lines = tuple(lines_in_context(typed))
    verdict = judge(lines)
    if not verdict.violations:
        return lines, verdict
    typed_text = "".join(typed)
    typed_layout = Layout(len(line) for line in typed)
    # the verdict may divide the text into other lines, by which its faults are numbered
    verdict_layout = Layout(len(line) for line in verdict.lines)
    first_faults = verdict.violations  # `verdict` may change below
    for fault in first_faults:
        if not fault.char:  # the fault is a missing character
            continue
        read_as = "".join(lines)
        place = verdict_layout.starts[fault.line - 1] + fault.position - 1
        for word in other_words(typed_text, read_as, place):
            # in the same line, an equal character is the same word, as in 累累
            characters = list(read_as)
            for place_in_line in verdict_layout.places(fault.line - 1):
                if typed_text[place_in_line] == typed_text[place]:
                    characters[place_in_line] = word
            other_lines = tuple(typed_layout.cut("".join(characters)))
            other_verdict = judge(other_lines)
            # lines that fit no form have no faults either
            if other_verdict.form and len(other_verdict.violations) < len(verdict.violations):
                lines = other_lines
                verdict = other_verdict
                break
    return lines, verdict


def _judge(lines: tuple[str, ...], form: Form, level: str, standard: Standard) -> Verdict:
    """Judge lines that have the shape of a form by its rules."""
    if form.tune:
        return ci.judge(lines, form, level, standard)
    if form.regulated:
        return shi.judge_regulated(lines, form, level, standard)
    return shi.judge_old_style(lines, form, level, standard)


def _judge_by_best_form(
    lines: tuple[str, ...], headings: Sequence[str], level: str, standard: Standard
) -> Verdict:
    """Judge lines by the form that they fit best.

    A tune that one of `headings` names is tried first.
    """
    # a line that is only repeated is no poem
    is_poem = len(lines) >= FEWEST_LINES and len(set(lines)) > 1
    # none, or the form of old-style verse 古, or a regulated form and then that of old-style verse
    forms = _forms_with_shape(lines) if is_poem else []
    tune_of_heading = named_tune(headings)
    if tune_of_heading and is_poem:
        as_tune = ci.find(lines, tune_of_heading, level, standard)
        if as_tune is not None:
            return as_tune
    # 1) The lines are regulated verse if they have few faults at the customary level. A stricter
    # level adds faults, but does not make a poem old-style.
    as_regulated = None
    as_old_style = None
    if forms and forms[0].regulated:
        as_regulated = _judge(lines, forms[0], level, standard)
        if as_regulated.ok and level == CUSTOMARY:
            return as_regulated
    if forms:
        as_old_style = _judge(lines, forms[-1], level, standard)
    if as_regulated and as_old_style:
        at_customary_level = as_regulated
        if level != CUSTOMARY:
            at_customary_level = _judge(lines, forms[0], CUSTOMARY, standard)
        if _is_regulated(at_customary_level, as_old_style):
            if as_old_style.ok and as_regulated.violations:
                also_old = Note("also_old", form=forms[-1].name)
                return replace(as_regulated, notes=(*as_regulated.notes, also_old))
            return as_regulated
    # 2) Otherwise they are a 詞 if they fit a tune, and no worse than they fit old-style verse. A
    # tune that a heading names has been tried above.
    if is_poem and not tune_of_heading:
        as_tune = ci.find(lines, None, level, standard)
        if as_tune is not None:
            faults = len(as_tune.violations)
            if as_old_style is None or faults <= len(as_old_style.violations):
                return as_tune
    # 3) Otherwise they are a couplet if they have the shape of one, but not that of 詩.
    if as_old_style is None:
        couplet = couplets.find(lines, level, standard)
        if couplet is not None:
            return couplet
    # 4) Otherwise they are old-style verse if more than half of the even lines rhyme: each fault of
    # old-style verse is an even line that does not.
    even_lines = len(lines) // 2
    if as_old_style is None or 2 * len(as_old_style.violations) >= even_lines:
        as_shi = as_regulated or as_old_style
        return _no_form(lines, tune_of_heading, as_shi, level, standard)
    if as_regulated is None:
        return as_old_style
    notes = []
    if len(lines) == FEWEST_LINES:
        notes.append(shi.quatrain_note(lines, as_old_style.rhyme, standard))
    places = [f"{fault.rule} {fault.line}.{fault.position}" for fault in as_regulated.violations]
    form_note = Note(
        "read_as",
        form=as_old_style.form,
        other=as_regulated.form,
        faults=len(places),
        has=places,
    )
    notes.append(form_note)
    return replace(as_old_style, notes=tuple(notes) + as_old_style.notes)


def _no_form(
    lines: tuple[str, ...],
    tune_of_heading: Tune | None,
    as_shi: Verdict | None,
    level: str,
    standard: Standard,
) -> Verdict:
    """Return the verdict on lines that fit no form.

    If the lines have nearly the shape of a form, the verdict says how their shape differs from it.

    Args:
        tune_of_heading: The tune that a heading names, if there is one.
        as_shi: The verdict by the form of 詩 whose shape the lines have, if there is one.
    """
    notes = [shape_note(lines)]
    if as_shi:  # lines in the shape of 詩 lack only the rhyme: no other form is looked for
        notes.append(Note("no_rhyme", rhyme="missing"))
        notes.append(Note("nearest", form=as_shi.form, faults=len(as_shi.violations)))
    else:
        near_tunes = ci.nearest(lines)
        near_form = _near_form(lines, tune_of_heading, near_tunes)
        if near_form is not None:
            return _judge_shape(lines, near_form, level, standard)
        notes.append(Note("no_form", rhyme=None))
        if near_tunes:
            notes.append(Note("tunes_near", has=near_tunes))
    return Verdict(
        form=None,
        template=None,
        rhyme=None,
        level=level,
        lines=lines,
        violations=(),
        notes=tuple(notes),
        standard=standard.name,
    )


def _near_form(
    lines: Sequence[str], tune_of_heading: Tune | None, near_tunes: Sequence[str]
) -> Form | None:
    """Find a form whose shape the lines nearly have, or return None.

    If a heading names a tune that is one of `near_tunes`, return the form of that tune. Otherwise
    return a form of 詩 that has one character more or less than the lines.
    """
    if tune_of_heading and tune_of_heading.names[0] in near_tunes:
        return find_form(tune_of_heading.names[0])
    for form in FORMS.values():
        difference = sum(abs(len(line) - form.width) for line in lines)
        if form.lines == len(lines) and difference == 1:
            return form
    return None


def _is_regulated(as_regulated: Verdict, as_old_style: Verdict) -> bool:
    """Return whether a poem in the shape of a regulated form is regulated verse.

    It must rhyme in a level tone and have at most five faults (three in a quatrain, from 24 lines
    on one per four lines). There is one exception. A poem with several faults that fits old-style
    verse is old-style if its rhyme changes or is oblique, if a whole line follows another template,
    or if one of the faults is 失黏 in a 五絕, as in 靜夜思. lab/LOG.md (2026-12-01) has the
    shares of old-style poems and of faulty drafts that are judged as regulated verse.

    Args:
        as_regulated: The verdict on the poem as regulated verse, at the customary level.
        as_old_style: The verdict on the poem as old-style verse.
    """

    def is_level(rhyme: str | None) -> bool:
        """Return whether a verdict's rhyme, one group or several neighbouring groups, is level."""
        groups = STANDARDS[as_regulated.standard].groups
        return rhyme is not None and groups[rhyme[0]].tone == LEVEL

    if not is_level(as_regulated.rhyme):
        return False
    rules = [fault.rule for fault in as_regulated.violations]
    if as_old_style.ok and len(rules) > 1:
        # a line whose type cannot follow that of the line before is in the order of another template
        is_out_of_order = any(
            is_turned(kind, next_) for kind, next_ in pairwise(as_regulated.kinds)
        )
        is_like_jingyesi = as_regulated.form == "五絕" and "失黏" in rules
        if is_out_of_order or is_like_jingyesi or not is_level(as_old_style.rhyme):
            return False
    couplet_count = len(as_regulated.lines) // 2
    most_faults = min(couplet_count + 1, _MOST_FAULTS)
    # a fault per four lines is more from 24 lines on
    most_faults = max(most_faults, couplet_count // 2)
    return len(rules) <= most_faults


def _judge_shape(lines: tuple[str, ...], form: Form, level: str, standard: Standard) -> Verdict:
    """Return the verdict on lines that do not have the shape of the form.

    A line of the wrong length has its fault at the first extra or missing character; a poem with
    the wrong number of lines has its fault at the first extra or missing line.
    """
    # 1) The faults. Lines that the form does not have, or that the text lacks, are not compared.
    widths = form.widths(len(lines))
    wrong_lines = []
    for number, (line, width) in enumerate(zip(lines, widths, strict=False)):
        if len(line) != width:
            wrong_lines.append(number)
    if form.tune and len(lines) != form.lines:
        # with a line too many or too few, all later lines are compared with a line beside their own
        wrong_lines = wrong_lines[:1]
    faults = []
    for number in wrong_lines:
        place = min(len(lines[number]), widths[number])
        faults.append(Violation.at("字數", lines, number, place, standard))
    if not form.takes(len(lines)):
        first_extra_or_missing = len(lines)
        if form.lines is not None:
            first_extra_or_missing = min(len(lines), form.lines)
        faults.append(Violation.at("句數", lines, first_extra_or_missing, 0, standard))
    # 2) The notes.
    notes = [shape_note(lines)]
    if len(wrong_lines) < 3:  # more would only repeat what the faults show
        for number in wrong_lines:
            has = len(lines[number])
            notes.append(Note("line_length", line=number + 1, has=has, width=widths[number]))
    # `size` is the number of lines that the form takes, as the note says it
    if form.lines:
        size = f"{form.lines}"
    elif form.regulated:
        size = "10, 12 …"
    else:
        size = "1, 2 …"
    code = "not_checked"
    wanted_width: int | str = form.width
    if form.tune:
        code = "not_checked_tune"
        wanted_width = " ".join(str(width) for width in widths)
    notes.append(Note(code, form=form.name, wanted=form.lines, size=size, width=wanted_width))
    return Verdict(
        form=form.name,
        template=None,
        rhyme=None,
        level=level,
        lines=lines,
        violations=tuple(faults),
        notes=tuple(notes),
        standard=standard.name,
    )
