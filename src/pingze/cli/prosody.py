"""`pingze check`, `tones`, `rhyme`, `find` and `tunes`."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pingze.cli.application import BY_FIELD, command, file_name, json_list, option, read_text, show
from pingze.composing.options import Finding
from pingze.errors import InputError
from pingze.messages import here, language
from pingze.verse.character_table import to_traditional
from pingze.verse.characters import only_han
from pingze.verse.context import in_context
from pingze.verse.patterns import CUSTOMARY
from pingze.verse.rhyme_book import sense
from pingze.verse.standard import PINGSHUI, STANDARDS, Standard, find_standard
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

    texts = checking.poems_in(read_text(file), form=form, standard=standard, keep_others=True)
    if not texts:
        raise InputError("no_verse", name=file_name(file))
    passed = True
    with counting("poems_done", len(texts)) as count, json_list() as add, ExitStack() as stack:
        # The corpus is opened at the first fault: poems without faults need none. It is closed with
        # the other contexts, after the last poem.
        @cache
        def neighbours() -> "Neighbours | None":
            from pingze.corpus.store import usual_neighbours

            return stack.enter_context(usual_neighbours())

        for done, text in enumerate(texts, start=1):
            form_of_text = heading_form(text) if form is None else form
            verdict = checking.check(
                text, form=form_of_text, level=level, standard=standard, fine=fine
            )
            if as_json:
                from pingze.composing.judging import describe

                judged = describe(
                    verdict,
                    language(),
                    neighbours=neighbours() if verdict.violations else None,
                    fine=fine,
                    explain=explained,
                )
                add(asdict(judged))
            else:
                if fine:
                    # `describe` adds these notes itself; a verdict that is printed has not got them.
                    from pingze.composing.terms.antithesis import antithesis_notes

                    verdict = replace(verdict, notes=(*verdict.notes, *antithesis_notes(verdict)))
                if done > 1:
                    typer.echo()
                _print_verdict(verdict, neighbours, explained=explained)
            # One poem with a fault decides the exit status, but the others are checked too.
            passed = passed and verdict.ok
            count(done)
    if not passed:
        raise typer.Exit(1)


def _print_verdict(
    verdict: "Verdict", neighbours: "Callable[[], Neighbours | None]", *, explained: bool
) -> None:
    """Print a verdict, with what would fit at its faults and, if asked for, the explanation of each line."""
    from rich.console import Console

    from pingze.verse.scansion import explain_verdict
    from pingze.verse.suggestions import suggest, suggest_swaps

    def fitting(fault: "Violation") -> "Sequence[str]":
        return suggest(verdict, fault, neighbours=neighbours())

    console = Console(highlight=False, soft_wrap=True)
    console.print(drawn(verdict, fitting))
    if explained:
        rows = [_explained_line(explanation) for explanation in explain_verdict(verdict)]
        # Each pair holds the first lines of two couplets that could change places.
        for first_line, other_first_line in suggest_swaps(verdict):
            swap = here(
                "swap_mends",
                line=first_line,
                end=first_line + 1,
                other_line=other_first_line,
                other_end=other_first_line + 1,
            )
            rows.append(swap)
        if rows:
            console.print()
        for row in rows:
            console.print(row)


def _explained_line(line: "LineExplanation") -> str:
    """Format a line's explanation in one row.

    It gives the line's pattern, the pattern that is needed if the line is wrong, the rule that
    allows an irregular line, and the readings of characters that have several.
    """
    cells = [f"{line.line:>2}", (line.kind or "").ljust(2)]
    if line.pattern:
        cells.append(line.pattern)
    if line.wrong and line.needs:
        cells.append(here("needs_pattern", has=line.has, wanted=line.needs))
    if line.rule:
        cells.append(line.rule)
    readings = []
    for reading in line.readings:
        meaning = reading.zh if language() == "zh" else reading.en
        parts = (reading.char, reading.tone, reading.groups, reading.word, meaning)
        readings.append(" ".join(part for part in parts if part))
    if readings:
        cells.append("; ".join(readings))
    return "  ".join(cells)


def drawn(verdict: "Verdict", fitting: "Callable[[Violation], Sequence[str]]") -> "Text":
    """Format a poem with its tones, broken rules and notes.

    Below each faulty character, show what would fit there.
    """
    from rich.text import Text

    text = Text(no_wrap=False)
    text.append(heading(verdict) + "\n\n", "bold")
    for number, line in enumerate(verdict.lines, 1):
        faults = [fault for fault in verdict.violations if fault.line == number]
        faulty = {fault.position for fault in faults}
        # 1) The characters, and their tones below them.
        text.append(f"{number:>2}")
        for position, character in enumerate(line, 1):
            style = "bold red" if position in faulty else ""
            text.append(" ").append(character, style)
        signs = ""
        for reading in verdict.read[number - 1]:
            signs += sign(reading, verdict.standard).ljust(_CELL)
        text.append(f"\n   {signs.rstrip()}\n", "cyan")
        # 2) Each fault below its character.
        for fault in faults:
            indent = "   " + " " * _CELL * (fault.position - 1)
            text.append(indent).append(f"^^ {fault.rule}", "red")
            fitting_characters = fitting(fault)
            text.append(f": {' '.join(fitting_characters)}\n" if fitting_characters else "\n")
    # 3) The faults of lines that the form wants and the poem has not, and then the rules and notes.
    for fault in verdict.violations:
        if fault.line > len(verdict.lines):
            text.append(f"{fault.line:>2} {fault.rule}\n", "red")
    if verdict.lines:
        text.append("\n")
    broken_rules = dict.fromkeys(fault.rule for fault in verdict.violations)  # each rule once
    for rule in broken_rules:
        text.append(f"{rule}: {here(rule)}\n")
    for doubt in verdict.doubts:
        text.append(f"? {doubt.text(language())}\n", "yellow")
    for note in verdict.notes:
        text.append(f"· {note.text(language())}\n", "dim")
    return text.append(summary(verdict))


@command()
def tones(
    texts: Annotated[
        list[str],
        typer.Argument(
            metavar="CHARACTER|WORD...",
            help="Characters such as 看, and words such as 將軍.",
        ),
    ],
    standard: str = PINGSHUI.name,
    as_json: bool = False,
) -> None:
    """Show words' tones, or characters' readings with their tone, rhyme group, meaning and uses in Tang verse."""
    rhyme_standard = find_standard(standard)
    rows_by_text = {}
    shown: list[str] = []
    # An argument may hold several words with spaces between. If there are only spaces, they are
    # looked up as they are, so that the error names them.
    words = " ".join(texts).split() or texts
    for text in words:
        word = in_context(only_han(text))
        if len(word) > 1:
            rows, lines = _tones_of_word(word, rhyme_standard)
        elif rhyme_standard.rimes:  # only a standard of Mandarin has them
            rows, lines = _spoken_readings(text, rhyme_standard)
        else:
            rows, lines = _book_readings(text)
        rows_by_text[text] = rows
        shown += lines
    # The JSON for a single word is its rows, without the word as a key.
    value: Any = rows_by_text
    if len(rows_by_text) == 1:
        (value,) = rows_by_text.values()
    show(value, shown, as_json=as_json)


Rows = list[dict[str, Any]]


def _tones_of_word(word: str, standard: Standard) -> tuple[Rows, list[str]]:
    """Return the tones of each character of a word, as JSON and as text."""
    rows: Rows = []
    shown = []
    tones_by_place = standard.words.tones_in(word, range(len(word) - 1))
    for character, possible_tones in zip(word, tones_by_place, strict=True):
        sides = "".join(sorted(possible_tones))
        rows.append({"character": character, "tones": sides})
        shown.append(f"{character} {sides or '?'}")
    return rows, ["  ".join(shown)]


def _spoken_readings(text: str, standard: Standard) -> tuple[Rows, list[str]]:
    """Return how each reading of a character is spoken, by a standard of Mandarin."""
    rows: Rows = []
    shown = []
    character = to_traditional(text.strip())
    for reading in standard.describe(text):
        for spoken, group in standard.spoken_in(character, reading.group):
            rows.append({"tone": group.tone, "group": group.label, "spoken": spoken})
            shown.append(f"{group.tone} {group.label}  {spoken}")
    return rows, shown


def _book_readings(text: str) -> tuple[Rows, list[str]]:
    """Return each reading of a character by 平水韻: meaning, frequency in Tang verse, and how Mandarin speaks it."""
    rows: Rows = []
    shown = []
    character = to_traditional(text.strip())
    readings = PINGSHUI.describe(text)
    for reading in readings:
        # 1) The group, how often poets use the reading, and its meaning.
        zh, en, words = sense(character, reading.group.name)
        values = {
            "side": reading.group.side,
            "group": reading.group.label,
            "rhymed": f"{reading.rhymed:,}",
        }
        if reading.used is None:  # unknown: another reading has the same tone
            frequency = here("reading_rhymed", **values)
        else:
            frequency = here("reading_used", **values, used=f"{reading.used:,}")
        meaning = zh if language() == "zh" else en
        cells = (frequency, meaning, " ".join(words[:_WORDS_SHOWN]))
        shown.append("  ".join(cell for cell in cells if cell))
        # 2) The Mandarin syllables of the reading, by each standard that has them.
        spoken_by_standard = {}
        for modern in STANDARDS.values():
            if not modern.rimes:
                continue
            label_by_syllable = {
                syllable: group.label
                for syllable, group in modern.spoken_in(character, reading.group)
            }
            spoken_by_standard[modern.name] = label_by_syllable
            syllables = [f"{syllable} {label}" for syllable, label in label_by_syllable.items()]
            shown.append(f"   {modern.label} {', '.join(syllables)}")
        rows.append(
            {
                "tone": reading.group.tone,
                "group": reading.group.label,
                "used": reading.used,
                "rhymed": reading.rhymed,
                "zh": zh,
                "en": en,
                "words": words,
                "spoken": spoken_by_standard,
            }
        )
    # 3) How often verse needs the character in each tone. If the uses of every reading are known,
    # they say this already.
    times_by_tone = PINGSHUI.read(text.strip()).needed
    if times_by_tone and any(reading.used is None for reading in readings):
        counts = [f"{tone} {times:,}" for tone, times in times_by_tone.items()]
        shown.append(here("tones_needed", has=counts))
    return rows, shown


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
    rhyme_standard = find_standard(standard)
    characters_by_group = {}
    shown = []
    for group in rhyme_standard.find_groups(name):
        characters = list(rhyme_standard.rhyme_characters(group.name))
        characters_by_group[group.label] = characters
        listed = characters if every else characters[:RHYMES_SHOWN]
        row = f"{group.label}  {' '.join(listed)}"
        more = len(characters) - len(listed)
        if more:
            row += f"  {here('more_characters', more=more)}"
        shown.append(row)
    show(characters_by_group, shown, as_json=as_json)


@command()
def find(asked: Finding, model: str | None = None, as_json: bool = False) -> None:
    """Find characters, and words of two characters, by tone, rhyme, meaning, and the line they are to stand in."""
    from pingze.composing import finding

    found = finding.find(**vars(asked), model=model)
    shown = [
        f"{item.text}  {item.tones}  {''.join(item.rhymes)}  {item.used:,}  {item.meaning}"
        for item in (*found.characters, *found.words)
    ]
    if not shown:
        typer.echo(here("nothing_found"), err=True)
    # JSON is printed even if nothing was found; otherwise that would print an empty line.
    if shown or as_json:
        show(asdict(found), shown, as_json=as_json)
    if not shown:
        raise typer.Exit(1)


@command()
def tunes(
    name: Annotated[
        str | None, typer.Argument(help="A tune, such as 浣溪沙.", autocompletion=BY_FIELD["tune"])
    ] = None,
    as_json: bool = False,
) -> None:
    """List the tunes of 詞, or draw the shapes of one tune by 《欽定詞譜》 and 龍榆生."""
    if name is None:
        shapes = all_tunes()
        listed = [shapes[tune] for tune in shapes.of_tune]  # the usual shape of each tune
    else:
        named = known_tune(name)
        is_one_shape = "·" in named.name  # as 臨江仙·格二
        listed = [named] if is_one_shape else shapes_of(named)
    if as_json or name is None:
        values = None
        if as_json:
            values = [asdict(tune) | {"size": tune.size} for tune in listed]
        show(values, map(_tune_row, listed), as_json=as_json)
    else:
        from rich.console import Console

        console = Console(highlight=False, soft_wrap=True)
        for number, tune in enumerate(listed):
            if number > 0:
                console.print()
            console.print(drawn_tune(tune))


def _tune_row(tune: Tune) -> str:
    """Format a tune's name, number in the book, characters, rhyme classes, counted pieces, and other names."""
    # The kind of a line is the class of its rhyme, such as 平; each class is shown once.
    kinds = "".join(dict.fromkeys(line.kind for line in tune.lines))
    counted = here(
        "tune_counted",
        number=tune.number,
        size=tune.size,
        rhymes=kinds,
        pieces=f"{tune.pieces:,}",
    )
    is_other_shape = "·" in tune.name  # the usual shape gives the other names already
    other_names = "" if is_other_shape else " ".join(tune.names[1:])
    return "  ".join(part for part in (tune.name, counted, other_names) if part)


