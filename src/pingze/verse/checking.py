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
from pingze.verse.patterns import CUSTOMARY, PREFIXES, SIDES, accepted, enforced, is_turned
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE
from pingze.verse.standard import PINGSHUI, STANDARDS, Standard, find_standard
from pingze.verse.tunes import Tune, find_tune, named_tune, shapes_of
from pingze.verse.verdict import (
    Note,
    Verdict,
    Violation,
    character_notes,
    fine_notes,
    reading_notes,
    shape_note,
)

# a text in the shape of regulated verse may have so many faults and still be judged as that: three
# in a quatrain, more in longer ones
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
    by = find_standard(standard)
    as_couplet = form is not None and to_traditional(form.strip()) == COUPLET
    given_form = None
    if form is not None and not as_couplet:
        given_form = find_form(form)
    read = read_text(text)

    def judge(lines: tuple[str, ...]) -> Verdict:
        """Judge lines of Traditional characters by the given form, or by the best one."""
        if as_couplet:
            return couplets.judge(lines, level, by)
        if given_form is None:
            return _find(lines, read.left_out, level, by)
        shape = ci.best_shape(lines, given_form, level, by)
        if shape.cut(lines) is None:
            return _shape_faults(lines, shape, level, by)
        return _judge(lines, shape, level, by)

    # 1) Judge the lines.
    lines, verdict = _by_rules(read.lines, judge)
    # 2) Add the notes on the text.
    notes = list(reading_notes(read, lines))
    notes += verdict.notes
    if given_form is None and not (verdict.ok and verdict.template):
        size = _several(lines, faults=1, standard=by)
        if size:
            notes.append(Note("several_poems", count=len(lines) // size, wanted=size))
    if len(lines) == 1 and len(lines[0]) in (5, 7):
        notes.append(_line_note(lines[0], level, by))
    if verdict.judged != "shape":
        notes += character_notes(verdict.lines, by, repeated=verdict.template is not None)
    if fine and verdict.template and verdict.rhyme and by.groups[verdict.rhyme].tone == LEVEL:
        notes += fine_notes(lines, verdict.rhyme, by)
    # 3) If characters were converted, show them as they were typed.
    written = verdict.lines
    faults = list(verdict.violations)
    typed = "".join(read.lines)
    if typed != "".join(written):
        written = tuple(Layout(len(line) for line in written).cut(typed))
        for index, fault in enumerate(faults):
            if fault.char:
                char = written[fault.line - 1][fault.position - 1]
                faults[index] = replace(fault, char=char)
    return replace(
        verdict, lines=written, violations=tuple(faults), notes=tuple(notes), read=verdict.lines
    )


def _line_note(line: str, level: str, standard: Standard) -> Note:
    """Say by which pattern a line alone is one of regulated verse 律句, if it is by any."""
    tones = [standard.tones(character) or {LEVEL, OBLIQUE} for character in line]
    for kind in PREFIXES:
        for pattern in accepted(kind, len(line), level):
            wanted = [SIDES.get(sign, "中") for sign in pattern.tones]
            pairs = zip(wanted, tones, strict=True)
            if all(tone == "中" or tone in possible for tone, possible in pairs):
                return Note("regular_line", wanted="".join(wanted))
    own = [next(iter(possible)) if len(possible) == 1 else "中" for possible in tones]
    return Note("irregular_line", own="".join(own))


def poems_in(
    text: str,
    *,
    form: str | None = None,
    standard: str = PINGSHUI.name,
    keep_others: bool = False,
) -> list[str]:
    """Split a text into poems at blank lines and headings.

    An untitled block of lines may also hold several poems of four or eight lines each. The block is
    split if each of these poems is a 絕 or 律 without a fault, and if no poem rhymes in the group
    of the previous poem or in a neighbouring group. A block that is one regulated poem as a whole is
    not split.

    Args:
        text: One poem or several, as a person writes them.
        form: The form by which the poems are judged; if it is given, blocks are not split by their
            rhymes.
        standard: How characters are read, as in `check`.
        keep_others: Whether a text between two poems that is no Chinese keeps its place among them.
    """
    by = find_standard(standard)
    blocks = split_poems(text, form=form, keep_others=keep_others)
    if form is not None:
        return blocks
    poems = []
    for block in blocks:
        read = read_text(block)
        size = 0
        if not read.left_out and len(read.lines) >= 2 * FEWEST_LINES:
            size = _several(tuple(lines_in_context(read.lines)), faults=0, standard=by)
        if size == 0:
            poems.append(block)
            continue
        starts = range(0, len(read.lines), size)
        poems += ["\n".join(read.lines[start : start + size]) for start in starts]
    return poems


def _several(lines: tuple[str, ...], faults: int, standard: Standard) -> int:
    """Return 4 or 8 if `lines` are several 絕 or 律 of that many lines; else 0.

    Each of these has at most `faults` faults, and they have fewer in all than the lines have as
    one regulated poem.
    """
    feet = [standard.rhymes(line[-1]) for line in lines[1::2] if line]
    known = [foot for foot in feet if foot]
    if not known or frozenset.intersection(*known):
        return 0  # the even lines share a rhyme
    widths = {len(line) for line in lines}
    for form in FORMS.values():
        size = form.lines
        if size is None or widths != {form.width}:
            continue
        if len(lines) == size or len(lines) % size != 0:
            continue
        faults_in_all = _faults_of_parts(lines, form, size, faults, standard)
        if faults_in_all is not None:
            as_one = _judge(lines, _shaped(lines)[0], CUSTOMARY, standard)
            if faults_in_all < len(as_one.violations):
                return size
    return 0


def _faults_of_parts(
    lines: tuple[str, ...], form: Form, size: int, faults: int, standard: Standard
) -> int | None:
    """Count the faults of lines as poems of `size` lines.

    Return None if a poem has more than `faults` faults, or rhymes in the group of the previous poem
    or in a neighbouring group.
    """
    total = 0
    before = frozenset[str]()
    for start in range(0, len(lines), size):
        verdict = _judge(lines[start : start + size], form, CUSTOMARY, standard)
        if len(verdict.violations) > faults or not verdict.rhyme or verdict.rhyme in before:
            return None
        before = standard.neighbours[verdict.rhyme]
        total += len(verdict.violations)
    return total


def _shaped(lines: Sequence[str]) -> list[Form]:
    """List the forms whose shape the lines have, the regulated one first."""
    widths = {len(line) for line in lines}
    return [form for form in FORMS.values() if widths == {form.width} and form.takes(len(lines))]


def _by_rules(
    typed: Sequence[str], judge: Callable[[tuple[str, ...]], Verdict]
) -> tuple[tuple[str, ...], Verdict]:
    """Convert typed lines to Traditional characters and judge them.

    Return the converted lines and their verdict.

    An ambiguous character at a fault of the first verdict is read as another of its possible words
    if this leaves fewer faults.
    """
    lines = tuple(lines_in_context(typed))
    verdict = judge(lines)
    if not verdict.violations:
        return lines, verdict
    text = "".join(typed)
    typed_layout = Layout(len(line) for line in typed)
    # the verdict may divide the text into other lines, which its faults count
    layout = Layout(len(line) for line in verdict.lines)
    first_faults = verdict.violations  # `verdict` may change below
    for fault in first_faults:
        if not fault.char:
            continue
        read = "".join(lines)
        place = layout.starts[fault.line - 1] + fault.position - 1
        for word in other_words(text, read, place):
            # in the same line, an equal character is the same word, as in 累累
            characters = list(read)
            for at in layout.places(fault.line - 1):
                if text[at] == text[place]:
                    characters[at] = word
            other_lines = tuple(typed_layout.cut("".join(characters)))
            other_verdict = judge(other_lines)
            if other_verdict.form and len(other_verdict.violations) < len(verdict.violations):
                lines = other_lines
                verdict = other_verdict
                break
    return lines, verdict


def _judge(lines: tuple[str, ...], form: Form, level: str, standard: Standard) -> Verdict:
    if form.tune:
        return ci.judge(lines, form, level, standard)
    if form.regulated:
        return shi.judge_regulated(lines, form, level, standard)
    return shi.judge_old_style(lines, form, level, standard)


def _find(
    lines: tuple[str, ...], headings: Sequence[str], level: str, standard: Standard
) -> Verdict:
    """Judge lines by the form that they fit best.

    A tune that one of `headings` names is tried first.
    """
    is_poem = len(lines) >= FEWEST_LINES and len(set(lines)) > 1
    # at most a regulated form, then one of old-style verse
    shaped = _shaped(lines) if is_poem else []
    named = named_tune(headings)
    if named and is_poem:
        of_tune = ci.find(lines, named, level, standard)
        if of_tune is not None:
            return of_tune
    # 1) The lines are regulated verse if they have few faults at the customary level.
    verdict = None
    as_old = None
    if shaped and shaped[0].regulated:
        verdict = _judge(lines, shaped[0], level, standard)
        if verdict.ok and level == CUSTOMARY:
            return verdict
    if shaped:
        as_old = _judge(lines, shaped[-1], level, standard)
    if verdict and as_old:
        at_customary = verdict
        if level != CUSTOMARY:
            at_customary = _judge(lines, shaped[0], CUSTOMARY, standard)
        if _is_regulated(at_customary, as_old):
            if as_old.ok and verdict.violations:
                also_old = Note("also_old", form=shaped[-1].name)
                return replace(verdict, notes=(*verdict.notes, also_old))
            return verdict
    # 2) Otherwise they are a 詞 if they fit a tune, and no worse than they fit old-style verse.
    if is_poem and not named:  # a named tune has been tried
        of_tune = ci.find(lines, None, level, standard)
        if of_tune and (as_old is None or len(of_tune.violations) <= len(as_old.violations)):
            return of_tune
    # 3) Otherwise they are a couplet if they have the shape of one, but not that of 詩.
    if as_old is None:
        couplet = couplets.find(lines, level, standard)
        if couplet is not None:
            return couplet
    # 4) Otherwise they are old-style verse if more than half of the even lines rhyme.
    if as_old is None or 2 * len(as_old.violations) >= len(lines) // 2:
        return _no_form(lines, named, verdict or as_old, level, standard)
    if verdict is None:
        return as_old
    notes = []
    if len(lines) == FEWEST_LINES:
        notes.append(shi.quatrain_note(lines, as_old.rhyme, standard))
    places = [f"{fault.rule} {fault.line}.{fault.position}" for fault in verdict.violations]
    notes.append(
        Note("read_as", form=as_old.form, other=verdict.form, faults=len(places), has=places)
    )
    return replace(as_old, notes=tuple(notes) + as_old.notes)


def _no_form(
    lines: tuple[str, ...],
    named: Tune | None,
    nearest: Verdict | None,
    level: str,
    standard: Standard,
) -> Verdict:
    """Return the verdict on lines that fit no form, or on their shape if it is nearly a form's.

    Args:
        named: The tune that a heading names.
        nearest: The verdict by the form of 詩 whose shape the lines have, if there is one.
    """
    tunes = [] if nearest else ci.nearest(lines)
    if nearest is None:
        near = _near_form(lines, named, tunes)
        if near is not None:
            return _shape_faults(lines, near, level, standard)
    notes = [shape_note(lines)]
    if nearest:
        notes.append(Note("no_rhyme", rhyme="missing"))
    else:
        notes.append(Note("no_form", rhyme=None))
    if tunes:
        notes.append(Note("tunes_near", has=tunes))
    if nearest:
        notes.append(Note("nearest", form=nearest.form, faults=len(nearest.violations)))
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


def _near_form(lines: Sequence[str], named: Tune | None, tunes: Sequence[str]) -> Form | None:
    """Find the form that lines without the shape of any form nearly have, or None.

    It is the named tune if it is one of `tunes`, the nearest tunes, or else a form of 詩 from which
    the lines differ in one character.
    """
    if named:
        for name in tunes:
            if find_tune(name) in shapes_of(named):
                return find_form(name)
    for form in FORMS.values():
        difference = sum(abs(len(line) - form.width) for line in lines)
        if form.lines == len(lines) and difference == 1:
            return form
    return None


def _is_regulated(verdict: Verdict, as_old: Verdict) -> bool:
    """Return whether a poem in the shape of a regulated form, judged as customary, is regulated.

    It is if it rhymes in a level tone and has at most five faults: three in a quatrain, and from 24
    lines on one per four lines. There is one exception: a poem with several faults that fits old-style
    verse is old-style if its rhyme changes or is oblique, if a whole line follows another template,
    or if one of the faults is 失黏 in a 五絕, as in 靜夜思. lab/LOG.md (2026-12-01) has the
    shares of old-style poems and of faulty drafts that are judged as regulated verse.

    Args:
        verdict: The verdict on the poem as regulated verse.
        as_old: The verdict on it as old-style verse.
    """

    def is_level(rhyme: str | None) -> bool:
        """Return whether the poem has one rhyme, or neighbouring ones, in a level tone."""
        return rhyme is not None and STANDARDS[verdict.standard].groups[rhyme[0]].tone == LEVEL

    if not is_level(verdict.rhyme):
        return False
    rules = [violation.rule for violation in verdict.violations]
    if as_old.ok and len(rules) > 1:
        turned = any(is_turned(one, other) for one, other in pairwise(verdict.kinds))
        unruly = turned or (verdict.form == "五絕" and "失黏" in rules)
        if unruly or not is_level(as_old.rhyme):
            return False
    couplets = len(verdict.lines) // 2
    most = min(couplets + 1, _MOST_FAULTS)
    if couplets // 2 > most:  # in 24 lines or more
        most = couplets // 2
    return len(rules) <= most


def _shape_faults(lines: tuple[str, ...], form: Form, level: str, standard: Standard) -> Verdict:
    """Return the verdict on lines that do not have the shape of the form.

    A line of the wrong length has its fault at the first extra or missing character; a poem with
    the wrong number of lines has its fault at the first extra or missing line.
    """
    # 1) The faults.
    widths = form.widths(len(lines))
    wrong = []
    for number, (line, width) in enumerate(zip(lines, widths, strict=False)):
        if len(line) != width:
            wrong.append(number)
    if form.tune and len(lines) != form.lines:
        wrong = wrong[:1]  # the first one shifts all later lines
    faults = []
    for number in wrong:
        place = min(len(lines[number]), widths[number])
        faults.append(Violation.at("字數", lines, number, place, standard))
    if not form.takes(len(lines)):
        faults.append(Violation.at("句數", lines, min(len(lines), form.lines or len(lines)), 0))
    # 2) The notes.
    notes = [shape_note(lines)]
    if len(wrong) < 3:
        for number in wrong:
            has = len(lines[number])
            notes.append(Note("line_length", line=number + 1, has=has, width=widths[number]))
    if form.tune:
        lengths = " ".join(str(width) for width in widths)
        notes.append(
            Note(
                "not_checked_tune",
                form=form.name,
                wanted=form.lines,
                size=f"{form.lines}",
                width=lengths,
            )
        )
    else:
        if form.lines:
            size = f"{form.lines}"
        elif form.regulated:
            size = "10, 12 …"
        else:
            size = "1, 2 …"
        notes.append(
            Note("not_checked", form=form.name, wanted=form.lines, size=size, width=form.width)
        )
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
