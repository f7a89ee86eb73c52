"""Judge a sheet as far as it is written: its faults, and what each of its blanks wants."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pingze.composing.composer import lexicon_of
from pingze.composing.constraints.masks import Constraints
from pingze.composing.lexicon import FREE
from pingze.composing.read_request import checked_count, read_request
from pingze.composing.sheet import BLANK, Sheet
from pingze.composing.terms.antithesis import antithesis_notes
from pingze.composing.typed_text import noted
from pingze.deadline import check_deadline
from pingze.errors import Cause
from pingze.messages import Language, say
from pingze.network.vocabulary import SPECIAL_TOKENS, Vocabulary
from pingze.verse import ci, scansion, shi
from pingze.verse.checking import check
from pingze.verse.context import lines_in_context
from pingze.verse.forms import opening_name
from pingze.verse.rhyme_book import EITHER, UNKNOWN
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE
from pingze.verse.scansion import LineExplanation
from pingze.verse.standard import STANDARDS
from pingze.verse.suggestions import Neighbours, suggest
from pingze.verse.verdict import Note, Verdict, Violation

NO_MODEL = Vocabulary(SPECIAL_TOKENS)
"""The vocabulary of a request that no model writes."""
_TONES = "中平仄"  # in the order of `WANTS`
_SIGNS = {LEVEL: LEVEL, OBLIQUE: OBLIQUE, EITHER: "中", UNKNOWN: "？"}
MOST_FITTED = 64
"""The most faults of a text for which characters are suggested."""


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


@dataclass(frozen=True)
class Fault(Violation):
    """A fault at one character, and the characters that would fit there."""

    definition: str
    fitting: Sequence[str]
    cause: Cause
    """The wanted and the actual tone or rhyme, as a code with parameters."""


@dataclass(frozen=True)
class Judged:
    """The verdict on a poem, as in `pingze check --json`, with what would correct each fault."""

    ok: bool
    regulated: bool
    """Whether the form by which the poem was judged is regulated verse 近體."""
    judged: str
    form: str | None
    template: str | None
    rhyme: str | None
    level: str
    standard: str
    lines: Sequence[str]
    read: Sequence[str]
    """The lines as they were judged, in Traditional characters."""
    tones: Sequence[str]
    """A sign for each character of each line: 平 level, 仄 oblique, 中 either, ？ unknown."""
    readings: Sequence[Sequence[Sequence[str]]]
    """For each character of each line, its readings as tone and rhyme group, such as 平東."""
    violations: Sequence[Fault]
    notes: Sequence[str]
    remarks: Sequence[Cause]
    explanation: Sequence[LineExplanation]
    """The pattern, licence and readings of each line; empty unless the request asks for it."""
    templates: Sequence[str]
    """The templates that are still possible for a sheet with blanks; else empty."""
    rhymes: Sequence[str]
    """For each rhyme, the groups that are still possible for a sheet with blanks; else empty."""
    wants: Sequence[Want]
    """What each blank of a sheet wants."""
    id: str | None
    """The id that the request gave the poem."""


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
    # 1) Judge the lines by the form. If one of two lines that repeat each other 疊句 has a blank
    #    where the other has a character, the blank is read as this character.
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
    # Whether the order of line types is broken cannot be told while tones are open.
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
    with noted():  # notes on how options are read concern composing, not judging
        request = read_request(NO_MODEL, written)
    # `NO_MODEL` has no characters, so that the lexicon must add those of the sheet
    given = "".join(sorted(set(request.given)))
    constraints = Constraints(lexicon_of(NO_MODEL, standard, given), request)
    ids = [FREE] * len(text)
    for fix in request.fixed:
        ids[constraints.place_of(fix)] = constraints.lexicon.vocabulary.ids[fix.character]
    # `by_way` is (template, couplet, way), `by_group` (template, group), `costs` (template,)
    by_way, by_group, costs = constraints.costs(ids)
    possible = np.flatnonzero(costs == costs.min())
    # 3) For each rhyme, list the groups with the fewest faults under some possible template.
    rhymes = []
    rhyming = constraints.rhyming
    first_rows = rhyming.first_rows
    # the groups of each rhyme are adjacent columns of `by_group`
    for columns in np.split(np.arange(len(request.groups)), first_rows[1:]):
        faults_of_group = by_group[possible][:, columns]
        least = faults_of_group.min(axis=1, keepdims=True)  # under each possible template
        is_best = (faults_of_group == least).any(axis=0)
        groups_left = [request.groups[column] for column in columns[is_best].tolist()]
        rhymes.append("、".join(groups_left) if form.tune else standard.joined(groups_left))
    # 4) Say what each blank wants: the tones in the ways with the fewest faults to write its
    #    couplet, and its rhyme if every possible template has a foot there.
    is_best_way = by_way == by_way.min(axis=2, keepdims=True)
    wants = []
    blanks = [place for place, character in enumerate(characters) if character == BLANK]
    for place in blanks:
        # a row for each possible template, and a column for each way
        asked = constraints.asked_at(place)[possible]
        best_ways = is_best_way[possible, place // constraints.couplet_size]
        tones = set(asked[best_ways].tolist())
        rhyme = ""
        if constraints.feet[place, possible].all():
            # the first group that this kind of foot may use tells to which rhyme the foot belongs
            kind_of_foot = rhyming.kind[place]
            first_group = rhyming.concerned[kind_of_foot].argmax()
            rhyme = rhymes[rhyming.of_row[first_group]]
        line, position = layout.numbered(place)
        tone = _TONES[tones.pop()] if len(tones) == 1 else "中"
        wants.append(Want(line=line, position=position, tone=tone, rhyme=rhyme))
    # 5) Return the verdict on the lines, with what is still possible. Only regulated forms have
    #    several templates.
    openings = [request.openings[t] for t in possible if form.regulated]
    fields = {name: getattr(verdict, name) for name in Verdict.__dataclass_fields__}
    fields |= {
        "lines": tuple(sheet.rows),
        "read": rows,
        "violations": tuple(faults),
        "notes": tuple(notes),
        "templates": tuple(opening_name(form.width, opening[0]) for opening in openings),
        "rhymes": tuple(rhymes),
        "wants": tuple(wants),
    }
    return SheetVerdict(**fields)


def told(notes: Sequence[Note], language: Language) -> dict[str, Any]:
    """Return the fields of an answer for notes: `notes` in a language, `remarks` as codes."""
    return {
        "notes": [note.text(language) for note in notes],
        "remarks": [note.cause for note in notes],
    }


def describe(
    verdict: Verdict,
    language: Language,
    *,
    neighbours: Neighbours | None = None,
    fine: bool = False,
    explain: bool = False,
    id_: str | None = None,
) -> Judged:
    """Return a verdict in words, with the characters that fit at its faults.

    Args:
        verdict: The verdict on a poem or a sheet.
        language: The language of definitions and notes.
        neighbours: The table by which `suggest` orders the characters that fit.
        fine: Whether to add notes on antithesis 對仗.
        explain: Whether to add the explanation of each line.
        id_: A name for the poem.
    """
    standard = STANDARDS[verdict.standard]
    # 1) The faults. Characters that fit are looked up for the first `MOST_FITTED` only, since that
    #    takes time.
    faults: list[Fault] = []
    for violation in verdict.violations:
        check_deadline()
        fitting: Sequence[str] = ()
        if len(faults) < MOST_FITTED:
            fitting = suggest(verdict, violation, neighbours=neighbours)
        faults.append(
            Fault(
                **asdict(violation),
                definition=say(violation.rule, {}, language),
                fitting=fitting,
                cause=violation.as_cause(verdict.rhyme),
            )
        )
    # 2) The readings of all characters, and their tones. Where a character can have both tones,
    #    its place or its word may decide.
    explanation = scansion.explain_verdict(verdict)
    tones = []
    readings = []
    for line in verdict.read:
        tones.append([_SIGNS[standard.tone(character)] for character in line])
        readings.append([list(map(str, standard.readings(character))) for character in line])
    for explained in explanation:
        for reading in explained.readings:
            is_decided = len(reading.tone) == 1  # else the text has both tones, 平仄
            if is_decided:
                tones[explained.line - 1][reading.position - 1] = reading.tone
    # 3) The notes.
    notes = [*verdict.doubts, *verdict.notes]
    if fine:
        notes += antithesis_notes(verdict)
    # 4) What is still possible, which only the verdict on a sheet with blanks says.
    templates: Sequence[str] = ()
    rhymes: Sequence[str] = ()
    wants: Sequence[Want] = ()
    if isinstance(verdict, SheetVerdict):
        templates = verdict.templates
        rhymes = verdict.rhymes
        wants = verdict.wants
    return Judged(
        ok=verdict.ok,
        regulated=verdict.regulated,
        judged=verdict.judged,
        form=verdict.form,
        template=verdict.template,
        rhyme=verdict.rhyme,
        level=verdict.level,
        standard=verdict.standard,
        lines=verdict.lines,
        read=verdict.read,
        violations=faults,
        **told(notes, language),
        tones=["".join(line) for line in tones],
        readings=readings,
        explanation=explanation if explain else (),
        templates=templates,
        rhymes=rhymes,
        wants=wants,
        id=id_,
    )
