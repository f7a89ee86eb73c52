"""Draw a verdict: its lines of text in the user's language, and HTML for a notebook."""

from html import escape

from pingze.messages import here, language
from pingze.verse.rhyme_groups import GROUPS, LEVEL, OBLIQUE
from pingze.verse.rules import definition
from pingze.verse.tones import EITHER, tone
from pingze.verse.verdict import Verdict

_SIGNS = {LEVEL: "○", OBLIQUE: "●", EITHER: "◐"}
_FAULTY = ' style="color: #b33a2b; font-weight: bold"'


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
    return faults + (here("judged_rhyme") if verdict.judged == "rhyme" else "")


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
    notes = [note.text(language()) for note in verdict.notes]
    items = "".join(f"<li>{escape(item)}</li>" for item in (*faults, *notes))
    verse = f'<div lang="zh-Hant" style="font-size: 150%; line-height: 2">{"<br>".join(rows)}</div>'
    return f"<b>{escape(heading(verdict))}</b>{verse}<ul>{items}</ul>{escape(summary(verdict))}"
