"""A checked poem as a person sees it, in words, and in HTML for a notebook."""

from html import escape

from pingze.verse.rhyme_groups import GROUPS, LEVEL, OBLIQUE
from pingze.verse.rules import definition
from pingze.verse.tones import EITHER, tone
from pingze.verse.verdict import Verdict

_SIGNS = {LEVEL: "○", OBLIQUE: "●", EITHER: "◐"}
_FAULTY = "color: #b33a2b; font-weight: bold"


def sign(character: str) -> str:
    """The tone of a character: ○ level 平, ● oblique 仄, ◐ either, ? unknown."""
    return _SIGNS.get(tone(character), "?")


def heading(verdict: Verdict) -> str:
    """Form, template, rhyme and level in one line."""
    rhyme = "、".join(GROUPS[name].label for name in verdict.rhyme or "")
    return " · ".join(filter(None, (verdict.form or "no form", verdict.template, rhyme, verdict.level)))


def summary(verdict: Verdict) -> str:
    """How many faults there are and what was judged, in one line."""
    if verdict.form is None:
        return "fits no form"
    count = len(verdict.violations)
    judged = " (only the rhyme was judged)" * (verdict.judged == "rhyme")
    return f"{count or 'no'} {'fault' if count == 1 else 'faults'}{judged}"


def html(verdict: Verdict) -> str:
    """The poem with each character's tone over it, faulty ones in red, then faults, rules and notes."""
    rows = [_row(verdict, number, line) for number, line in enumerate(verdict.lines, 1)]
    faults = [
        f"line {fault.line}, character {fault.position} {fault.char}: {fault.rule}, {definition(fault.rule)}"
        for fault in verdict.violations
    ]
    items = "".join(f"<li>{escape(item)}</li>" for item in (*faults, *verdict.notes))
    verse = f'<div lang="zh-Hant" style="font-size: 150%; line-height: 2">{"<br>".join(rows)}</div>'
    return f"<b>{escape(heading(verdict))}</b>{verse}<ul>{items}</ul>{escape(summary(verdict))}"


def _row(verdict: Verdict, number: int, line: str) -> str:
    faulty = {fault.position for fault in verdict.violations if fault.line == number}
    styles = [f' style="{_FAULTY}"' if place in faulty else "" for place in range(1, len(line) + 1)]
    return "".join(
        f"<ruby{style}>{escape(character)}<rt>{sign(character)}</rt></ruby>"
        for character, style in zip(line, styles, strict=True)
    )
