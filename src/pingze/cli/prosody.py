"""`pingze check`, `tones` and `rhyme`."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import cache
from typing import TYPE_CHECKING, Annotated

import typer

from pingze import verse as prosody
from pingze.cli.application import (
    BY_FIELD,
    JsonOption,
    LevelOption,
    StandardOption,
    app,
    file_name,
    option,
    print_json,
    print_json_list,
    read_text,
)
from pingze.errors import InputError
from pingze.messages import here, language
from pingze.verse.character_table import to_traditional
from pingze.verse.characters import only_han
from pingze.verse.context import in_context, tones_in
from pingze.verse.patterns import CUSTOMARY
from pingze.verse.rhyme import find_groups, rhyme_characters
from pingze.verse.rhyme_groups import PINGSHUI, STANDARDS, find_standard
from pingze.verse.tones import describe, known, sense, spoken_in
from pingze.verse.verdict import heading, sign, summary

if TYPE_CHECKING:
    from rich.text import Text

    from pingze.verse import Verdict, Violation
    from pingze.verse.explanation import LineExplanation
    from pingze.verse.suggestions import Neighbours

RHYMES_SHOWN = 60
_WORDS_SHOWN = 6
_CELL = 3  # columns: two for a character and one for the space after it


@app.command()
def check(
    file: Annotated[str, typer.Argument(metavar="[FILE|POEM|-]", help="Poems separated by blank lines.")] = "-",
    form: Annotated[str | None, option("form", "The form to check against, not the detected one.")] = None,
    level: LevelOption = CUSTOMARY,
    standard: StandardOption = PINGSHUI.name,
    fine: Annotated[
        bool, typer.Option("--fine", help="Also note 撞韻, 擠韻, 冒韻, 四字目孤平, 合掌 and weak 對仗.")
    ] = False,
    explained: Annotated[
        bool, typer.Option("--explain", help="Also show each line's pattern, rescue and readings.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check the form, tones and rhyme of poems; exit status 1 if one has a fault."""
    texts = prosody.poems_in(read_text(file), form=form, standard=standard)
    if not texts:
        raise InputError("no_verse", name=file_name(file))
    from pingze.cli.progress import counting

    passed = True
    with counting("poems_done", len(texts)) as count:

        def verdicts() -> "Iterator[Verdict]":
            nonlocal passed
            for done, text in enumerate(texts, start=1):
                verdict = prosody.check(text, form=form, level=level, standard=standard, fine=fine)
                if fine:
                    from pingze.composing.steering.antithesis import antithesis_notes  # needs the table

                    verdict = replace(verdict, notes=(*verdict.notes, *antithesis_notes(verdict)))
                passed = passed and verdict.ok
                yield verdict
                count(done)

        if as_json:
            print_json_list(
                each.as_json() | ({"explanation": [*map(asdict, prosody.explain_verdict(each))]} if explained else {})
                for each in verdicts()
            )
        else:
            _print_verdicts(verdicts(), explained=explained)
    if not passed:
        raise typer.Exit(1)


def _print_verdicts(verdicts: "Iterable[Verdict]", *, explained: bool) -> None:
    """Print each poem with its tones, its faults, and the characters that would fit at each fault."""
    from rich.console import Console

    from pingze.verse.suggestions import suggest

    console = Console(highlight=False, soft_wrap=True)
    with ExitStack() as stack:

        @cache
        def neighbours() -> "Neighbours | None":
            from pingze.corpus.store import usual_neighbours  # a poem without faults needs no corpus

            return stack.enter_context(usual_neighbours())

        for number, verdict in enumerate(verdicts):
            if number:
                console.print()
            console.print(drawn(verdict, lambda fault: suggest(verdict, fault, neighbours=neighbours())))  # noqa: B023
            if explained:
                console.print(_table(prosody.explain_verdict(verdict)), end="")


def _table(lines: "Iterable[LineExplanation]") -> str:
    """Format a row for each line: its pattern, licence, and characters of both tones with tone, group and meaning."""
    rows = []
    for each in lines:
        readings = (
            " ".join(filter(None, (r.char, r.tone, r.groups, r.word, r.zh if language() == "zh" else r.en)))
            for r in each.readings
        )
        cells = (
            f"{each.line:>2}",
            (each.kind or "").ljust(2),
            each.pattern or "",
            each.rule or "",
            "; ".join(readings),
        )
        rows.append("  ".join(filter(None, cells)) + "\n")
    return "".join(["\n" * bool(rows), *rows])