def drawn_tune(tune: Tune) -> "Text":
    """Format a tune's lines: tones, characters that lead, pauses, rhymes and repeated words."""
    from rich.text import Text

    text = Text()
    text.append(_tune_row(tune) + "\n\n", "bold")
    for number, line in enumerate(tune.lines, 1):
        signs = ""
        for tone, customary in zip(line.tones, line.customary, strict=True):
            # Where poets often have the other tone, the customary tone is x, not the book's.
            signs += _TUNE_SIGNS[tone] if tone == customary else _FREED_SIGNS[tone]
            signs += " "
        text.append(f"{number:>2} {signs.rstrip()}", "cyan")
        text.append(line.mark)
        if line.rhyme is not None:
            rhyme = f"{line.rhyme + 1}{line.kind}"  # rhymes are counted from 1, such as 1平
            text.append(f" ({rhyme})" if line.optional else f" {rhyme}")
        if line.leads:
            text.append(" 領")
        if line.echo:
            # The places that the line repeats are in reverse order for 倒疊.
            is_reversed = line.echo[0] > line.echo[-1]
            text.append(" 倒疊" if is_reversed else " 疊")
        # an empty line parts the stanzas
        text.append("\n\n" if line.ends_stanza else "\n")
    return text.append(here("tune_signs"), "dim")
