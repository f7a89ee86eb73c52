"""Show a checked poem on a terminal: tones and faults under each character.

The signs are those of `verse.verdict`. A terminal shows colours; anything else gets plain text.
"""

from collections.abc import Callable, Sequence

from rich.text import Text

from pingze.messages import language
from pingze.verse.rules import definition
from pingze.verse.verdict import Verdict, Violation, heading, sign, summary

_CELL = 3  # columns: a character takes two, and one is left between


def show(verdict: Verdict, fitting: Callable[[Violation], Sequence[str]] | None = None) -> Text:
    """Draw the poem with its tones, each fault under its character, the broken rules, and the notes.

    `fitting` gives the characters that would fit in place of a faulty one; they are named beside the fault.
    """
    text = Text(no_wrap=False)
    text.append(heading(verdict) + "\n\n", "bold")
    for number, line in enumerate(verdict.lines, 1):
        faults = [fault for fault in verdict.violations if fault.line == number]
        faulty = {fault.position - 1 for fault in faults}
        # 1) The characters, and their tones under them.
        text.append(f"{number:>2}")
        for place, character in enumerate(line):
            text.append(" ").append(character, "bold red" if place in faulty else "")
        text.append(
            "\n   " + "".join(sign(character).ljust(_CELL) for character in line).rstrip() + "\n", "cyan"
        )
        # 2) Each fault under its character.
        for fault in faults:
            text.append("   " + " " * _CELL * (fault.position - 1)).append(f"^^ {fault.rule}", "red")
            fits = fitting(fault) if fitting else ()
            text.append(f": {' '.join(fits)}\n" if fits else "\n")
    for fault in verdict.violations:
        if fault.line > len(verdict.lines):
            text.append(f"{fault.line:>2} {fault.rule}\n", "red")
    if verdict.lines:
        text.append("\n")
    for rule in dict.fromkeys(fault.rule for fault in verdict.violations):
        text.append(f"{rule}: {definition(rule, language())}\n")
    for doubt in verdict.doubts:
        text.append(f"? {doubt.text(language())}\n", "yellow")
    for note in verdict.notes:
        text.append(f"· {note.text(language())}\n", "dim")
    return text.append(summary(verdict))
