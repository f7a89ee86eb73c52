"""Check a poem: find its form, template and rhyme, and all that breaks them.

A poem passes if some reading of its characters fits; an unknown character fits anything.
"""

from dataclasses import replace

from pingze.errors import InputError, wrong_type
from pingze.verse import old_style, regulated
from pingze.verse.context import lines_in_context
from pingze.verse.forms import FEWEST_LINES, FORMS, Form, find_form
from pingze.verse.notes import character_notes, fine_notes, reading_notes, shape_note
from pingze.verse.pasted_text import read_text
from pingze.verse.patterns import CUSTOMARY, STRICTNESSES
from pingze.verse.rhyme_groups import GROUPS, LEVEL
from pingze.verse.verdict import Note, Verdict, Violation


def check(text: str, *, form: str | None = None, level: str = CUSTOMARY, fine: bool = False) -> Verdict:
    """Check one poem in the form given, or in the one that it has the shape of.

    Four and eight lines are 絕 and 律, an even number from ten 排, if they rhyme level and keep a template but for a
    few faults; else the poem is old-style verse 古, in which only the rhyme can be broken. So is a quatrain of five
    with two faults, as 靜夜思. A text of another shape, or one half of whose even lines do not rhyme, fits no form, and
    is not judged. No text is refused.

    Args:
        text: The poem as a person writes it; title, author and remarks in brackets are left out.
        form: The form 體 to judge it by, as 七律, instead of the one found.
        level: customary allows what poets allowed, strict what the manuals do.
        fine: Whether regulated verse gets the notes of later manuals too: 撞韻, 擠韻, 冒韻, 四字目孤平.

    Raises InputError when `text` is no text, `form` names no form or `level` no level.

    Source of each rule: `verse.rules.rules`.
    """
    if not isinstance(text, str):
        raise wrong_type("text", text, "text")
    if level not in STRICTNESSES:
        raise InputError("choice", field="level", has=level, choices=STRICTNESSES)
    asked = None if form is None else find_form(form)
    read = read_text(text)
    lines = tuple(lines_in_context(read.lines))
    if asked is None:
        verdict = _find(lines, level)
    else:
        verdict = (_judge if _has_shape(lines, asked) else _shape_faults)(lines, asked, level)
    notes = (*reading_notes(read, lines), *verdict.notes)
    if verdict.judged != "shape":
        notes = (*notes, *character_notes(lines, repeated=verdict.template is not None))
    if fine and verdict.template and verdict.rhyme and GROUPS[verdict.rhyme].tone == LEVEL:
        notes = (*notes, *fine_notes(lines, verdict.rhyme))
    written = tuple(read.lines)
    faults = tuple(
        replace(fault, char=written[fault.line - 1][fault.position - 1 :][:1]) if fault.char else fault
        for fault in verdict.violations
    )
    return replace(verdict, lines=written, violations=faults, notes=notes)


def _judge(lines: tuple[str, ...], form: Form, level: str) -> Verdict:
    return regulated.judge(lines, form, level) if form.regulated else old_style.judge(lines, form, level)


def _has_shape(lines: tuple[str, ...], form: Form) -> bool:
    return form.takes(len(lines)) and all(len(line) == form.width for line in lines)