def drawn(verdict: "Verdict", fitting: "Callable[[Violation], Sequence[str]] | None" = None) -> "Text":
    """Format a poem with its tones, the broken rules and notes; below each faulty character, show what would fit."""
    from rich.text import Text

    text = Text(no_wrap=False)
    text.append(heading(verdict) + "\n\n", "bold")
    for number, line in enumerate(verdict.lines, 1):
        faults = [fault for fault in verdict.violations if fault.line == number]
        faulty = {fault.position - 1 for fault in faults}
        # 1) The characters, and their tones below them.
        text.append(f"{number:>2}")
        for place, character in enumerate(line):
            text.append(" ").append(character, "bold red" if place in faulty else "")
        text.append(
            "\n   "
            + "".join(sign(each, verdict.standard).ljust(_CELL) for each in verdict.read[number - 1]).rstrip()
            + "\n",
            "cyan",
        )
        # 2) Each fault below its character.
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
        text.append(f"{rule}: {here(rule)}\n")
    for doubt in verdict.doubts:
        text.append(f"? {doubt.text(language())}\n", "yellow")
    for note in verdict.notes:
        text.append(f"· {note.text(language())}\n", "dim")
    return text.append(summary(verdict))


@app.command()
def tones(
    text: Annotated[
        str, typer.Argument(metavar="CHARACTER|WORD", help="A character such as 看, or a word such as 將軍.")
    ],
    standard: StandardOption = PINGSHUI.name,
    as_json: JsonOption = False,
) -> None:
    """Show a character's readings, with tone, rhyme group, meaning and uses in Tang verse; or a word's tones."""
    word, by = in_context(only_han(text)), find_standard(standard)
    if len(word) > 1:
        tones = tones_in(word, range(len(word) - 1), by)
        read = [(c, "".join(sorted(each))) for c, each in zip(word, tones, strict=True)]
        if as_json:
            print_json([{"character": c, "tones": each} for c, each in read])
        else:
            typer.echo("  ".join(f"{c} {each or '?'}" for c, each in read))
        return
    found, character = describe(text, by), to_traditional(text.strip())
    if by.rimes:
        spoken = [(each, group) for reading in found for each, group in spoken_in(character, reading.group, by)]
        if as_json:
            print_json([{"tone": g.tone, "group": g.label, "spoken": each} for each, g in spoken])
        else:
            typer.echo("\n".join(f"{group.tone} {group.label}  {each}" for each, group in spoken))
        return
    others = [each for each in STANDARDS.values() if each.rimes]
    senses = [sense(character, r.group.name) for r in found]
    if as_json:
        print_json(
            [
                {
                    "tone": reading.group.tone,
                    "group": reading.group.label,
                    "used": reading.used,
                    "rhymed": reading.rhymed,
                    "zh": zh,
                    "en": en,
                    "words": words,
                    "spoken": {
                        each.name: {s: g.label for s, g in spoken_in(character, reading.group, each)} for each in others
                    },
                }
                for reading, (zh, en, words) in zip(found, senses, strict=True)
            ]
        )
        return
    for reading, (zh, en, words) in zip(found, senses, strict=True):
        values = {"side": reading.group.side, "group": reading.group.label, "rhymed": f"{reading.rhymed:,}"}
        code = "reading_rhymed" if reading.used is None else "reading_used"
        used = {} if reading.used is None else {"used": f"{reading.used:,}"}
        meaning = filter(None, (zh if language() == "zh" else en, " ".join(words[:_WORDS_SHOWN])))
        typer.echo("  ".join((here(code, **values, **used), *meaning)))
        for each in others:
            spoken = spoken_in(character, reading.group, each)
            typer.echo(f"   {each.label} " + ", ".join(f"{s} {group.label}" for s, group in spoken))
    if any(reading.used is None for reading in found) and (places := known(text.strip()).needed):
        typer.echo(here("tones_needed", has=[f"{side} {times:,}" for side, times in places.items()]))


@app.command()
def rhyme(
    name: Annotated[
        str, typer.Argument(help="A group such as 陽 or 七陽, or any character.", autocompletion=BY_FIELD["rhyme"])
    ],
    every: Annotated[bool, typer.Option("--all", help="List every character of the group.")] = False,
    standard: StandardOption = PINGSHUI.name,
    as_json: JsonOption = False,
) -> None:
    """Show a rhyme group's characters, beginning with the most frequent rhymes of Tang poets."""
    by = find_standard(standard)
    groups = {group.label: rhyme_characters(group.name, by) for group in find_groups(name, by)}
    if as_json:
        print_json({label: list(characters) for label, characters in groups.items()})
        return
    for label, characters in groups.items():
        shown = characters if every else characters[:RHYMES_SHOWN]
        more = len(characters) - len(shown)
        typer.echo(f"{label}  {' '.join(shown)}" + (f"  {here('more_characters', more=more)}" if more else ""))
