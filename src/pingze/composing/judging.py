"""Judge a sheet as far as it is written: its faults, and what each of its blanks wants."""

from dataclasses import dataclass

import numpy as np

from pingze.composing.composer import lexicon_of
from pingze.composing.constraints.masks import Constraints
from pingze.composing.lexicon import FREE
from pingze.composing.read_request import checked_count, read_request
from pingze.composing.sheet import BLANK, Sheet
from pingze.composing.typed_text import noted
from pingze.network.vocabulary import SPECIAL_TOKENS, Vocabulary
from pingze.verse import ci, shi
from pingze.verse.checking import check
from pingze.verse.context import lines_in_context
from pingze.verse.forms import opening_name
from pingze.verse.standard import STANDARDS
from pingze.verse.verdict import Verdict

NO_MODEL = Vocabulary(SPECIAL_TOKENS)
"""The vocabulary of a request that no model writes."""
_TONES = "中平仄"  # in the order of `WANTS`


@dataclass(frozen=True, slots=True)
class Want:
    """What a blank wants under all templates and rhyme groups that are still possible."""

    line: int
    """The number of the blank's line, from 1."""
    position: int
    """The position of the blank in its line, from 1."""
    tone: str
    """平 or 仄; 中 if both are possible."""
    rhyme: str
    """The groups of which it must rhyme in one, as 東冬; "" if it need not rhyme."""


@dataclass(frozen=True, slots=True)
class SheetVerdict(Verdict):
    """The verdict on a sheet that has blanks.

    `template` and `rhyme` are those that the written characters fit best.
    """

    templates: tuple[str, ...] = ()
    """The names of the templates under which the written characters have the fewest faults."""
    rhymes: tuple[str, ...] = ()
    """For each rhyme, the groups that leave the fewest faults: 東冬; for 詞 第一部、第二部."""
    wants: tuple[Want, ...] = ()
    """What each blank wants, in the order of the blanks."""


def judge(sheet: Sheet) -> Verdict:
    """Judge a sheet by its form as far as it is written; a blank is never a fault.

    Args:
        sheet: The sheet. Its wishes for a template or a rhyme limit what is still possible.

    Returns a SheetVerdict if the sheet has blanks, else what `check` returns for the text. Raises
    InputError if a row does not fit the form, or the form, template or rhyme is unknown.
    """
    form = sheet.shape
    checked_count(sheet, form)
    if sheet.is_full:
        return check(
            "，".join(sheet.rows), form=form.name, level=sheet.level, standard=sheet.standard
        )
    # 1) Judge the lines by the form. A blank in a line that repeats another 疊句 stands for what
    #    is written there.
    rows = tuple(lines_in_context(sheet.rows))
    layout = form.layout(len(rows))
    text = "".join(rows)
    characters = list(text)
    for place, character in enumerate(text):
        for same in form.same(place):
            if character == BLANK and text[same] != BLANK:
                characters[place] = text[same]
    lines = tuple(layout.cut("".join(characters)))
    standard = STANDARDS[sheet.standard]
    if form.tune:
        verdict = ci.judge(lines, form, sheet.level, standard)
    elif form.regulated:
        verdict = shi.judge_regulated(lines, form, sheet.level, standard)
    else:
        verdict = shi.judge_old_style(lines, form, sheet.level, standard)
    faults = [fault for fault in verdict.violations if fault.char != BLANK]
    # a line with blanks may be turned or not
    notes = [note for note in verdict.notes if note.cause["code"] != "broken_waist"]
    # 2) Count the characters that do not fit each template and rhyme group.
    written = Sheet(
        form=form.name,
        lines=list(lines),
        level=sheet.level,
        standard=sheet.standard,
        template=sheet.template,
        rhyme=sheet.rhyme,
    )
    with noted():
        request = read_request(NO_MODEL, written)
    given = "".join(sorted({fix.character for fix in request.fixed}))
    constraints = Constraints(lexicon_of(NO_MODEL, standard, given), request)
    ids = [FREE] * len(text)
    for fix in request.fixed:
        ids[constraints.place_of(fix)] = constraints.lexicon.vocabulary.ids[fix.character]
    by_way, by_group, costs = constraints.costs(ids)
    possible = np.flatnonzero(costs == costs.min())
    # 3) Say what is still possible, and what each blank wants.
    rhymes = []
    rhyming = constraints.rhyming
    first_rows = rhyming.first_rows
    for by_row, names in zip(
        np.split(by_group[possible], first_rows[1:], axis=1),
        np.split(np.array(request.groups), first_rows[1:]),
        strict=True,
    ):
        is_best = (by_row == by_row.min(axis=1, keepdims=True)).any(axis=0)
        left = names[is_best].tolist()
        rhymes.append("、".join(left) if form.tune else standard.joined(left))
    is_least = by_way == by_way.min(axis=2, keepdims=True)
    wants = []
    for place in [at for at, character in enumerate(characters) if character == BLANK]:
        k, at = divmod(place, constraints.size)
        tones = set()
        for t in possible:
            tones.update(constraints.asked[t, k, is_least[t, k], at].tolist())
        rhyme = ""
        if constraints.feet[place, possible].all():
            row = rhyming.concerned[rhyming.kind[place]].argmax()
            rhyme = rhymes[rhyming.of_row[row]]
        line, position = layout.numbered(place)
        tone = _TONES[tones.pop()] if len(tones) == 1 else "中"
        wants.append(Want(line=line, position=position, tone=tone, rhyme=rhyme))
    openings = [request.openings[t] for t in possible if form.regulated]
    fields = {name: getattr(verdict, name) for name in Verdict.__dataclass_fields__}
    return SheetVerdict(
        **fields
        | {
            "lines": tuple(sheet.rows),
            "read": rows,
            "violations": tuple(faults),
            "notes": tuple(notes),
            "templates": tuple(opening_name(form.width, opening[0]) for opening in openings),
            "rhymes": tuple(rhymes),
            "wants": tuple(wants),
        }
    )
