"""The verdict on a poem: form, template, rhyme, faults and notes, as data, in one line, and as HTML for a notebook."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape

from pingze.errors import Cause
from pingze.messages import Language, Parameter, here, language, say
from pingze.verse.rhyme_groups import GROUPS, LEVEL, OBLIQUE
from pingze.verse.rules import RHYME_RULES, SHAPE_RULES, definition
from pingze.verse.tones import EITHER, readings, sides, tone

_SIGNS = {LEVEL: "○", OBLIQUE: "●", EITHER: "◐"}
_FAULTY = ' style="color: #b33a2b; font-weight: bold"'


@dataclass(frozen=True, slots=True)
class Violation:
    """One fault, at one character."""

    rule: str
    """The rule's name, as 孤平: a key of `rules.rules` or one of `rules.SHAPE_RULES`."""
    line: int
    """The line's number, from 1."""
    position: int
    """The character's in its line, from 1."""
    char: str
    """The character there, as it was written; "" where one is missing."""
    readings: tuple[str, ...]
    """Its readings, tone and rhyme group, as 平東; () where none is known."""

    @classmethod
    def at(cls, rule: str, lines: Sequence[str], number: int, place: int) -> "Violation":
        """Make a violation at a place where a character may be missing.

        Args:
            rule: The rule's name.
            lines: The poem's lines.
            number: The line's number, from 0.
            place: The place in it, from 0.
        """
        char = lines[number][place : place + 1] if number < len(lines) else ""
        found = tuple(str(reading) for reading in readings(char)) if char else ()
        return cls(rule, number + 1, place + 1, char, found)

    def cause(self, rhyme: str | None) -> Cause:
        """Name the wanted and the actual tone or rhyme: a code (tone, rhyme, shape) with parameters.

        Args:
            rhyme: The poem's rhyme group, as 東; None where it has none.
        """
        found: Cause = {"rule": self.rule, "line": self.line, "position": self.position}
        if self.rule in SHAPE_RULES:
            return {"code": "shape", **found}
        if self.rule in RHYME_RULES:
            groups = [reading[1:] for reading in self.readings]
            return {"code": "rhyme", **found, "wanted": rhyme, "has": groups}
        tones = sides(self.char)
        wanted = {frozenset({LEVEL}): OBLIQUE, frozenset({OBLIQUE}): LEVEL}.get(tones)
        return {"code": "tone", **found, "wanted": wanted, "has": "".join(sorted(tones))}


class Note(str):
    """A remark that is no fault, in English; its `cause` holds the code and parameters of messages.toml."""

    cause: Cause

    def __new__(cls, code: str, **parameters: Parameter) -> "Note":
        """Say a message by its code."""
        note = super().__new__(cls, say(code, parameters))
        note.cause = {"code": code, **parameters}
        return note

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Parameter]]:
        """Copy and unpickle a note by its code and parameters."""
        return (str(self.cause["code"]),), {k: v for k, v in self.cause.items() if k != "code"}

    def text(self, language: Language) -> str:
        """Say the message in a language."""
        return say(str(self.cause["code"]), self.cause, language)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A poem's form, template and rhyme, and all that breaks them."""

    form: str | None
    """As 七絕; None for a poem of another shape, which a note describes."""
    template: str | None
    """The name of the opening that fits best, as 平起首句入韻; None for old-style verse."""
    rhyme: str | None
    """The rhyme group, as 東; several where old-style verse mixes neighbours, None where it changes rhyme."""
    level: str
    """customary or strict."""
    lines: tuple[str, ...]
    """The poem's lines as they were written, without marks."""
    violations: tuple[Violation, ...]
    """In the order of their places."""
    notes: tuple[Note, ...]
    """Remarks that are no faults."""
    doubts: tuple[Note, ...] = ()
    """Tones on which the verdict relies and which verse hardly ever uses, at all or in the word."""

    @property
    def ok(self) -> bool:
        """Whether the text fits a form, and nothing is broken."""
        return self.form is not None and not self.violations

    @property
    def judged(self) -> str:
        """The scope: "tones and rhyme", "rhyme" of old-style verse, "shape" where it is wrong, or "nothing"."""
        if self.form is None:
            return "nothing"
        if any(violation.rule in SHAPE_RULES for violation in self.violations):
            return "shape"
        return "tones and rhyme" if self.template else "rhyme"

    def _repr_html_(self) -> str:
        """Draw the verdict in a notebook: tones, faults and notes."""
        return html(self)

    def as_json(self) -> dict[str, object]:
        """The fields by name, with `ok` and `judged`."""
        return {"ok": self.ok, "judged": self.judged, **asdict(self)}


def sign(character: str) -> str:
    """The tone of a character: ○ level 平, ● oblique 仄, ◐ either, ? unknown."""
    return _SIGNS.get(tone(character), "?")


def heading(verdict: Verdict) -> str:
    """Form, template, rhyme and level in one line."""
    rhyme = "、".join(GROUPS[name].label for name in verdict.rhyme or "")
    form = verdict.form or here("formless")
    return " · ".join(filter(None, (form, verdict.template, rhyme, here(verdict.level))))


def summary(verdict: Verdict) -> str:
    """The number of faults and what was judged, in one line."""
    if verdict.form is None:
        return here("judged_nothing")
    count = len(verdict.violations)
    faults = here({0: "no_faults", 1: "one_fault"}.get(count, "faults"), has=count)
    doubts = here("doubts", has=len(verdict.doubts)) if verdict.doubts else ""
    return faults + doubts + (here("judged_rhyme") if verdict.judged == "rhyme" else "")


def html(verdict: Verdict) -> str:
    """The poem with each character's tone over it, faulty ones in red, then faults, rules and notes."""
    faulty = {(fault.line, fault.position) for fault in verdict.violations}
    rows = [
        "".join(
            f"<ruby{_FAULTY if (number, place) in faulty else ''}>"
            f"{escape(character)}<rt>{sign(character)}</rt></ruby>"
            for place, character in enumerate(line, 1)
        )
        for number, line in enumerate(verdict.lines, 1)
    ]
    faults = [
        here("fault_at", line=each.line, position=each.position, has=each.char, rule=each.rule)
        + definition(each.rule, language())
        for each in verdict.violations
    ]
    notes = [note.text(language()) for note in (*verdict.doubts, *verdict.notes)]
    items = "".join(f"<li>{escape(item)}</li>" for item in (*faults, *notes))
    verse = f'<div lang="zh-Hant" style="font-size: 150%; line-height: 2">{"<br>".join(rows)}</div>'
    return f"<b>{escape(heading(verdict))}</b>{verse}<ul>{items}</ul>{escape(summary(verdict))}"
