"""Check a poem: find its form, template and rhyme, and all that breaks them.

A poem passes if some reading of its characters fits; an unknown character fits anything.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pingze.errors import InputError, wrong_type
from pingze.verse import old_style, regulated
from pingze.verse.forms import FEWEST_LINES, FORMS, Form, find_form
from pingze.verse.notes import chosen_words, general_notes, shape_note, understood
from pingze.verse.pasted_text import read_text
from pingze.verse.patterns import CUSTOMARY, STRICTNESSES
from pingze.verse.quatrains import name_of_quatrain
from pingze.verse.rhyme_groups import GROUPS, LEVEL, OBLIQUE
from pingze.verse.simplified import lines_in_context
from pingze.verse.verdict import Note, Verdict, Violation


def check(text: str, *, form: str | None = None, level: str = CUSTOMARY) -> Verdict:
    """Check one poem in the form given, or in the one that it has the shape of.

    Four and eight lines are 絕 and 律, an even number from ten 排, if they rhyme level and keep a template but for a
    few faults; else the poem is old-style verse 古, in which only the rhyme can be broken. A text of another shape, or
    one half of whose even lines do not rhyme, fits no form, and is not judged. No text is refused.

    Args:
        text: The poem as a person writes it; title, author and remarks in brackets are left out.
        form: The form 體 to judge it by, as 七律, instead of the one found.
        level: customary allows what poets allowed, strict what the manuals do.

    Raises InputError when `text` is no text, `form` names no form or `level` no level.

    Source of each rule: `prosody.rules.RULES`.
    """
    if not isinstance(text, str):
        raise wrong_type("text", text, "text")
    if level not in STRICTNESSES:
        raise InputError(
            f"there is no level {level!r}; the levels are {' and '.join(STRICTNESSES)}",
            field="level",
            code="choice",
            has=level,
            choices=list(STRICTNESSES),
        )
    asked = None if form is None else find_form(form)
    read = read_text(text)
    written = tuple(read.lines)
    lines = tuple(lines_in_context(written))
    verdict = _find(lines, level) if asked is None else _judge_as(lines, asked, level)
    notes = (*understood(read), *chosen_words(written, lines), *verdict.notes)
    faults = (
        verdict.violations if written == lines else tuple(_as_written(v, written) for v in verdict.violations)
    )
    return replace(verdict, lines=written, violations=faults, notes=notes)


def _as_written(violation: Violation, lines: Sequence[str]) -> Violation:
    """A violation in a converted text with its character as a person wrote it."""
    line = lines[violation.line - 1] if violation.line <= len(lines) else ""
    return replace(violation, char=line[violation.position - 1 : violation.position])


def _judge_as(lines: tuple[str, ...], form: Form, level: str) -> Verdict:
    return _shape_faults(lines, form, level) or _judge(lines, form, level)


def _judge(lines: tuple[str, ...], form: Form, level: str) -> Verdict:
    return regulated.judge(lines, form, level) if form.regulated else old_style.judge(lines, form, level)


def _find(lines: tuple[str, ...], level: str) -> Verdict:
    """Judge lines in the form that they have."""
    if len(lines) < FEWEST_LINES:
        return _no_form(lines, level)
    form, old = (_form_of(lines, regulated=regulated) for regulated in (True, False))
    verdict = _judge(lines, form, level) if form else None
    if (
        verdict
        and form
        and _is_regulated(verdict if level == CUSTOMARY else _judge(lines, form, CUSTOMARY), form)
    ):
        return verdict
    as_old = _judge(lines, old, level) if old else None
    if as_old is None or not _rhymes(as_old):
        return _no_form(lines, level)
    return replace(as_old, notes=(*_why_old(as_old, verdict), *as_old.notes))


def _form_of(lines: tuple[str, ...], *, regulated: bool) -> Form | None:
    """The form whose shape lines have."""
    return next((f for f in FORMS.values() if f.regulated is regulated and _has_shape(lines, f)), None)


def _why_old(as_old: Verdict, other: Verdict | None) -> Iterator[Note]:
    """Why a poem of a regulated form's shape is read as old-style verse, and what it is then called."""
    if other is None:
        return
    faults = len(other.violations)
    said = f"read as {as_old.form}: as {other.form} it has {faults} faults"
    yield Note(said, "read_as", form=as_old.form, other=other.form, faults=faults)
    if len(as_old.lines) == FEWEST_LINES:
        yield name_of_quatrain(as_old.lines, rhymes_oblique=_tones_of_rhyme(as_old) == {OBLIQUE})


def _no_form(lines: tuple[str, ...], level: str) -> Verdict:
    """The verdict on what is no verse of any form, as far as can be seen."""
    same = len(set(map(len, lines))) == 1 and len(lines) >= FEWEST_LINES and len(lines[0]) in (5, 7)
    said = "fits no form: nothing was judged" + ", for half of the even lines or more do not rhyme" * same
    note = Note(said, "no_form", rhyme="missing" if same else None)
    return Verdict(None, None, None, level, lines, (), (shape_note(lines), note, *general_notes(lines)))


def _rhymes(as_old: Verdict) -> bool:
    """Whether more than half of the even lines rhyme."""
    return 2 * len(as_old.violations) < len(as_old.lines) // 2


def _tones_of_rhyme(verdict: Verdict) -> set[str]:
    return {GROUPS[name].side for name in verdict.rhyme or ""}


def _is_regulated(verdict: Verdict, form: Form) -> bool:
    """Whether a poem that has the shape of a regulated form is one, though perhaps faulty, by its customary verdict.

    Of Tang poems with ten lines or more and one level rhyme, those with a fault to four lines or fewer stand apart
    from the old-style ones, which have three faults to four. Shorter ones run on without a gap; there a fault a
    couplet is borne.
    """
    borne = len(verdict.lines) // (2 if form.lines else 4)
    level_rhyme = verdict.rhyme is not None and GROUPS[verdict.rhyme].tone == LEVEL
    return level_rhyme and len(verdict.violations) <= borne


def _has_shape(lines: tuple[str, ...], form: Form) -> bool:
    return form.takes(len(lines)) and all(len(line) == form.width for line in lines)


def _shape_faults(lines: tuple[str, ...], form: Form, level: str) -> Verdict | None:
    """The verdict on lines that have another shape than the form; None where they have its shape.

    A line of the wrong length is faulty at its first character too many, or at the first that is missing; so is a
    poem at its first line too many or missing.
    """
    if _has_shape(lines, form):
        return None
    faults = [
        Violation.at("字數", lines, number, min(len(line), form.width))
        for number, line in enumerate(lines)
        if len(line) != form.width
    ]
    if not form.takes(len(lines)):
        faults.append(Violation.at("句數", lines, min(len(lines), form.lines or len(lines)), 0))
    said = f"{form.name} has {form.size}, of {form.width} characters each; tones and rhyme were not checked"
    note = Note(said, "not_checked", form=form.name, wanted=form.lines, width=form.width)
    return Verdict(form.name, None, None, level, lines, tuple(faults), (shape_note(lines), note))
