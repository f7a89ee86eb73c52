"""`pingze check`, `tones`, `rhyme` and `tunes`."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pingze.cli.application import BY_FIELD, command, file_name, json_list, option, read_text, show
from pingze.errors import InputError
from pingze.messages import here, language
from pingze.verse.character_table import to_traditional
from pingze.verse.characters import only_han
from pingze.verse.context import in_context
from pingze.verse.patterns import CUSTOMARY
from pingze.verse.rhyme_book import sense
from pingze.verse.standard import PINGSHUI, STANDARDS, find_standard
from pingze.verse.tunes import Tune, known_tune, shapes_of
from pingze.verse.tunes import tunes as all_tunes
from pingze.verse.verdict import heading, sign, summary

if TYPE_CHECKING:
    from rich.text import Text

    from pingze.verse.scansion import LineExplanation
    from pingze.verse.suggestions import Neighbours
    from pingze.verse.verdict import Verdict, Violation

RHYMES_SHOWN = 60
_WORDS_SHOWN = 6
_CELL = 3  # columns: two for a character and one for the space after it
_TUNE_SIGNS = {"P": "○", "Z": "●", "x": "◐"}
_FREED_SIGNS = {"P": "⊙", "Z": "⊗"}  # where poets often have the other tone


@command()
def check(
    file: Annotated[
        str, typer.Argument(metavar="[FILE|POEM|-]", help="Poems separated by blank lines.")
    ] = "-",
    form: Annotated[
        str | None, option("form", "The form to check against, not the detected one.")
    ] = None,
    level: str = CUSTOMARY,
    standard: str = PINGSHUI.name,
    fine: Annotated[
        bool, typer.Option("--fine", help="Also note 撞韻 擠韻 冒韻 四字目孤平 合掌, weak 對仗.")
    ] = False,
    explained: Annotated[
        bool, typer.Option("--explain", help="Also show patterns, rescues and readings.")
    ] = False,
    as_json: bool = False,
) -> None:
    """Check the form, tones and rhyme of poems; exit status 1 if one has a fault."""
    from pingze.cli.progress import counting
    from pingze.composing.reading import heading_form
    from pingze.verse import checking
    from pingze.verse.scansion import explain_verdict

    if not (texts := checking.poems_in(read_text(file), form=form, standard=standard)):
        raise InputError("no_verse", name=file_name(file))

    passed = True
    with counting("poems_done", len(texts)) as count, json_list() as add, ExitStack() as stack:

        @cache
        def neighbours() -> "Neighbours | None":
            # a poem without faults needs no corpus
            from pingze.corpus.store import usual_neighbours

            return stack.enter_context(usual_neighbours())

        for done, text in enumerate(texts, start=1):
            verdict = checking.check(
                text,
                form=heading_form(text) if form is None else form,
                level=level,
                standard=standard,
                fine=fine,
            )
            if fine:
                # only `fine` needs it
                from pingze.composing.terms.antithesis import antithesis_notes

                verdict = replace(verdict, notes=(*verdict.notes, *antithesis_notes(verdict)))
            lines = explain_verdict(verdict) if explained else ()
            if as_json:
                add(
                    verdict.as_json()
                    | ({"explanation": [*map(asdict, lines)]} if explained else {})
                )
            else:
                from rich.console import Console

                from pingze.verse.suggestions import suggest

                def fitting(fault: "Violation", verdict: "Verdict" = verdict) -> "Sequence[str]":
                    return suggest(verdict, fault, neighbours=neighbours())

                shown = drawn(verdict, fitting)
                console = Console(highlight=False, soft_wrap=True)
                console.print("\n" * (done > 1), shown, "\n", _table(lines), sep="", end="")
            passed = passed and verdict.ok
            count(done)
    if not passed:
        raise typer.Exit(1)


def _table(lines: "Iterable[LineExplanation]") -> str:
    """Format one row per line: pattern, rule that allows the pattern, and readings of characters with both tones."""
    rows = [""]
    for each in lines:
        in_words = [(r, r.zh if language() == "zh" else r.en) for r in each.readings]
        readings = (
            " ".join(filter(None, (r.char, r.tone, r.groups, r.word, meant)))
            for r, meant in in_words
        )
        cells = (f"{each.line:>2}", (each.kind or "").ljust(2), each.pattern or "", each.rule or "")
        rows.append("  ".join(filter(None, (*cells, "; ".join(readings)))))
    return "\n".join(rows) + "\n" if rows[1:] else ""


def drawn(verdict: "Verdict", fitting: "Callable[[Violation], Sequence[str]]") -> "Text":
    """Format a poem with its tones, broken rules and notes.

    Below each faulty character, show what would fit there.
    """
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
        signs = "".join(
            sign(each, verdict.standard).ljust(_CELL) for each in verdict.read[number - 1]
        )
        text.append(f"\n   {signs.rstrip()}\n", "cyan")
        # 2) Each fault below its character.
        for fault in faults:
            text.append("   " + " " * _CELL * (fault.position - 1)).append(
                f"^^ {fault.rule}", "red"
            )
            fits = fitting(fault)
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


@command()
def tones(
    text: Annotated[
        str,
        typer.Argument(
            metavar="CHARACTER|WORD", help="A character such as 看, or a word such as 將軍."
        ),
    ],
    standard: str = PINGSHUI.name,
    as_json: bool = False,
) -> None:
    """Show a word's tones, or a character's readings with their tone, rhyme group, meaning and uses in Tang verse."""
    word, by = in_context(only_han(text)), find_standard(standard)
    rows, shown = list[dict[str, Any]](), list[str]()
    # 1) A word: the tones of each character.
    if len(word) > 1:
        for c, sides in zip(word, by.words.tones_in(word, range(len(word) - 1)), strict=True):
            rows.append({"character": c, "tones": "".join(sorted(sides))})
        shown = ["  ".join(f"{row['character']} {row['tones'] or '?'}" for row in rows)]
        return show(rows, shown, as_json=as_json)
    # 2) A character by a standard of Mandarin: how each reading is spoken.
    found, character = by.describe(text), to_traditional(text.strip())
    if by.rimes:
        for each, group in (
            pair for reading in found for pair in by.spoken_in(character, reading.group)
        ):
            rows.append({"tone": group.tone, "group": group.label, "spoken": each})
            shown.append(f"{group.tone} {group.label}  {each}")
        return show(rows, shown, as_json=as_json)
    # 3) A character by 平水韻: what each reading means, how often Tang poets use it, and how
    # Mandarin speaks it.
    for reading in found:
        zh, en, words = sense(character, reading.group.name)
        row = {
            "tone": reading.group.tone,
            "group": reading.group.label,
            "used": reading.used,
            "rhymed": reading.rhymed,
        }
        values = {
            "side": reading.group.side,
            "group": reading.group.label,
            "rhymed": f"{reading.rhymed:,}",
        }
        code = "reading_rhymed" if reading.used is None else "reading_used"
        used = {} if reading.used is None else {"used": f"{reading.used:,}"}
        meaning = filter(None, (zh if language() == "zh" else en, " ".join(words[:_WORDS_SHOWN])))
        shown.append("  ".join((here(code, **values, **used), *meaning)))
        spoken = {}
        for modern in (each for each in STANDARDS.values() if each.rimes):
            spoken[modern.name] = {
                s: group.label for s, group in modern.spoken_in(character, reading.group)
            }
            shown.append(
                f"   {modern.label} "
                + ", ".join(f"{s} {g}" for s, g in spoken[modern.name].items())
            )
        rows.append({**row, "zh": zh, "en": en, "words": words, "spoken": spoken})
    if any(reading.used is None for reading in found) and (
        places := PINGSHUI.read(text.strip()).needed
    ):
        shown.append(
            here("tones_needed", has=[f"{side} {times:,}" for side, times in places.items()])
        )
    return show(rows, shown, as_json=as_json)


@command()
def rhyme(
    name: Annotated[
        str,
        typer.Argument(
            help="A group such as 陽 or 七陽, or any character.", autocompletion=BY_FIELD["rhyme"]
        ),
    ],
    every: Annotated[
        bool, typer.Option("--all", help="List every character of the group.")
    ] = False,
    standard: str = PINGSHUI.name,
    as_json: bool = False,
) -> None:
    """Show a rhyme group's characters, beginning with the most frequent rhymes of Tang poets."""
    by = find_standard(standard)
    groups = {group.label: list(by.rhyme_characters(group.name)) for group in by.find_groups(name)}
    shown = []
    for label, characters in groups.items():
        first = characters if every else characters[:RHYMES_SHOWN]
        more = len(characters) - len(first)
        shown.append(
            f"{label}  {' '.join(first)}"
            + (f"  {here('more_characters', more=more)}" if more else "")
        )
    show(groups, shown, as_json=as_json)