def _find(lines: tuple[str, ...], level: str) -> Verdict:
    """Judge lines in the form that they have."""
    written = len(lines) >= FEWEST_LINES and len(set(lines)) > 1
    shaped = [form for form in FORMS.values() if _has_shape(lines, form)] if written else []
    # 1) As regulated verse, which with the level customary has few faults, and as old-style verse.
    verdict = _judge(lines, shaped[0], level) if shaped and shaped[0].regulated else None
    if verdict and verdict.ok and level == CUSTOMARY:
        return verdict
    as_old = _judge(lines, shaped[-1], level) if shaped else None
    fits_old = as_old is not None and as_old.ok
    at_customary = verdict if level == CUSTOMARY or not verdict else _judge(lines, shaped[0], CUSTOMARY)
    if (
        verdict
        and at_customary
        and _is_regulated(at_customary)
        and not (fits_old and _is_old_quatrain(at_customary))
    ):
        also = fits_old and bool(verdict.violations) and len(lines) == FEWEST_LINES
        return replace(verdict, notes=(*verdict.notes, *[Note("also_old", form=shaped[-1].name)] * also))
    # 2) Old-style verse rhymes in more than half of the even lines.
    if as_old is None or 2 * len(as_old.violations) >= len(lines) // 2:
        if not shaped and (near := _nearly_shaped(lines)):
            return _shape_faults(lines, near, level)
        notes = [
            shape_note(lines),
            Note("no_rhyme", rhyme="missing") if shaped else Note("no_form", rhyme=None),
        ]
        if nearest := verdict or as_old:
            notes.append(Note("nearest", form=nearest.form, faults=len(nearest.violations)))
        return Verdict(None, None, None, level, lines, (), tuple(notes))
    if verdict is None:
        return as_old
    notes = [old_style.quatrain_note(lines, as_old.rhyme)] if len(lines) == FEWEST_LINES else []
    places = [f"{each.rule} {each.line}.{each.position}" for each in verdict.violations]
    notes.append(Note("read_as", form=as_old.form, other=verdict.form, faults=len(places), has=places))
    return replace(as_old, notes=(*notes, *as_old.notes))


def _nearly_shaped(lines: tuple[str, ...]) -> Form | None:
    """The form 絕 or 律 whose shape the lines have but for one character too many or too few."""
    forms = (form for form in FORMS.values() if form.lines == len(lines))
    return next((form for form in forms if sum(abs(len(line) - form.width) for line in lines) == 1), None)


def _is_old_quatrain(verdict: Verdict) -> bool:
    """Whether a quatrain of five, which is regulated but for a few faults, was rather meant as a 古絕, as 靜夜思.

    Two faults in five are as frequent in 五絕 as in the first four lines of longer old-style verse; in seven they
    are eleven times as rare. One fault is a slip.
    """
    rules = [violation.rule for violation in verdict.violations]
    return verdict.form == "五絕" and len(rules) > 1 and bool({"失對", "失黏"} & set(rules))


def _is_regulated(verdict: Verdict) -> bool:
    """Whether a poem that has the shape of a regulated form is one, though perhaps faulty, by its customary verdict.

    Of Tang poems with ten lines or more and one level rhyme, those with a fault to four lines or fewer are set apart
    from the old-style ones, which have three faults to four. Shorter ones form no such gap; a fault a couplet is
    allowed there.
    """
    allowed = len(verdict.lines) // (2 if len(verdict.lines) < 10 else 4)
    level_rhyme = verdict.rhyme is not None and GROUPS[verdict.rhyme].tone == LEVEL
    return level_rhyme and len(verdict.violations) <= allowed


def _shape_faults(lines: tuple[str, ...], form: Form, level: str) -> Verdict:
    """The verdict on lines that have another shape than the form.

    A line of the wrong length is faulty at its first character too many, or at the first that is missing; so is a
    poem at its first line too many or missing.
    """
    faults = [
        Violation.at("字數", lines, number, min(len(line), form.width))
        for number, line in enumerate(lines)
        if len(line) != form.width
    ]
    if not form.takes(len(lines)):
        faults.append(Violation.at("句數", lines, min(len(lines), form.lines or len(lines)), 0))
    sizes = f"{form.lines}" if form.lines else "10, 12 …" if form.regulated else "1, 2 …"
    odd = [number for number, line in enumerate(lines, 1) if len(line) != form.width]
    notes = [
        Note("line_length", line=n, has=len(lines[n - 1]), width=form.width) for n in odd if len(odd) < 3
    ]
    note = Note("not_checked", form=form.name, wanted=form.lines, size=sizes, width=form.width)
    return Verdict(form.name, None, None, level, lines, tuple(faults), (shape_note(lines), *notes, note))
