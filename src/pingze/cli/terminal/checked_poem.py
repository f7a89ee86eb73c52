"""A checked poem as a terminal shows it: tones and faults under each character.

The signs are those of `prosody.drawing`. A terminal shows colours; anything else gets plain text.
"""

from collections.abc import Callable, Sequence

from rich.text import Text

from pingze.verse.diagram import heading, sign, summary
from pingze.verse.rules import definition
from pingze.verse.verdict import Verdict, Violation

_CELL = 3  # columns: a character takes two, and one is left between


def show(verdict: Verdict, fitting: Callable[[Violation], Sequence[str]] | None = None) -> Text:
    """The poem with its tones, each fault under its character, what the broken rules ask for, and the notes.

    `fitting` gives the characters that would fit in place of a faulty one; they are named beside the fault.
    """
    text = Text(no_wrap=False)
    text.append(heading(verdict) + "\n\n", "bold")
    for number, line in enumerate(verdict.lines, 1):
        faults = [violation for violation in verdict.violations if violation.line == number]
        _append_line(text, number, line, faults)
        for fault in faults:
            _append_fault(text, fault, fitting(fault) if fitting else ())
    beyond = [violation for violation in verdict.violations if violation.line > len(verdict.lines)]
    for fault in beyond:
        text.append(f"{fault.line:>2} {fault.rule}\n", "red")
    if verdict.lines:
        text.append("\n")
    for rule in dict.fromkeys(violation.rule for violation in verdict.violations):
        text.append(f"{rule}: {definition(rule)}\n")
    for note in verdict.notes:
        text.append(f"· {note}\n", "dim")
    text.append(summary(verdict))
    return text


def _append_line(text: Text, number: int, line: str, faults: Sequence[Violation]) -> None:
    faulty = {fault.position - 1 for fault in faults}
    text.append(f"{number:>2} ")
    for place, character in enumerate(line):
        if place:
            text.append(" ")
        text.append(character, "bold red" if place in faulty else "")
    text.append("\n   ")
    text.append("".join(sign(character).ljust(_CELL) for character in line).rstrip() + "\n", "cyan")


def _append_fault(text: Text, fault: Violation, fitting: Sequence[str]) -> None:
    text.append("   " + " " * _CELL * (fault.position - 1))
    text.append(f"^^ {fault.rule}", "red")
    text.append(f": {' '.join(fitting)}" if fitting else "")
    text.append("\n")