@command()
def tunes(
    name: Annotated[
        str | None, typer.Argument(help="A tune, such as 浣溪沙.", autocompletion=BY_FIELD["tune"])
    ] = None,
    as_json: bool = False,
) -> None:
    """List the tunes of 詞, or draw the shapes of one tune by 《欽定詞譜》 and 龍榆生."""
    if name is None:
        found = [all_tunes()[tune] for tune in all_tunes().of_tune]
    else:
        asked = known_tune(name)
        found = shapes_of(asked) if "·" not in asked.name else [asked]
    if as_json or name is None:
        values = [asdict(tune) | {"size": tune.size} for tune in found] if as_json else None
        show(values, map(_tune_row, found), as_json=as_json)
    else:
        from rich.console import Console

        console = Console(highlight=False, soft_wrap=True)
        for number, tune in enumerate(found):
            console.print("\n" * bool(number), drawn_tune(tune), sep="")


def _tune_row(tune: Tune) -> str:
    """Format a tune's name, number in the book, characters, rhyme classes, counted pieces, and other names."""
    kinds = "".join(dict.fromkeys(line.kind for line in tune.lines))
    counted = here(
        "tune_counted",
        number=tune.number,
        size=tune.size,
        rhymes=kinds,
        pieces=f"{tune.pieces:,}",
    )
    others = "" if "·" in tune.name else " ".join(tune.names[1:])
    return "  ".join(part for part in (tune.name, counted, others) if part)


def drawn_tune(tune: Tune) -> "Text":
    """Format a tune's lines: tones, characters that lead, pauses, rhymes and repeated words."""
    from rich.text import Text

    text = Text()
    text.append(_tune_row(tune) + "\n\n", "bold")
    for number, line in enumerate(tune.lines, 1):
        signs = ""
        for tone, customary in zip(line.tones, line.customary, strict=True):
            signs += _TUNE_SIGNS[tone] if tone == customary else _FREED_SIGNS[tone]
            signs += " "
        text.append(f"{number:>2} {signs.rstrip()}", "cyan")
        text.append(line.mark)
        if line.rhyme is not None:
            rhyme = f"{line.rhyme + 1}{line.kind}"
            text.append(f" ({rhyme})" if line.optional else f" {rhyme}")
        if line.leads:
            text.append(" 領")
        if line.echo:
            reversed_words = line.echo[0] > line.echo[-1]
            text.append(" 倒疊" if reversed_words else " 疊")
        text.append("\n" * (1 + line.ends_stanza))
    return text.append(here("tune_signs"), "dim")
